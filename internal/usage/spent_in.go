package usage

import (
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/spent"
	"roster/internal/table"
)

// Spending is what was spent in a member's month, without what is held.
type Spending struct{ t *tally }

// SpendingOf reads a month; nil is one in which nothing was spent.
func SpendingOf(month table.Item) (Spending, error) {
	t, err := counters(month)
	return Spending{t}, err
}

// In is what was spent in a day of the month, or, of day 0, in all of it; through a key,
// or, of none, in all.
func (s Spending) In(day int, key id.Key) money.Amount {
	switch {
	case key == "" && day == 0:
		return s.t.total.Cost
	case key == "":
		return s.t.days[day].Cost
	case day == 0:
		return s.t.keys[spent.KeyMark(key)].Cost
	}
	return s.t.keyDays[keyDay{spent.KeyMark(key), day}]
}
