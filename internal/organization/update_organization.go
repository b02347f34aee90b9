package organization

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/permission"
	"roster/internal/table"
)

// UpdateRequest changes settings.
type UpdateRequest struct {
	IfMatch api.IfMatch `header:"If-Match" json:"-"`
	Settings
}

var errGrantByDefault = fault.New(fault.Forbidden, "cannot_grant", "Nobody grants a permission that they lack.")

// UpdateOrganization merges a patch into the settings. A patch that changes
// nothing writes nothing.
func (s Service) UpdateOrganization(ctx context.Context, by access.Actor, in UpdateRequest) (out Answer, err error) {
	if !by.Permissions().Covers(permission.OfRole(string(in.DefaultRole.Value))) {
		return Answer{}, errGrantByDefault
	}
	err = table.Retry(ctx, func() error {
		read, err := Get(ctx, s.Table, by.Organization())
		if err != nil {
			return err
		}
		if !in.IfMatch.Admits(read.ETag()) {
			return ErrVersion
		}
		changed := read.Merge(in.Settings)
		before, after := audit.Changes(read.settings(), changed.settings())
		if len(after) == 0 {
			out = answer(*read)
			return nil
		}
		now := s.Now()
		changed, save := Save(*read, changed, now)
		out, err = api.Commit(ctx, s.Table, answer(changed), save, audit.Record(now, read.ID, audit.Event{
			Action: "organization.updated", Actor: audit.Member(by), Target: string(read.ID),
			Before: before, After: after,
		}))
		return err
	})
	return out, err
}
