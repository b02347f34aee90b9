package usage

import (
	"errors"
	"time"

	"roster/internal/fault"
)

// Date is a day of the organization's time zone: "2026-11-22".
type Date struct{ day time.Time } // midnight in UTC

const dateForm = "2006-01-02"

func (d *Date) UnmarshalText(b []byte) error {
	day, err := time.Parse(dateForm, string(b))
	if err != nil || day.IsZero() { // the zero day stands for none
		return errors.New("is not a day such as 2026-11-22")
	}
	d.day = day
	return nil
}

func (d Date) MarshalText() ([]byte, error) { return []byte(d.day.Format(dateForm)), nil }

// Period is a range of days, both ends included.
type Period struct {
	Start Date `json:"start_date"`
	End   Date `json:"end_date"`
}

// MaxDays is how long a period may be.
const MaxDays = 400

// period is what a report was asked for. An end that was not named is the last
// day of the current month; a start, the first day of the end's.
func period(start, end Date, today time.Time) (Period, error) {
	if end.day.IsZero() {
		end.day = time.Date(today.Year(), today.Month()+1, 0, 0, 0, 0, 0, time.UTC)
	}
	if start.day.IsZero() {
		start.day = time.Date(end.day.Year(), end.day.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	switch days := int(end.day.Sub(start.day).Hours())/24 + 1; {
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
	for day := p.Start.day; !day.After(p.End.day); {
		monthEnd := time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC)
		last := monthEnd
		if p.End.day.Before(last) {
			last = p.End.day
		}
		all = append(all, part{
			month: day.Format(monthForm), first: day.Day(), last: last.Day(),
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
