package usage

import (
	"time"

	"roster/internal/calendar"
	"roster/internal/fault"
)

// Period is a range of days, both ends included.
type Period struct {
	Start calendar.Date `json:"start_date"`
	End   calendar.Date `json:"end_date"`
}

// MaxDays is how long a period may be.
const MaxDays = 400

// period is what a report was asked for. An end that was not named is the last
// day of the current month; a start, the first day of the end's.
func period(start, end calendar.Date, today time.Time) (Period, error) {
	if end.IsZero() {
		end = calendar.DateOf(today.Year(), today.Month()+1, 0)
	}
	if start.IsZero() {
		start = calendar.DateOf(end.UTC().Year(), end.UTC().Month(), 1)
	}
	switch days := int(end.UTC().Sub(start.UTC()).Hours())/24 + 1; {
	case days < 1:
		return Period{}, fault.InvalidParameter("start_date", "is after end_date")
	case days > MaxDays:
		return Period{}, fault.InvalidParameter("start_date", "is more than 400 days before end_date")
	}
	return Period{start, end}, nil
}

// part is what a period has of one month: all of it, or days from first to last.
type part struct {
	month       string
	whole       bool
	first, last int
}

func (p Period) parts() []part {
	var all []part
	for day := p.Start.UTC(); !day.After(p.End.UTC()); {
		monthEnd := time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC)
		last := monthEnd
		if p.End.UTC().Before(last) {
			last = p.End.UTC()
		}
		all = append(all, part{
			month: day.Format(calendar.MonthForm), first: day.Day(), last: last.Day(),
			whole: day.Day() == 1 && last.Equal(monthEnd),
		})
		day = monthEnd.AddDate(0, 0, 1)
	}
	return all
}

// of sums what a month's counters have of the part.
func (p part) of(t *tally) Counters {
	if p.whole {
		return t.total
	}
	var sum Counters
	for day, c := range t.days {
		if day >= p.first && day <= p.last {
			sum = sum.plus(c)
		}
	}
	return sum
}
