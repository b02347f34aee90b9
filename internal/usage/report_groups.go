package usage

import (
	"cmp"
	"fmt"
	"slices"

	"roster/internal/calendar"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/spent"
)

// Calls are what models and keys are counted by.
type Calls struct {
	Requests int64        `json:"requests"`
	Cost     money.Amount `json:"cost_usd"`
}

// ModelRow is one model's usage.
type ModelRow struct {
	// Model is empty for all those beyond the 24 that a member's month counts by name.
	Model string `json:"model"`
	Calls
}

// KeyRow is what was used through one key, as far as members' months count it.
type KeyRow struct {
	User id.User `json:"user_id"`
	// Key is absent where the key is revoked, and Mark then its last characters but the
	// member's; both are absent for what the member used otherwise: by an access token, or
	// named by a gateway.
	Key  id.Key `json:"key_id,omitzero"`
	Mark string `json:"key_mark,omitzero"`
	Name string `json:"name"`
	Calls
}

// DayRow is one day's usage.
type DayRow struct {
	Date calendar.Date `json:"date"`
	Counters
}

// MonthRow is what the period has of one month: "2026-11".
type MonthRow struct {
	Month string `json:"month"`
	Counters
}

// group fills in the rows by model, key, day or month: their sums are the totals.
func (u *Usage) group(in ReportRequest, found state, parts []part) {
	each := func(do func(user id.User, p *person, of part, t *tally)) {
		for user, p := range found.people {
			for _, of := range parts {
				if t := found.tallies[month{user, of.month, in.Test}]; t != nil && in.concerns(p) {
					do(user, p, of, t)
				}
			}
		}
	}
	switch in.GroupBy {
	case byModel:
		sums := map[string]Counters{}
		each(func(_ id.User, _ *person, _ part, t *tally) {
			for model, c := range t.models {
				sums[model] = sums[model].plus(c)
			}
		})
		u.ByModel = arranged(in, sums, func(model string, c Counters) (ModelRow, string) {
			return ModelRow{model, Calls{c.Requests, c.Cost}}, model
		})
	case byKey:
		sums, rows := map[[2]string]Counters{}, map[[2]string]KeyRow{}
		each(func(user id.User, p *person, _ part, t *tally) {
			otherwise := t.total
			add := func(mark string, c Counters) {
				of := [2]string{string(user), mark}
				sums[of] = sums[of].plus(Counters{Requests: c.Requests, Cost: c.Cost})
				rows[of] = p.keyRow(user, mark)
			}
			for mark, c := range t.keys {
				add(mark, c)
				otherwise.Requests, otherwise.Cost = otherwise.Requests-c.Requests, otherwise.Cost-c.Cost
			}
			if otherwise.Requests != 0 || otherwise.Cost != 0 {
				add("", otherwise)
			}
		})
		u.ByKey = arranged(in, sums, func(of [2]string, c Counters) (KeyRow, string) {
			row := rows[of]
			row.Calls = Calls{c.Requests, c.Cost}
			return row, row.Name + "\x00" + of[0] + of[1]
		})
	case byDay:
		sums := map[string]Counters{}
		each(func(_ id.User, _ *person, of part, t *tally) {
			for day, c := range t.days {
				if day >= of.first && day <= of.last && !c.IsZero() {
					date := fmt.Sprintf("%s-%02d", of.month, day)
					sums[date] = sums[date].plus(c)
				}
			}
		})
		u.ByDay = arranged(in.inOrder(), sums, func(date string, c Counters) (row DayRow, name string) {
			row.Counters = c
			if err := row.Date.UnmarshalText([]byte(date)); err != nil {
				panic("usage: a day that was counted is none: " + err.Error())
			}
			return row, date
		})
	case byMonth:
		sums := map[string]Counters{}
		each(func(_ id.User, _ *person, of part, t *tally) {
			if c := of.of(t); !c.IsZero() {
				sums[of.month] = sums[of.month].plus(c)
			}
		})
		u.ByMonth = arranged(in.inOrder(), sums, func(month string, c Counters) (MonthRow, string) { return MonthRow{month, c}, month })
	}
}

// inOrder is the request, by name where it does not say how.
func (in ReportRequest) inOrder() ReportRequest {
	in.Sort = cmp.Or(in.Sort, byName)
	return in
}

// arranged are the rows of sums in the order that was asked for, as many as were.
func arranged[Of comparable, Row any](in ReportRequest, sums map[Of]Counters, row func(Of, Counters) (Row, string)) []Row {
	type line struct {
		row  Row
		name string
		Counters
	}
	lines := make([]line, 0, len(sums))
	for of, c := range sums {
		r, name := row(of, c)
		lines = append(lines, line{r, name, c})
	}
	slices.SortFunc(lines, func(a, b line) int {
		return cmp.Or(in.Sort.compareRows(a.Counters, b.Counters, a.name, b.name), cmp.Compare(a.name, b.name))
	})
	rows := make([]Row, min(len(lines), in.rows()))
	for i := range rows {
		rows[i] = lines[i].row
	}
	return rows
}

// keyRow names a key by its mark, as far as the member still has it.
func (p *person) keyRow(user id.User, mark string) KeyRow {
	row := KeyRow{User: user, Mark: mark}
	for key, of := range p.Keys {
		if mark != "" && spent.KeyMark(key) == mark {
			row.Key, row.Name = key, of.Name
		}
	}
	return row
}
