package pool

import (
	"context"
	"maps"
	"time"

	"roster/internal/money"
	"roster/internal/table"
)

// State is how a pool stands.
type State struct {
	Month Sums
	// Days has each day of the month on which there was something: its costs alone.
	Days map[int]Sums
}

// Sums are what is used, and what is held for calls under way.
type Sums struct {
	Usage
	Held money.Amount
}

// Read reads how a pool stands, in one query; what was written within the last moments
// may be missing.
func (p Pool) Read(ctx context.Context, t *table.Table, now time.Time) (State, error) {
	return p.read(ctx, t, now, true)
}

// ReadNow is Read with all that was written before, for twice the units.
func (p Pool) ReadNow(ctx context.Context, t *table.Table, now time.Time) (State, error) {
	return p.read(ctx, t, now, false)
}

func (p Pool) read(ctx context.Context, t *table.Table, now time.Time, settled bool) (State, error) {
	lanes, err := p.contents(ctx, t, settled)
	if err != nil {
		return State{}, err
	}
	s := State{Days: map[int]Sums{}}
	for _, c := range lanes {
		live := maps.Clone(c.holds)
		maps.DeleteFunc(live, func(_ string, record []byte) bool { return expired(record, now) })
		// in is what the lane has in a window.
		in := func(suffix string, u Usage) Sums {
			u.Cost = money.Amount(c.spent(suffix))
			return Sums{u, money.Amount(sumOf(live, suffix))}
		}
		for day := 1; day <= 31; day++ {
			if sums := in(daySuffix(day), Usage{}); sums != (Sums{}) {
				s.Days[day] = s.Days[day].plus(sums)
			}
		}
		s.Month = s.Month.plus(in("", c.used))
	}
	return s, nil
}

// Left is what the limits leave on a day, of the month and of the day; nil is
// unlimited.
func (s State) Left(limits Limits, day int) (monthly, daily *money.Amount) {
	left := func(limit *money.Amount, s Sums) *money.Amount {
		if limit == nil {
			return nil
		}
		return new(amount(plus(int64(*limit), -plus(int64(s.Cost), int64(s.Held)))))
	}
	return left(limits.Monthly, s.Month), left(limits.Daily, s.Days[day])
}

// Plus adds, and stays at the largest numbers there are.
func (u Usage) Plus(v Usage) Usage {
	return Usage{
		money.Amount(plus(int64(u.Cost), int64(v.Cost))),
		plus(u.Requests, v.Requests), plus(u.Input, v.Input), plus(u.Output, v.Output),
	}
}

func (s Sums) plus(t Sums) Sums {
	return Sums{s.Usage.Plus(t.Usage), money.Amount(plus(int64(s.Held), int64(t.Held)))}
}
