package limit

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/apikey"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/permission"
	"roster/internal/spending"
	"roster/internal/spent"
	"roster/internal/table"
)

// SetRequest changes the limits of a member or of a key.
type SetRequest struct {
	User id.User `json:"user_id,omitzero"`
	Key  id.Key  `json:"key_id,omitzero"`
	spending.Patch
}

// Validate refuses two owners or none, and a patch that is none.
func (in SetRequest) Validate() []fault.Field {
	var faults []fault.Field
	switch {
	case in.User != "" && in.Key != "":
		faults = []fault.Field{{Pointer: "/key_id", Reason: "cannot stand beside user_id"}}
	case in.User == "" && in.Key == "":
		faults = []fault.Field{{Pointer: "/user_id", Reason: "or key_id is required"}}
	}
	return append(faults, in.Patch.Validate()...)
}

// SetLimits changes what may be spent, from the next reservation on. A patch that
// changes nothing writes nothing.
func (s Service) SetLimits(ctx context.Context, by access.Actor, in SetRequest) (out Answer, err error) {
	if in.Key != "" {
		return apikey.LimitKey(ctx, s.keys, by, in.Key, in.Patch, func(c spending.Chosen) Answer { return Answer{ofKey(in.Key, c)} })
	}
	if !by.Can(permission.MembersManage) {
		return Answer{}, access.ErrPermission.With("permission", permission.MembersManage)
	}
	err = table.Retry(ctx, func() error {
		org := by.Organization()
		read, defaults, err := s.read(ctx, org, in.User)
		if err != nil {
			return err
		}
		now := s.Now()
		p, err := s.members.Propose(ctx, by, read, func(m member.Member) (member.Member, error) {
			return m.Limit(by, in.Patch, defaults, now)
		})
		if err != nil {
			return err
		}
		if p.Changes() {
			p.Writes = append(p.Writes, spent.Fence(org, in.User, spent.Month(now, by.Location()), p.After.Version))
		}
		out, err = api.Commit(ctx, s.Table, Answer{ofMember(in.User, p.After.Chosen(), defaults)}, p.Writes...)
		return err
	})
	return out, err
}
