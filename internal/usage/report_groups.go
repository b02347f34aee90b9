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

// groups are the sums of a report by model, key, day or month.
type groups struct {
	sums map[string]Counters
	// keys are the rows of keys, without what they sum up to.
	keys map[string]KeyRow
}

func newGroups() groups { return groups{map[string]Counters{}, map[string]KeyRow{}} }

// add adds what a member used in a period: the sums of all groups are the totals.
func (g groups) add(in ReportRequest, user id.User, p *person, parts []part, tallies map[month]*tally) {
	for _, of := range parts {
		t := tallies[month{user, of.month, in.Test}]
		if t == nil {
			continue
		}
		switch in.GroupBy {
		case byModel:
			for model, c := range t.models {
				if in.Model == "" || model == string(in.Model) {
					g.sums[model] = g.sums[model].plus(c)
				}
			}
		case byKey:
			g.addKeys(in, user, p, t)
		case byDay:
			for day, c := range t.days {
				if day >= of.first && day <= of.last && !c.IsZero() {
					date := fmt.Sprintf("%s-%02d", of.month, day)
					g.sums[date] = g.sums[date].plus(c)
				}
			}
		case byMonth:
			if c := in.counted(user, of, t); !c.IsZero() {
				g.sums[of.month] = g.sums[of.month].plus(c)
			}
		}
	}
}

func (g groups) addKeys(in ReportRequest, user id.User, p *person, t *tally) {
	otherwise := t.total
	add := func(mark string, c Counters) {
		of := string(user) + mark
		g.sums[of] = g.sums[of].plus(Counters{Requests: c.Requests, Cost: c.Cost})
		g.keys[of] = p.keyRow(user, mark)
	}
	if in.Key != "" {
		if c := t.keys[spent.KeyMark(in.Key)]; !c.IsZero() {
			add(spent.KeyMark(in.Key), c)
		}
		return
	}
	for mark, c := range t.keys {
		add(mark, c)
		otherwise.Requests, otherwise.Cost = otherwise.Requests-c.Requests, otherwise.Cost-c.Cost
	}
	if otherwise.Requests != 0 || otherwise.Cost != 0 {
		add("", otherwise)
	}
}

// finish makes the rows.
func (g groups) finish(in ReportRequest, u *Usage) {
	switch in.GroupBy {
	case byModel:
		u.ByModel = arranged(in, g.sums, func(model string, c Counters) (ModelRow, string) {
			return ModelRow{model, Calls{c.Requests, c.Cost}}, model
		})
	case byKey:
		u.ByKey = arranged(in, g.sums, func(of string, c Counters) (KeyRow, string) {
			row := g.keys[of]
			row.Calls = Calls{c.Requests, c.Cost}
			return row, row.Name + "\x00" + of
		})
	case byDay:
		u.ByDay = arranged(in.inOrder(), g.sums, func(date string, c Counters) (row DayRow, name string) {
			row.Counters = c
			if err := row.Date.UnmarshalText([]byte(date)); err != nil {
				panic("usage: a day that was counted is none: " + err.Error())
			}
			return row, date
		})
	case byMonth:
		u.ByMonth = arranged(in.inOrder(), g.sums, func(month string, c Counters) (MonthRow, string) { return MonthRow{month, c}, month })
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
