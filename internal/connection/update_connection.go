package connection

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/table"
)

// UpdateRequest is a merge patch of a connection (RFC 7396). Its provider stays.
type UpdateRequest struct {
	Connection id.Connection               `path:"connection_id" json:"-"`
	Name       field.Optional[field.Label] `json:"name,omitzero"`
	// Credential replaces the one before.
	Credential field.Optional[Credential] `json:"credential,omitzero"`
	// Enabled is whether the connection counts where one is required.
	Enabled field.Optional[bool] `json:"enabled,omitzero"`
}

// Validate refuses to unset what every connection has.
func (in UpdateRequest) Validate() []fault.Field {
	var faults []fault.Field
	for _, member := range []struct {
		pointer string
		unset   bool
	}{
		{"/name", in.Name.Given && in.Name.Value == ""},
		{"/credential", in.Credential.Null},
		{"/enabled", in.Enabled.Null},
	} {
		if member.unset {
			faults = append(faults, fault.Field{Pointer: member.pointer, Reason: "is empty"})
		}
	}
	return faults
}

// UpdateConnection merges a patch into a connection of the organization.
func (s Service) UpdateConnection(ctx context.Context, by access.Actor, in UpdateRequest) (Answer, error) {
	return s.update(ctx, ofOrganization(by), in)
}

// UpdateMyConnection merges a patch into a connection of the caller's own.
func (s Service) UpdateMyConnection(ctx context.Context, by access.Identity, in UpdateRequest) (Answer, error) {
	return s.update(ctx, ofPerson(by), in)
}

func (s Service) update(ctx context.Context, of owner, in UpdateRequest) (out Answer, err error) {
	var sealed []table.Write
	if in.Credential.Given {
		write, err := s.seal(ctx, of, in.Connection, in.Credential.Value)
		if err != nil {
			return Answer{}, err
		}
		write.If, write.Else = table.Present, ErrNotFound
		sealed = []table.Write{write}
	}
	err = table.Retry(ctx, func() error {
		found, err := of.read(ctx, s.Table, in.Connection)
		if err != nil {
			return err
		}
		if found.connection == nil {
			return ErrNotFound
		}
		read, c, now := *found.connection, *found.connection, s.Now()
		in.Name.Merge(&c.Name)
		in.Enabled.Merge(&c.Enabled)
		if in.Credential.Given {
			c.Hint, c.RotatedAt = in.Credential.Value.hint(), now
		}
		before, after := audit.Changes(read.recorded(), c.recorded())
		if len(after) == 0 && !in.Credential.Given {
			out = Answer{read.view()}
			return nil
		}
		c.UpdatedAt, c.Version = now, read.Version+1
		writes := append([]table.Write{of.save(&read, c)}, sealed...)
		if c.Enabled != read.Enabled {
			writes = append(writes, of.count(found.counts, c.Provider, 0, c.use()-read.use()))
		}
		writes = append(writes, of.recorded(now, audit.Event{
			Action: audit.ConnectionUpdated, Target: string(c.ID), Before: before, After: after,
		})...)
		out, err = api.Commit(ctx, s.Table, Answer{c.view()}, writes...)
		return err
	})
	return out, err
}
