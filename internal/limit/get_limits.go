package limit

import (
	"context"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/permission"
)

// GetRequest names whose limits are asked for; nobody named, those of the whole
// organization.
type GetRequest struct {
	User id.User `query:"user_id" json:"-"`
	Team id.Team `query:"team_id" json:"-"`
	Key  id.Key  `query:"key_id" json:"-"`
}

// Validate refuses two owners.
func (in GetRequest) Validate() []fault.Field {
	if name, other := owners(in.User, in.Team, in.Key); other != "" {
		return []fault.Field{{Parameter: name, Reason: "cannot stand beside " + other}}
	}
	return nil
}

// GetLimits shows the limits of the caller, of their team, or of a key; and of others and
// of the whole organization to those who manage members or read everyone's usage.
func (s Service) GetLimits(ctx context.Context, by access.Actor, in GetRequest) (Answer, error) {
	if in.Key != "" {
		chosen, err := s.keys.ReadLimits(ctx, by, in.Key)
		return Answer{ofKey(in.Key, chosen)}, err
	}
	if in.User == "" {
		return s.getPoolLimits(ctx, by, in.Team)
	}
	user := in.User
	if user != by.User() && !by.Can(permission.MembersManage) && !by.Can(permission.UsageRead) {
		return Answer{}, access.ErrPermission.With("permission", permission.MembersManage)
	}
	m, o, err := s.read(ctx, by.Organization(), user)
	if err != nil {
		return Answer{}, err
	}
	if m == nil {
		return Answer{}, member.ErrNotFound
	}
	return Answer{ofMember(*m, o, s.Now())}, nil
}

// read gets a member, nil if there is none, and the organization, whose defaults bind.
func (s Service) read(ctx context.Context, org id.Organization, user id.User) (m *member.Member, o organization.Organization, err error) {
	var read *organization.Organization
	if err := s.Table.Get(ctx, member.Read(org, user, &m), organization.Read(org, &read)); err != nil || read == nil {
		return nil, o, err
	}
	return m, *read, nil
}
