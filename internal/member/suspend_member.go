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
	// From is when the suspension begins, in the future; at once, where it is not said.
	From field.Time `json:"from,omitzero"`
	// Until is when it ends by itself; never, where it is not said.
	Until field.Time `json:"until,omitzero"`
}

// UnsuspendRequest names a member who is suspended, or is to be.
type UnsuspendRequest struct {
	User id.User `path:"user_id" json:"-"`
}

// SuspendMember stops a member from their next call on, or from a time on, which is
// exact: it is derived from the clock at every check. A repeat changes nothing.
func (s Service) SuspendMember(ctx context.Context, by access.Actor, in SuspendRequest) (Answer, error) {
	return change(ctx, s, by, in.User, func(m Member) (Member, error) {
		now := s.Now()
		span, err := span(in.From, in.Until, now, "/from", "/until")
		if err != nil {
			return m, err
		}
		return m.SuspendFor(by, in.Reason, span, now)
	}, answer)
}

// UnsuspendMember lets a suspended member go on: their keys work again, their
// access tokens do not. A suspension that has not begun is called off.
func (s Service) UnsuspendMember(ctx context.Context, by access.Actor, in UnsuspendRequest) (Answer, error) {
	return change(ctx, s, by, in.User, func(m Member) (Member, error) {
		return m.Unsuspend(by)
	}, answer)
}
