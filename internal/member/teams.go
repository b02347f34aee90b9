package member

import (
	"context"
	"maps"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/permission"
	"roster/internal/table"
	"roster/internal/team"
)

// MaxTeams is how many teams a member may be in.
const MaxTeams = 50

var (
	errTooManyTeams = fault.New(fault.Conflict, "too_many_teams", "A member is in at most 50 teams.")
	errAppoints     = access.ErrPermission.WithDetail("Only who manages members makes or unmakes the managers of a team.").
			With("permission", permission.MembersManage)
)

// JoinTeam puts an active or suspended member into a team, or changes what they are
// in it.
func (m Member) JoinTeam(by access.Actor, of id.Team, as TeamRole) (Member, error) {
	if err := m.present(); err != nil {
		return m, err
	}
	if err := mayAppoint(by, m.Teams[of], as); err != nil {
		return m, err
	}
	if m.Teams[of] == "" {
		if err := m.mayMove(by, of); err != nil {
			return m, err
		}
		if len(m.Teams) >= MaxTeams {
			return m, errTooManyTeams
		}
	}
	return m.in(of, as), nil
}

// LeaveTeam takes a member out of a team; whoever is not in it stays as they are.
func (m Member) LeaveTeam(by access.Actor, of id.Team) (Member, error) {
	if err := m.present(); err != nil {
		return m, err
	}
	if err := mayAppoint(by, m.Teams[of], ""); err != nil {
		return m, err
	}
	if m.Teams[of] == "" {
		return m, nil
	}
	if err := m.mayMove(by, of); err != nil {
		return m, err
	}
	m.Teams = maps.Clone(m.Teams)
	delete(m.Teams, of)
	return m, nil
}

// mayMove refuses anyone but an owner to come by other models themselves, into or out
// of a team that names some.
func (m Member) mayMove(by access.Actor, of id.Team) error {
	if m.ID == by.User() && !by.IsOwner() && by.BoundBy(of) {
		return ErrSelf
	}
	return nil
}

// mayAppoint refuses the manager of a team to change who its managers are.
func mayAppoint(by access.Actor, from, to TeamRole) error {
	if from != to && (from == access.TeamManager || to == access.TeamManager) && !by.Can(permission.MembersManage) {
		return errAppoints
	}
	return nil
}

func (m Member) in(of id.Team, as TeamRole) Member {
	teams := make(map[id.Team]TeamRole, len(m.Teams)+1)
	maps.Copy(teams, m.Teams)
	teams[of] = as
	m.Teams = teams
	return m
}

// InOfferedTeams is the member in the teams that the invitation offered and that
// there still are.
func (m Member) InOfferedTeams(ctx context.Context, t *table.Table) (Member, error) {
	if m.Offer == nil || len(m.Offer.TeamIDs) == 0 {
		return m, nil
	}
	there, err := team.Names(ctx, t, m.Organization, m.Offer.TeamIDs)
	if err != nil {
		return m, err
	}
	for _, of := range m.Offer.TeamIDs {
		if _, ok := there[of]; ok && m.Teams[of] == "" && len(m.Teams) < MaxTeams {
			m = m.in(of, access.TeamUser)
		}
	}
	offer := *m.Offer
	offer.TeamIDs = nil
	m.Offer = &offer
	return m, nil
}
