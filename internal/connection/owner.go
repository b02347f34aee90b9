package connection

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/audit"
	"roster/internal/envelope"
	"roster/internal/id"
	"roster/internal/organization"
	"roster/internal/table"
)

// owner is whose connections they are, and who acts on them: an organization, or,
// where that is empty, the person.
type owner struct {
	organization id.Organization
	by           id.User
	actor        audit.Actor
}

func ofOrganization(by access.Actor) owner {
	return owner{organization: by.Organization(), by: by.User(), actor: audit.Member(by)}
}

func ofPerson(by access.Identity) owner { return owner{by: by.User()} }

// partition holds the owner's connections.
func (o owner) partition() string {
	if o.organization != "" {
		return table.Connections(o.organization)
	}
	return table.User(o.by).PK
}

// counted is the item that counts the owner's connections.
func (o owner) counted() table.Key {
	if o.organization != "" {
		return table.Organization(o.organization)
	}
	return table.PersonalConnections(o.by)
}

func (o owner) most() int {
	if o.organization != "" {
		return MaxOrganization
	}
	return MaxPersonal
}

// context is where a credential opens: with this owner, under this id.
func (o owner) context(connection id.Connection) envelope.Context {
	if o.organization != "" {
		return envelope.Context{"organization": string(o.organization), "connection": string(connection)}
	}
	return envelope.Context{"user": string(o.by), "connection": string(connection)}
}

// recorded is the Write of the audit event, where there is one: personal
// connections are their owner's own affair.
func (o owner) recorded(now time.Time, e audit.Event) []table.Write {
	if o.organization == "" {
		return nil
	}
	e.Actor = o.actor
	return []table.Write{audit.Record(now, o.organization, e)}
}

// state is what was read of an owner.
type state struct {
	counts *access.Connections
	// connection is the one asked for; nil if there is none.
	connection *Connection
}

// read gets a connection, and what is known of all of the owner's.
func (o owner) read(ctx context.Context, t *table.Table, connection id.Connection) (state, error) {
	var (
		found state
		org   *organization.Organization
		own   *struct {
			Connections *access.Connections `dynamodbav:"connections"`
		}
	)
	reads := []table.Read{table.Into(o.counted(), &own)}
	if o.organization != "" {
		reads = []table.Read{organization.Read(o.organization, &org)}
	}
	if connection != "" {
		reads = append(reads, table.Into(table.Connection(o.partition(), connection), &found.connection))
	}
	if err := t.Get(ctx, reads...); err != nil {
		return state{}, err
	}
	switch {
	case org != nil:
		found.counts = org.Connections
	case o.organization != "":
		return state{}, access.ErrOrg
	case own != nil:
		found.counts = own.Connections
	}
	return found, nil
}

// count is the Write that counts so many more connections of a provider.
func (o owner) count(read *access.Connections, p Provider, total, enabled int) table.Write {
	w := read.Save(o.counted(), read.Plus(string(p), total, enabled))
	if o.organization != "" {
		w.If = table.Present + " AND " + w.If
	}
	return w
}

// save is the Write of a connection: of a new one, or of one that was read. It
// fails with table.ErrChanged.
func (o owner) save(read *Connection, c Connection) table.Write {
	w := table.Write{Key: table.Connection(o.partition(), c.ID), Put: c, If: table.Absent, Else: table.ErrChanged}
	if read != nil {
		w.If, w.Values = "#version = :read", table.V{"read": read.Version}
	}
	return w
}

// seal is the Write of a connection's credential, encrypted.
func (s Service) seal(ctx context.Context, o owner, connection id.Connection, c Credential) (table.Write, error) {
	plain, err := c.plainText()
	if err != nil {
		return table.Write{}, err
	}
	defer clear(plain)
	sealed, err := s.Sealer.Seal(ctx, plain, o.context(connection))
	return table.Write{Key: table.Credential(o.partition(), connection), Put: sealed}, err
}
