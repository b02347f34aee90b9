package organization

import (
	"context"
	"slices"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/permission"
	"roster/internal/spending"
	"roster/internal/table"
)

// UpdateRequest changes settings.
type UpdateRequest struct {
	IfMatch api.IfMatch `header:"If-Match" json:"-"`
	Settings
}

var (
	errGrantByDefault = fault.New(fault.Forbidden, "cannot_grant", "Nobody grants a permission that they lack.")
	errPolicyVersion  = fault.InvalidField("/policy_version", "is lower than the one before")
	errDefaultRole    = fault.InvalidField("/default_role", "is not a role of the organization that anyone may join with")
)

// mayDefault refuses a role that nobody joins with, and one that the caller may
// not grant.
func mayDefault(by access.Actor, name string) error {
	role, ok := by.Roles().Assignable(name)
	switch {
	case !ok, name == permission.Owner, name == permission.Gateway:
		return errDefaultRole
	case !by.Permissions().Covers(role.Permissions):
		return errGrantByDefault
	}
	return nil
}

var errOwnLimit = fault.New(fault.Forbidden, "own_limit",
	"Nobody but an owner raises their own limit, and yours is this default.")

// UpdateOrganization merges a patch into the settings. A patch that changes
// nothing writes nothing.
func (s Service) UpdateOrganization(ctx context.Context, by access.Actor, in UpdateRequest) (out Answer, err error) {
	if in.DefaultRole.Given && !in.DefaultRole.Null {
		if err := mayDefault(by, string(in.DefaultRole.Value)); err != nil {
			return Answer{}, err
		}
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
		if in.PolicyVersion.Given && in.PolicyVersion.Value < read.latestPolicy() {
			return errPolicyVersion
		}
		if err := s.mayRaise(ctx, by, *read, changed); err != nil {
			return err
		}
		before, after := audit.Changes(read.settings(), changed.settings())
		if len(after) == 0 {
			out = answer(*read)
			return nil
		}
		now := s.Now()
		changed, save := Save(*read, changed, now)
		writes := []table.Write{save, audit.Record(now, read.ID, audit.Event{
			Action: audit.OrganizationUpdated, Actor: audit.Member(by), Target: string(read.ID),
			Before: before, After: after,
		})}
		if warnsOthers(*read, changed) {
			writes = append(writes, lookThrough(changed))
		}
		out, err = api.Commit(ctx, s.Table, answer(changed), writes...)
		return err
	})
	return out, err
}

// mayRaise refuses to raise one's own limit by way of the default: nobody but an
// owner does.
func (s Service) mayRaise(ctx context.Context, by access.Actor, read, changed Organization) error {
	if by.IsOwner() || !changed.DefaultLimits().Exceed(read.DefaultLimits()) && !changed.DefaultRates().Exceed(read.DefaultRates()) {
		return nil
	}
	var self *struct {
		Offer *spending.Chosen `dynamodbav:"offer"`
		Terms struct {
			Limits *spending.Chosen `dynamodbav:"limits"`
		} `dynamodbav:"terms"`
	}
	if err := s.Table.Get(ctx, table.Into(table.Member(by.Organization(), by.User()), &self)); err != nil || self == nil {
		return err
	}
	own := spending.First(self.Terms.Limits, self.Offer)
	before, after := spending.Resolve(own.Overrides(), read.DefaultLimits()), spending.Resolve(own.Overrides(), changed.DefaultLimits())
	if after.Limits().Exceed(before.Limits()) || own.Over(changed.DefaultRates()).Exceed(own.Over(read.DefaultRates())) {
		return errOwnLimit
	}
	return nil
}

// warnsOthers reports whether a change of the settings may bring members to thresholds
// of their limits who spend nothing more.
func warnsOthers(read, changed Organization) bool {
	return read.DefaultLimits().Exceed(changed.DefaultLimits()) || !slices.Equal(read.Thresholds(), changed.Thresholds())
}

// lookThrough is the Write by which function check-limits looks at all members, from the
// first one on.
func lookThrough(o Organization) table.Write {
	return table.Write{Key: table.Near(o.ID, ""), Put: struct {
		Version int `dynamodbav:"version"`
	}{o.Version}}
}
