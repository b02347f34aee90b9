package member

import (
	"cmp"
	"context"
	"errors"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/team"
)

// AddTeamMemberRequest puts a member into a team.
type AddTeamMemberRequest struct {
	Team id.Team `path:"team_id" json:"-"`
	User id.User `path:"user_id" json:"-"`
	// Role is user where it is not said. A manager sees and manages the team, and
	// nothing beside it.
	Role GivenTeamRole `json:"role,omitzero"`
}

// GivenTeamRole is user or manager.
type GivenTeamRole TeamRole

func (r *GivenTeamRole) UnmarshalText(b []byte) error {
	switch given := GivenTeamRole(b); TeamRole(given) {
	case access.TeamUser, access.TeamManager:
		*r = given
		return nil
	}
	return errors.New("is neither user nor manager")
}

// AddTeamMember puts a member into a team, or changes what they are in it. A
// repeat changes nothing.
func (s Service) AddTeamMember(ctx context.Context, by access.Actor, in AddTeamMemberRequest) (Answer, error) {
	return s.changeTeams(ctx, by, in.Team, in.User, func(m Member) (Member, error) {
		return m.JoinTeam(by, in.Team, cmp.Or(TeamRole(in.Role), access.TeamUser))
	})
}

func (s Service) changeTeams(ctx context.Context, by access.Actor, of id.Team, user id.User, decide Decision) (Answer, error) {
	if !by.Manages(of) {
		return Answer{}, team.ErrNotFound
	}
	// A team that ends meanwhile refuses to count the member, which decides anew.
	return change(ctx, s, by, user, func(m Member) (Member, error) {
		var there *team.Team
		if err := s.Table.Get(ctx, team.Read(m.Organization, of, &there)); err != nil {
			return m, err
		}
		if there == nil {
			return m, team.ErrNotFound
		}
		return decide(m)
	}, answer)
}
