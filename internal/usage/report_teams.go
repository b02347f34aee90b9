package usage

import (
	"slices"

	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
)

// errWholeMonths: a member's counters of a team, a model and a key are those of the month.
var errWholeMonths = fault.InvalidParameter("group_by",
	"is team, model or key, for which start_date must be the first day of a month and end_date the last of one")

func wholeMonths(parts []part) bool {
	return !slices.ContainsFunc(parts, func(p part) bool { return !p.whole })
}

// finishTeams makes the rows of teams.
func (r *reckoning) finishTeams(names map[id.Team]field.Name) {
	r.out.ByTeam = arranged(r.in, r.teams, func(of id.Team, c Counters) (TeamRow, string) {
		return TeamRow{Team: of, Name: names[of], Counters: c}, string(names[of]) + "\x00" + string(of)
	})
}
