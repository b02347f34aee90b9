package apikey

import (
	"context"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/page"
	"roster/internal/permission"
)

// ListRequest asks for a member's keys, the caller's where none is named; or, page by
// page, for those of everyone.
type ListRequest struct {
	User id.User `query:"user_id" json:"-"`
	// Scope takes the permission keys:manage.
	Scope Scope `query:"scope" json:"-"`
	// State is all of them where it is not said. It goes with scope=organization.
	State    State    `query:"state" json:"-"`
	IdleDays IdleDays `query:"idle_days" json:"-"`
	page.Request
}

// Validate refuses what goes with another list alone.
func (in ListRequest) Validate() []fault.Field {
	var faults []fault.Field
	refuse := func(given bool, parameter, reason string) {
		if given {
			faults = append(faults, fault.Field{Parameter: parameter, Reason: reason})
		}
	}
	organization := in.Scope == OrganizationScope
	refuse(organization && in.User != "", "user_id", "cannot stand beside scope")
	refuse(!organization && in.State != "", "state", "goes with scope=organization only")
	refuse(!organization && in.Limit != 0, "limit", "goes with scope=organization only")
	refuse(!organization && in.Cursor != "", "cursor", "goes with scope=organization only")
	refuse(in.IdleDays != 0 && in.State != Idle, "idle_days", "goes with state=idle only")
	return faults
}

// ListAnswer has all of a member's keys; or a page of the organization's, the oldest
// first, idle ones by the day of their last use. What changed a moment ago may be
// missing in the latter.
type ListAnswer struct {
	Keys []View `json:"keys"`
	// NextCursor leads to the next page; absent on the last.
	NextCursor string `json:"next_cursor,omitzero"`
}

// ListKeys lists keys, without their secrets. Pages cost what they show, however many
// keys there are.
func (s Service) ListKeys(ctx context.Context, by access.Actor, in ListRequest) (ListAnswer, error) {
	if in.Scope == OrganizationScope {
		if !by.Can(permission.KeysManage) {
			return ListAnswer{}, access.ErrPermission.With("permission", permission.KeysManage)
		}
		rows, next, err := s.listing(by, in).read(ctx, in.Request)
		return ListAnswer{rows, next}, err
	}
	user, err := owner(by, in.User)
	if err != nil {
		return ListAnswer{}, err
	}
	m, err := member.Get(ctx, s.Table, by.Organization(), user)
	if err != nil {
		return ListAnswer{}, err
	}
	if m == nil {
		return ListAnswer{}, member.ErrNotFound
	}
	return ListAnswer{Keys: Views(*m, "")}, nil
}
