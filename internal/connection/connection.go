// Package connection keeps providers' credentials: an organization's, and those of
// people, which belong to them in whatever organization they are.
//
// A credential goes in and never comes out: no answer, log line or audit event has
// it, and no function of Roster can decrypt it.
package connection

import (
	"errors"
	"regexp"
	"time"

	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
)

const (
	// MaxOrganization and MaxPersonal are how many connections an organization and
	// a person have at most: their providers are counted in one item.
	MaxOrganization = 50
	MaxPersonal     = 20
)

var (
	ErrNotFound = fault.New(fault.NotFound, "connection_not_found", "There is no such connection.")
	ErrTooMany  = fault.New(fault.Conflict, "too_many_connections",
		"There are as many connections as there may be (50 of an organization, 20 of a person); delete one first.")
)

// Provider is who serves models: what stands before the slash in their names, such
// as openai, anthropic or azure.
type Provider string

// ProviderLength bounds a Provider.
const ProviderLength = 32

var provider = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$`)

func (p *Provider) UnmarshalText(b []byte) error {
	if len(b) > ProviderLength || !provider.Match(b) {
		return errors.New("is not 1 to 32 lower-case letters, digits, hyphens, dots and underscores, such as openai")
	}
	*p = Provider(b)
	return nil
}

// Connection is a credential for a provider, but for the credential itself.
type Connection struct {
	ID       id.Connection `dynamodbav:"id"`
	Name     field.Label   `dynamodbav:"name"`
	Provider Provider      `dynamodbav:"provider"`
	Enabled  bool          `dynamodbav:"enabled"`
	Hint     string        `dynamodbav:"hint,omitempty"`
	// CreatedBy is who stored it.
	CreatedBy id.User   `dynamodbav:"created_by"`
	CreatedAt time.Time `dynamodbav:"created_at"`
	UpdatedAt time.Time `dynamodbav:"updated_at"`
	// RotatedAt is when the credential was last given.
	RotatedAt time.Time `dynamodbav:"rotated_at"`
	Version   int       `dynamodbav:"version"`
}

// View is a connection without its credential.
type View struct {
	ID       id.Connection `json:"id"`
	Name     field.Label   `json:"name"`
	Provider Provider      `json:"provider"`
	Enabled  bool          `json:"enabled"`
	// Hint is the end of the credential; empty where it is too short to show any,
	// or has no member api_key.
	Hint      string    `json:"hint"`
	CreatedBy id.User   `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	// RotatedAt is when the credential was last given.
	RotatedAt time.Time `json:"rotated_at"`
}

func (c Connection) view() View {
	return View{
		ID: c.ID, Name: c.Name, Provider: c.Provider, Enabled: c.Enabled, Hint: c.Hint, CreatedBy: c.CreatedBy,
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, RotatedAt: c.RotatedAt,
	}
}

// Answer is one connection.
type Answer struct {
	Connection View `json:"connection"`
}

// recorded is what an audit event shows of a connection. Of the credential it says
// when it was given, and no more.
func (c Connection) recorded() map[string]any {
	return map[string]any{"name": c.Name, "provider": c.Provider, "enabled": c.Enabled, "rotated_at": c.RotatedAt}
}

// use is by how much the connection counts among those that serve its provider.
func (c Connection) use() int {
	if c.Enabled {
		return 1
	}
	return 0
}
