package usage

import (
	"context"

	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/spent"
	"roster/internal/table"
)

// MemberMonth is a member's month, as the organization's time zone had it when the
// events were recorded: "2026-11".
type MemberMonth struct {
	User  id.User
	Month string
}

// Sums are the counters of a month, and what of them is each model's and each
// team's. An event counts in each team of its member.
type Sums struct {
	Counters
	// Models are keyed by ModelMark and their name, and counted without tokens. The
	// one that has no name is those beyond the names that a month counts.
	Models map[string]Counters  `dynamodbav:"models,omitempty"`
	Teams  map[id.Team]Counters `dynamodbav:"teams,omitempty"`
}

// ModelMark begins the keys of Sums.Models: DynamoDB has no empty keys.
const ModelMark = ":"

// Months reads what members used, and makes further reads in the same round trips.
// Each month is a consistent cut: it has all of an event or nothing of it.
func Months(ctx context.Context, t *table.Table, org id.Organization, of []MemberMonth, further ...table.Read) (map[MemberMonth]Sums, error) {
	tallies := wanted[MemberMonth, tally]{}
	reads := further
	for _, m := range of {
		reads = tallies.add(reads, m, table.MemberMonth(org, m.User, m.Month))
	}
	if err := t.Get(ctx, reads...); err != nil {
		return nil, err
	}
	all := make(map[MemberMonth]Sums, len(of))
	for m, counted := range tallies.found() {
		models := make(map[string]Counters, len(counted.models))
		for name, c := range counted.models {
			models[ModelMark+name] = c
		}
		all[m] = Sums{Counters: counted.total, Models: models, Teams: counted.teams}
	}
	return all, nil
}

// UsersAfter lists in order who has counters in a month, behind a user, and whether
// there are more. The index follows within moments of a member's first event of the
// month.
func UsersAfter(ctx context.Context, t *table.Table, org id.Organization, month string, after id.User, limit int) (users []id.User, more bool, err error) {
	q := table.Query{Index: table.StateIndex, PK: spent.UsersPartition(org, month), Limit: limit}
	if after != "" {
		q.From = string(after) + "!" // before every id but those up to after
	}
	read, err := t.Query(ctx, q)
	if err != nil {
		return nil, false, err
	}
	rows, err := table.DecodeAll[table.Row](read.Items)
	if err != nil {
		return nil, false, err
	}
	users = make([]id.User, len(rows))
	for i, row := range rows {
		users[i] = id.User(row.StateSK)
	}
	return users, read.Next != nil, nil
}

// IsZero reports whether nothing was counted.
func (c Counters) IsZero() bool {
	return c.Requests == 0 && c.Input == 0 && c.Output == 0 && c.Cost == 0
}

// Plus adds, and stays at the largest number where the sum has none.
func (c Counters) Plus(d Counters) Counters { return c.plus(d) }

// Since is by how much counters grew from an earlier reading of them.
func (c Counters) Since(earlier Counters) Counters {
	return Counters{
		Requests: c.Requests - earlier.Requests, Input: c.Input - earlier.Input, Output: c.Output - earlier.Output,
		Cost: money.Amount(int64(c.Cost) - int64(earlier.Cost)),
	}
}

// Since is by how much a month grew from an earlier reading of it; what did not is
// left out.
func (s Sums) Since(earlier Sums) Sums {
	return Sums{
		Counters: s.Counters.Since(earlier.Counters),
		Models:   grown(s.Models, earlier.Models),
		Teams:    grown(s.Teams, earlier.Teams),
	}
}

func grown[Of comparable](now, earlier map[Of]Counters) map[Of]Counters {
	all := map[Of]Counters{}
	for of, c := range now {
		if more := c.Since(earlier[of]); !more.IsZero() {
			all[of] = more
		}
	}
	return all
}
