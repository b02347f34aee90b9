package usage

import (
	"math"
	"math/big"
	"time"

	"roster/internal/calendar"
	"roster/internal/money"
)

// forecastDays is over how many days before the current one the rate is taken.
const forecastDays = 7

// leastSpan is the shortest time over which a rate is taken: the first call of all says
// little of the rest of the month.
const leastSpan = time.Hour

// daily is what was spent on days, by their midnights in UTC.
type daily map[time.Time]money.Amount

// add adds a day of a month, "2026-11".
func (d daily) add(month string, day int, cost money.Amount) {
	if first, err := time.Parse(calendar.MonthForm, month); err == nil && cost != 0 {
		d[first.AddDate(0, 0, day-1)] += cost
	}
}

// rate is what is spent in a time: cost within span.
type rate struct {
	cost money.Amount
	span time.Duration
}

// rate is that of the days before the current one, and of that as far as it is over: from
// the first on which something was spent. It is not below zero, where refunds are of more.
func (d daily) rate(now time.Time) rate {
	year, month, day := now.Date()
	var (
		r     rate
		began time.Time
	)
	for back := forecastDays; back >= 0; back-- {
		cost := d[time.Date(year, month, day-back, 0, 0, 0, 0, time.UTC)]
		if began.IsZero() && cost > 0 {
			began = calendar.DayBegins(year, month, day-back, now.Location())
		}
		r.cost = r.cost.Plus(cost)
	}
	r.cost = max(0, r.cost)
	if !began.IsZero() {
		r.span = max(leastSpan, now.Sub(began))
	}
	return r
}

// in is what is spent in a time at the rate.
func (r rate) in(span time.Duration) money.Amount {
	if r.span <= 0 || span <= 0 {
		return 0
	}
	n := new(big.Int).Mul(big.NewInt(int64(r.cost)), big.NewInt(int64(span)))
	if n.Quo(n, big.NewInt(int64(r.span))); !n.IsInt64() {
		return math.MaxInt64
	}
	return money.Amount(n.Int64())
}

// until is how long it takes to spend an amount at the rate; never, without one.
func (r rate) until(amount money.Amount) (span time.Duration, ever bool) {
	if r.cost <= 0 {
		return 0, false
	}
	n := new(big.Int).Mul(big.NewInt(int64(amount)), big.NewInt(int64(r.span)))
	n.Quo(n, big.NewInt(int64(r.cost)))
	return time.Duration(n.Int64()), n.IsInt64()
}

// forecast tells how the current month ends, and when it meets a limit, at the rate at
// which was spent of late.
func (d daily) forecast(spent money.Amount, limit *money.Amount, now time.Time) Forecast {
	year, month, _ := now.Date()
	end, r := calendar.DayBegins(year, month+1, 1, now.Location()), d.rate(now)
	f := Forecast{
		Month: now.Format(calendar.MonthForm), Spent: spent, DailyAverage: r.in(24 * time.Hour),
		Projected: spent.Plus(r.in(end.Sub(now))), MonthlyLimit: limit, AsOf: now.UTC(),
	}
	if limit == nil {
		return f
	}
	at := now
	if spent < *limit {
		span, ever := r.until(*limit - spent)
		if at = now.Add(span); !ever || !at.Before(end) {
			return f
		}
	}
	y, m, day := at.Date()
	f.LimitReachedOn = new(calendar.DateOf(y, m, day))
	return f
}
