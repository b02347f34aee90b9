package access

import (
	"context"
	"maps"

	"roster/internal/fault"
	"roster/internal/permission"
	"roster/internal/table"
)

// Connections is what an organization's item, or a person's, tells of their
// connections without a read of any. It changes in the transaction of each.
type Connections struct {
	// Enabled is how many are enabled, by provider.
	Enabled map[string]int `dynamodbav:"enabled"`
	// Total counts the disabled ones too.
	Total   int `dynamodbav:"total"`
	Version int `dynamodbav:"version"`
}

// Serve reports whether one is enabled for the provider; of none named, for any.
func (c *Connections) Serve(provider string) bool {
	if c == nil {
		return false
	}
	if provider == "" {
		return len(c.Enabled) > 0
	}
	return c.Enabled[provider] > 0
}

// Plus returns what it is with so many more of a provider, and so many more of them
// enabled; both may be negative.
func (c *Connections) Plus(provider string, total, enabled int) Connections {
	next := Connections{Enabled: map[string]int{}}
	if c != nil {
		maps.Copy(next.Enabled, c.Enabled)
		next.Total, next.Version = c.Total, c.Version
	}
	next.Total += total
	if next.Enabled[provider] += enabled; next.Enabled[provider] == 0 {
		delete(next.Enabled, provider)
	}
	return next
}

// Save is the Write that brings the item at a key from what was read to what is to
// be. It fails with table.ErrChanged.
func (c *Connections) Save(at table.Key, next Connections) table.Write {
	next.Version++
	values := table.V{"next": next}
	return table.Write{
		Key: at, Update: "SET #connections = :next", If: c.Unchanged(values), Values: values, Else: table.ErrChanged,
	}
}

// Unchanged is the condition that an item's connections are those read, whose
// version it adds to the values.
func (c *Connections) Unchanged(values table.V) string {
	if c == nil {
		return "attribute_not_exists(#connections)"
	}
	values["connections"] = c.Version
	return "#connections.#version = :connections"
}

// ConnectionScope is whose connection serves a call.
type ConnectionScope string

const (
	OrganizationConnection ConnectionScope = "organization"
	PersonalConnection     ConnectionScope = "personal"
)

// ErrNoConnection refuses a model whose provider nobody has a connection to, where
// the organization requires one.
var ErrNoConnection = fault.New(fault.Forbidden, "no_connection",
	"The organization requires a connection to the model's provider, and has none that is enabled: an administrator can add one.")

const orPersonal = " So can the member, as a personal connection."

// connection tells whose connection serves a member's calls to a provider (of none
// named, to any), or refuses with ErrNoConnection. It tells nothing where the
// organization requires none.
//
// Only whom the organization's connections do not serve costs a further read, of
// their personal ones; what it finds stands for GateTTL.
func (h *HotPath) connection(ctx context.Context, s Standing, provider string) (ConnectionScope, error) {
	if !s.gate.view.RequireConnection {
		return "", nil
	}
	if s.gate.view.Connections.Serve(provider) {
		return OrganizationConnection, nil
	}
	refused := ErrNoConnection
	if s.permissions().Has(permission.ConnectionsOwn) {
		own, err := h.personal(ctx, s)
		if err != nil {
			return "", err
		}
		if own.Serve(provider) {
			return PersonalConnection, nil
		}
		refused = refused.WithDetail(refused.Detail + orPersonal)
	}
	if provider != "" {
		refused = refused.With("provider", provider)
	}
	return "", refused
}

func (h *HotPath) personal(ctx context.Context, s Standing) (*Connections, error) {
	now := h.env.Now()
	if kept, ok := h.connections.Get(s.user, now); ok {
		return kept, nil
	}
	var found *struct {
		Connections *Connections `dynamodbav:"connections"`
	}
	if err := h.env.Table.Get(ctx, table.Into(table.PersonalConnections(s.user), &found)); err != nil {
		return nil, err
	}
	var own *Connections
	if found != nil {
		own = found.Connections
	}
	h.connections.Put(s.user, own, now)
	return own, nil
}
