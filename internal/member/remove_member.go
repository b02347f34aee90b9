package member

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/id"
)

// RemoveRequest names a member.
type RemoveRequest struct {
	User id.User `path:"user_id" json:"-"`
}

// RemoveMember ends a membership: keys are revoked, history stays. A repeat
// changes nothing.
func (s Service) RemoveMember(ctx context.Context, by access.Actor, in RemoveRequest) (Answer, error) {
	return change(ctx, s, by, in.User, func(m Member) (Member, error) {
		return m.Remove(by)
	}, answer)
}

// LeaveOrganization ends the caller's membership.
func (s Service) LeaveOrganization(ctx context.Context, by access.Actor, _ api.None) (Answer, error) {
	return change(ctx, s, by, by.User(), Member.Leave, answer)
}
