package usage

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/team"
)

// errWholeMonths: a member's counters of a team, a model and a key are those of the month.
var errWholeMonths = fault.InvalidParameter("group_by",
	"is team, model or key, for which start_date must be the first day of a month and end_date the last of one")

func wholeMonths(parts []part) bool {
	return !slices.ContainsFunc(parts, func(p part) bool { return !p.whole })
}

// sumTeams sums months by the teams for which they were recorded.
func (s Reports) sumTeams(ctx context.Context, org id.Organization, in ReportRequest, tallies map[month]*tally, out *Usage) error {
	sums, members := map[id.Team]Counters{}, map[id.User]bool{}
	for of, t := range tallies {
		if of.test != in.Test {
			out.Excluded.Test.Requests += t.of(in.Team).Requests
			continue
		}
		for team, c := range t.teams {
			if in.Team != "" && team != in.Team {
				continue
			}
			sums[team] = sums[team].plus(c)
			members[of.user] = true
		}
	}
	out.ByTeam = make([]TeamRow, 0, len(sums))
	for team, c := range sums {
		out.Totals.Counters = out.Totals.plus(c)
		out.ByTeam = append(out.ByTeam, TeamRow{Team: team, Counters: c})
	}
	*out.Totals.Members = len(members)
	names, err := team.Names(ctx, s.Table, org, slices.Collect(maps.Keys(sums)))
	for i := range out.ByTeam {
		out.ByTeam[i].Name = names[out.ByTeam[i].Team]
	}
	slices.SortFunc(out.ByTeam, func(a, b TeamRow) int {
		return cmp.Or(in.Sort.compareRows(a.Counters, b.Counters, string(a.Name), string(b.Name)), cmp.Compare(a.Team, b.Team))
	})
	out.ByTeam = out.ByTeam[:min(len(out.ByTeam), in.rows())]
	return err
}
