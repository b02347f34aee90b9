package usage

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"roster/internal/id"
	"roster/internal/team"
)

const (
	// lotOf is how many items are read together: one round trip.
	lotOf = 100
	// lotsAtOnce bounds how many lots are under way.
	lotsAtOnce = 16
)

// reckoning is a report under way: its members are read some at a time, in no order, and
// what they used is summed up, so that a report of many takes no more room than its rows.
type reckoning struct {
	in    ReportRequest
	parts []part
	zone  *time.Location
	out   Usage
	// known: a member was found who has, or had, a status.
	known bool
	rows  []UsageRow
	groups
	teams  map[id.Team]Counters
	values map[string]*AllocationRow
}

// reckon reads months, and adds them to a report.
func (s Reports) reckon(ctx context.Context, org id.Organization, months []month, r *reckoning) error {
	r.rows, r.groups = []UsageRow{}, newGroups()
	r.teams, r.values = map[id.Team]Counters{}, map[string]*AllocationRow{}
	var mu sync.Mutex
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(lotsAtOnce)
	for lot := range lots(months) {
		group.Go(func() error {
			found, err := readState(reading, s.Table, org, lot)
			if err != nil {
				return err
			}
			var values map[string]*AllocationRow
			if r.in.GroupBy.metadata() {
				values, err = s.byMetadata(reading, org, found, r.parts, r.in, r.in.GroupBy.metadataName(), r.zone)
				if err != nil {
					return err
				}
			}
			mu.Lock()
			defer mu.Unlock()
			r.add(found, values)
			return nil
		})
	}
	return group.Wait()
}

// lots divides months so that those of a member stay together.
func lots(months []month) iter.Seq[[]month] {
	return func(yield func([]month) bool) {
		byUser, order := map[id.User][]month{}, []id.User{}
		for _, m := range months {
			if byUser[m.user] == nil {
				order = append(order, m.user)
			}
			byUser[m.user] = append(byUser[m.user], m)
		}
		var lot []month
		items := 0
		for _, user := range order {
			if items += 1 + len(byUser[user]); items > lotOf && len(lot) > 0 {
				if !yield(lot) {
					return
				}
				lot, items = nil, 1+len(byUser[user])
			}
			lot = append(lot, byUser[user]...)
		}
		if len(lot) > 0 {
			yield(lot)
		}
	}
}

// add adds members to the report.
func (r *reckoning) add(found state, values map[string]*AllocationRow) {
	for user, p := range found.people {
		r.known = r.known || p.Status != ""
		switch {
		case r.in.GroupBy == byTeam:
			r.addTeams(user, found.tallies)
		case r.in.concerns(p):
			r.addMember(user, p, found.tallies)
			r.groups.add(r.in, user, p, r.parts, found.tallies)
		}
	}
	for value, row := range values {
		if r.values[value] == nil {
			r.values[value] = &AllocationRow{Value: value}
		}
		sum := r.values[value]
		sum.Members, sum.Counters = sum.Members+row.Members, sum.plus(row.Counters)
	}
}

// addMember adds a member to the totals and what they exclude, and to the rows of members.
func (r *reckoning) addMember(user id.User, p *person, tallies map[month]*tally) {
	row := r.in.row(user, p, tallies, r.parts)
	if !r.in.Test {
		r.out.Excluded.Test.Requests += rowOf(user, p, tallies, r.parts, true).Requests
	}
	r.out.Excluded.Personal.Requests += row.personal
	if row.Counters.IsZero() && r.in.User == "" {
		return
	}
	*r.out.Totals.Members++
	r.out.Totals.Counters = r.out.Totals.plus(row.Counters)
	if r.in.GroupBy == "" || r.in.GroupBy == byUser {
		r.rows = append(r.rows, row)
	}
}

// addTeams adds a member's months to the teams for which they were recorded, and to the
// totals: once, whatever teams there are.
func (r *reckoning) addTeams(user id.User, tallies map[month]*tally) {
	var used Counters
	for _, of := range r.parts {
		if t := tallies[month{user, of.month, true}]; t != nil && !r.in.Test {
			r.out.Excluded.Test.Requests += t.of(r.in.Team).Requests
		}
		t := tallies[month{user, of.month, r.in.Test}]
		if t == nil {
			continue
		}
		used = used.plus(t.of(r.in.Team))
		r.out.Excluded.Personal.Requests += t.total.personal
		for team, c := range t.teams {
			if r.in.Team == "" || team == r.in.Team {
				r.teams[team] = r.teams[team].plus(c)
			}
		}
	}
	if !used.IsZero() {
		*r.out.Totals.Members++
		r.out.Totals.Counters = r.out.Totals.plus(used)
	}
}

// finish makes the rows of what was summed up.
func (s Reports) finish(ctx context.Context, org id.Organization, r *reckoning) error {
	switch {
	case r.in.GroupBy == byTeam:
		names, err := team.Names(ctx, s.Table, org, slices.Collect(maps.Keys(r.teams)))
		if err != nil {
			return err
		}
		r.finishTeams(names)
	case r.in.GroupBy.metadata():
		r.out.ByMetadata = metadataRows(r.in, r.values)
	case r.in.GroupBy == "" || r.in.GroupBy == byUser:
		slices.SortFunc(r.rows, r.in.Sort.compare)
		r.out.ByMember = r.rows[:min(len(r.rows), r.in.rows())]
	default:
		r.groups.finish(r.in, &r.out)
	}
	if r.in.filtered() {
		r.out.withoutTokens()
	}
	return nil
}
