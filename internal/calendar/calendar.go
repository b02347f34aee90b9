// Package calendar has days and months as a time zone counts them.
package calendar

import (
	"errors"
	"sort"
	"time"
)

// MonthForm is how a month is named: "2026-11".
const MonthForm = "2006-01"

// Date is a day of some time zone: "2026-11-22". The zero Date is none.
type Date struct{ midnight time.Time } // in UTC

// DateOf is the Date of a day; like time.Date, it takes the 0th of a month for the
// last day of the one before.
func DateOf(year int, month time.Month, day int) Date {
	return Date{time.Date(year, month, day, 0, 0, 0, 0, time.UTC)}
}

func (d *Date) UnmarshalText(b []byte) error {
	day, err := time.Parse(time.DateOnly, string(b))
	if err != nil || day.IsZero() { // the zero day stands for none
		return errors.New("is not a day such as 2026-11-22")
	}
	d.midnight = day
	return nil
}

func (d Date) MarshalText() ([]byte, error) { return []byte(d.midnight.Format(time.DateOnly)), nil }

// IsZero reports whether no day is meant.
func (d Date) IsZero() bool { return d.midnight.IsZero() }

// UTC is the midnight with which the day begins in UTC.
func (d Date) UTC() time.Time { return d.midnight }

// Begins is the first instant of the day in a time zone.
func (d Date) Begins(zone *time.Location) time.Time {
	year, month, day := d.midnight.Date()
	return DayBegins(year, month, day, zone)
}

// Ends is the first instant after the day.
func (d Date) Ends(zone *time.Location) time.Time {
	year, month, day := d.midnight.Date()
	return DayBegins(year, month, day+1, zone)
}

// DayBegins returns the first instant of a day, in UTC. It is searched for:
// clocks may be put forward over midnight, or back across it.
func DayBegins(year int, month time.Month, day int, zone *time.Location) time.Time {
	wanted := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	// Zones lie between 12 hours behind UTC and 14 ahead; a skipped day adds 24.
	earliest := wanted.Add(-15 * time.Hour)
	seconds := sort.Search(int((54 * time.Hour).Seconds()), func(s int) bool {
		y, m, d := earliest.Add(time.Duration(s) * time.Second).In(zone).Date()
		return !time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Before(wanted)
	})
	return earliest.Add(time.Duration(seconds) * time.Second)
}
