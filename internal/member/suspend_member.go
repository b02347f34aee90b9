package member

import (
	"context"

	"roster/internal/access"
	"roster/internal/field"
	"roster/internal/id"
)

// SuspendRequest suspends a member.
type SuspendRequest struct {
	User   id.User      `path:"user_id" json:"-"`
	Reason field.Reason `json:"reason,omitzero"`
}

// UnsuspendRequest names a suspended member.
type UnsuspendRequest struct {
	User id.User `path:"user_id" json:"-"`
}

// SuspendMember stops a member from their next call on. A repeat changes nothing.
func (s Service) SuspendMember(ctx context.Context, by access.Actor, in SuspendRequest) (Answer, error) {
	return change(ctx, s, by, in.User, func(m Member) (Member, error) {
		return m.Suspend(by, in.Reason, s.Now())
	}, answer)
}

// UnsuspendMember lets a suspended member go on: their keys work again, their
// access tokens do not.
func (s Service) UnsuspendMember(ctx context.Context, by access.Actor, in UnsuspendRequest) (Answer, error) {
	return change(ctx, s, by, in.User, func(m Member) (Member, error) {
		return m.Unsuspend(by)
	}, answer)
}
