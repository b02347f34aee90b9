package connection

import (
	"context"

	"roster/internal/access"
	"roster/internal/audit"
	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/table"
)

// StoredBy reads the organization's connections that a member stored.
func StoredBy(ctx context.Context, e *env.Env, org id.Organization, user id.User) ([]Connection, error) {
	items, err := e.Table.QueryAll(ctx, table.Query{
		PK: table.Connections(org), Prefix: table.ConnectionPrefix,
		Filter: "#created_by = :user", Values: table.V{"user": user},
	})
	if err != nil {
		return nil, err
	}
	return table.DecodeAll[Connection](items)
}

// CountPersonal is how many connections of their own a person has.
func CountPersonal(ctx context.Context, e *env.Env, user id.User) (int, error) {
	found, err := owner{by: user}.read(ctx, e.Table, "")
	if err != nil || found.counts == nil {
		return 0, err
	}
	return found.counts.Total, nil
}

// HandOver names another member as who stored a connection of the organization: whom
// to ask about it. It reports whether there was something to change.
func (s Service) HandOver(ctx context.Context, by access.Actor, connection id.Connection, from id.User, to member.Member) (changed bool, err error) {
	of := ofOrganization(by)
	err = table.Retry(ctx, func() error {
		found, err := of.read(ctx, s.Table, connection)
		if err != nil {
			return err
		}
		read := found.connection
		if changed = read != nil && read.CreatedBy == from; !changed {
			return nil
		}
		now, c := s.Now(), *read
		c.CreatedBy, c.UpdatedAt, c.Version = to.ID, now, read.Version+1
		return s.Table.Transact(ctx, append([]table.Write{of.save(read, c), to.Stays()}, of.recorded(now, audit.Event{
			Action: audit.ConnectionUpdated, Target: string(c.ID),
			Before: map[string]any{"created_by": read.CreatedBy}, After: map[string]any{"created_by": c.CreatedBy},
		})...)...)
	})
	return changed, err
}

// Views shows connections without their credentials.
func Views(all []Connection) []View {
	views := make([]View, len(all))
	for i, c := range all {
		views[i] = c.view()
	}
	return views
}
