package audit

import (
	"time"

	"roster/internal/calendar"
	"roster/internal/id"
	"roster/internal/table"
)

// eventID is "aud_" + ULID: it tells when the event was, and so where it lies.
type eventID string

const (
	prefix      = "aud"
	firstRandom = "0000000000000000"
	lastRandom  = "ZZZZZZZZZZZZZZZZ"
)

func newID(now time.Time) eventID { return eventID(id.New(prefix, now)) }

// firstAt and lastAt bound the ids of a millisecond.
func firstAt(at time.Time) eventID { return eventID(id.At(prefix, at) + firstRandom) }
func lastAt(at time.Time) eventID  { return eventID(id.At(prefix, at) + lastRandom) }

func (e eventID) key(org id.Organization) table.Key {
	return table.AuditEvent(org, monthOf(id.Time(string(e))).Format(calendar.MonthForm), string(e))
}
