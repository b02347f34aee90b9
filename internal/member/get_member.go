package member

import (
	"context"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/spent"
)

// GetRequest names a member.
type GetRequest struct {
	User id.User `path:"user_id" json:"-"`
}

// GetMember shows a member, of any status, to administrators, to the managers of
// their teams and to the member, with what they spent this month and the limits
// that bind them.
func (s Service) GetMember(ctx context.Context, by access.Actor, in GetRequest) (Answer, error) {
	mayNot := access.ErrPermission.With("permission", permission.MembersManage)
	if in.User != by.User() && !by.Can(permission.MembersManage) && !by.Can(permission.TeamsOwn) {
		return Answer{}, mayNot
	}
	var (
		m *Member
		o *organization.Organization
	)
	if err := s.Table.Get(ctx, Read(by.Organization(), in.User, &m), organization.Read(by.Organization(), &o)); err != nil {
		return Answer{}, err
	}
	switch {
	case (m == nil || !by.ManagesAny(m.Teams)) && in.User != by.User() && !by.Can(permission.MembersManage):
		return Answer{}, mayNot
	case m == nil || o == nil:
		return Answer{}, ErrNotFound
	}
	costs, err := spent.Of(ctx, s.Table, by.Organization(), spent.Month(s.Now(), by.Location()), []id.User{in.User})
	if err != nil {
		return Answer{}, err
	}
	orphaned, err := s.orphaned(ctx, by.Organization(), *m)
	if err != nil {
		return Answer{}, err
	}
	out := answer(m.At(s.Now())).of(o.Terms())
	out.Member.domainsOf(o.Policy)
	out.Member.Orphaned = orphaned[m.ID]
	limits := m.Limits(*o, s.Now())
	out.Member.complete(costs[in.User], limits)
	out.Member.Limits = &limits
	return out, nil
}
