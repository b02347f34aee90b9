package joinrequest

import (
	"context"
	"slices"

	"roster/internal/audit"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/table"
)

// admission is the Writes by which one who asks becomes a member with a role, and
// the request as it is then. The linked invitation, if it is open, is settled with
// it, and what it offered besides the role is kept. The event says by whom and how;
// what changed is added to it. They fail with table.ErrChanged.
func (s Service) admission(ctx context.Context, org organization.Organization, read *member.Member, asking member.Member, role string, l linked, event audit.Event) (Answer, []table.Write, error) {
	now := s.Now()
	m, err := asking.Admit(role, now)
	if err != nil {
		return Answer{}, nil, err
	}
	l.invitation.Promise(&m, now)
	if m, err = m.InOfferedTeams(ctx, s.Table); err != nil {
		return Answer{}, nil, err
	}
	welcome, err := member.Welcome(ctx, s.Env, org, m)
	if err != nil {
		return Answer{}, nil, err
	}
	event.Target, event.Also = string(m.Granted.ID), l.settled()
	event.Before, event.After = member.Difference(read, m)
	writes := slices.Concat(member.Save(read, m, now), l.admitted(m, now), []table.Write{welcome, audit.Record(now, org.ID, event)})
	return Answer{approved(m).in(org)}, writes, nil
}
