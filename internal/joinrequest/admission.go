package joinrequest

import (
	"context"
	"slices"
	"time"

	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/table"
)

// admission is the Writes by which one who asks becomes a member with a role, and
// the request as it is then. The linked invitation, if it is open, is settled with
// it, and what it offered besides the role is kept. They fail with
// table.ErrChanged.
func (s Service) admission(ctx context.Context, org organization.Organization, read *member.Member, asking member.Member, role string, l linked) (Answer, []table.Write, error) {
	now := s.Now()
	m, err := asking.Admit(role, now)
	if err != nil {
		return Answer{}, nil, err
	}
	l.invitation.Promise(&m)
	welcome, err := member.Welcome(ctx, s.Env, org, m)
	if err != nil {
		return Answer{}, nil, err
	}
	writes := slices.Concat(member.Save(read, m, now), l.admitted(m, now), []table.Write{welcome})
	return Answer{approved(m).in(org)}, writes, nil
}

// approval is the Write of its audit event.
func approval(now time.Time, org id.Organization, by audit.Actor, a Answer) table.Write {
	return audit.Record(now, org, audit.Event{
		Action: "join_request.approved", Actor: by, Target: string(a.JoinRequest.ID),
		After: map[string]any{"user_id": a.JoinRequest.UserID, "role": a.JoinRequest.Role},
	})
}
