package member

import (
	"context"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/permission"
)

// GetRequest names a member.
type GetRequest struct {
	User id.User `path:"user_id" json:"-"`
}

// GetMember shows a member, of any status, to administrators and to the member.
func (s Service) GetMember(ctx context.Context, by access.Actor, in GetRequest) (Answer, error) {
	if in.User != by.User() && !by.Can(permission.MembersManage) {
		return Answer{}, access.ErrPermission.With("permission", permission.MembersManage)
	}
	m, err := Get(ctx, s.Table, by.Organization(), in.User)
	if err != nil {
		return Answer{}, err
	}
	if m == nil {
		return Answer{}, ErrNotFound
	}
	return answer(*m), nil
}
