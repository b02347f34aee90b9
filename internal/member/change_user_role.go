package member

import (
	"context"

	"roster/internal/access"
	"roster/internal/field"
	"roster/internal/id"
)

// ChangeUserRoleRequest gives a member a role.
type ChangeUserRoleRequest struct {
	User id.User     `path:"user_id" json:"-"`
	Role field.Label `json:"role" required:"true"`
}

// UserAnswer is one member of the caller's organization.
type UserAnswer struct {
	User Row `json:"user"`
}

// ChangeUserRole gives a member another role.
func (s Service) ChangeUserRole(ctx context.Context, by access.Actor, in ChangeUserRoleRequest) (UserAnswer, error) {
	return change(ctx, s, by, in.User, func(m Member) (Member, error) {
		return m.ChangeRole(by, string(in.Role))
	}, func(m Member) UserAnswer { return UserAnswer{m.view()} })
}
