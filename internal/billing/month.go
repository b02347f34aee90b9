package billing

import (
	"errors"
	"time"

	"roster/internal/spent"
)

// Month is a month of the organization's time zone: "2026-11". Months compare as
// their names do.
type Month string

const monthForm = "2006-01"

func (m *Month) UnmarshalText(b []byte) error {
	month, err := time.Parse(monthForm, string(b))
	if err != nil || month.Year() < 1 {
		return errors.New("is not a month such as 2026-11")
	}
	*m = Month(b)
	return nil
}

// plus is the month so many months later.
func (m Month) plus(months int) Month { return monthOf(m.begins().AddDate(0, months, 0)) }

// begins is the first instant in UTC.
func (m Month) begins() time.Time {
	begins, _ := time.Parse(monthForm, string(m)) // every Month was read or made from a time
	return begins
}

// title is what people call the month.
func (m Month) title() string { return m.begins().Format("January 2006") }

func monthOf(at time.Time) Month { return Month(spent.Month(at, time.UTC)) }

const (
	// Settling is how long after its end in UTC a month is closed. It has been over in
	// every time zone for at least 36 hours by then, so that an organization which
	// moves to another zone moves no usage past the closing.
	Settling = 48 * time.Hour
	// behind is how far the most western zone is behind UTC.
	behind = 12 * time.Hour
)

// due is the last month that is to be closed by now.
func due(now time.Time) Month { return monthOf(now.UTC().Add(-Settling)).plus(-1) }

// first is the month of an organization's first statement: the earliest that it was
// anywhere when the organization was founded.
func first(founded time.Time) Month { return monthOf(founded.UTC().Add(-behind)) }
