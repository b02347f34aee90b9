package member

import (
	"context"

	"roster/internal/access"
	"roster/internal/id"
)

// RemoveTeamMemberRequest takes a member out of a team.
type RemoveTeamMemberRequest struct {
	Team id.Team `path:"team_id" json:"-"`
	User id.User `path:"user_id" json:"-"`
}

// RemoveTeamMember takes a member out of a team; they stay in the organization. A
// repeat changes nothing.
func (s Service) RemoveTeamMember(ctx context.Context, by access.Actor, in RemoveTeamMemberRequest) (Answer, error) {
	return s.changeTeams(ctx, by, in.Team, in.User, func(m Member) (Member, error) {
		return m.LeaveTeam(by, in.Team)
	})
}
