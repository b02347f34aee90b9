package apikey

import (
	"context"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/member"
)

// ListRequest asks for a member's keys; the caller's where none is named.
type ListRequest struct {
	User id.User `query:"user_id" json:"-"`
}

// ListAnswer has all of a member's keys, the oldest first.
type ListAnswer struct {
	Keys []View `json:"keys"`
}

// ListKeys lists keys, without their secrets.
func (s Service) ListKeys(ctx context.Context, by access.Actor, in ListRequest) (ListAnswer, error) {
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
	return ListAnswer{Views(*m, "")}, nil
}
