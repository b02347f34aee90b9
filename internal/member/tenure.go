package member

import (
	"errors"
	"hash/fnv"
	"time"

	"roster/internal/access"
	"roster/internal/calendar"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/permission"
	"roster/internal/table"
)

// What changes about a membership by itself: a suspension begins, one ends, the
// membership ends. Every check derives it from the clock (access.Tenure); function
// expire writes it down. None of it ever happens to an owner but the end of a
// suspension, so that there is an active one at every instant.

// ErrOwnerEnds refuses what would make an owner one no longer by itself.
var ErrOwnerEnds = fault.New(fault.Conflict, "owner_cannot_end",
	"Owners have no end date, and their suspension begins at once: an organization has an active owner at every instant.")

// ErrEnded refuses to change whose membership is over.
var ErrEnded = fault.New(fault.Conflict, access.ErrEnded.Code,
	"The membership had an end date, which is over. Give it a later one, or none, to go on.")

// remindBefore is how long before the end of a membership people are reminded.
const remindBefore = 7 * 24 * time.Hour

// furthest is how many years ahead a membership may end, or be suspended.
const furthest = 100

func (m Member) tenure() access.Tenure {
	return access.Tenure{Status: m.Status, Epoch: m.Epoch, Suspension: m.Suspension, Planned: m.Planned, EndsAt: m.EndsAt}
}

func (m Member) standing(t access.Tenure) Member {
	m.Status, m.Epoch, m.Suspension, m.Planned = t.Status, t.Epoch, t.Suspension, t.Planned
	return m
}

// At is the member as they stand at a time, from what is stored.
func (m Member) At(now time.Time) Member { return m.standing(m.tenure().At(now)) }

// rehearsing is the member as a rehearsal takes them: what has changed by itself and
// is not written down yet, it does not write down. Whoever has ended stays as read,
// for they may be given another end.
func (m *Member) rehearsing(now time.Time) *Member {
	if m == nil || m.At(now).Status == access.Ended {
		return m
	}
	return new(m.At(now))
}

// lapsed is the first of what has changed by itself, as Tenure.Next has it; false, if
// nothing has.
func (m Member) lapsed(now time.Time) (at time.Time, then access.Tenure, due bool) {
	at, then, due = m.tenure().Next()
	return at, then, due && !now.Before(at)
}

// due is the key of what leads to the member when something is to be done about them
// next; zero, if nothing is.
func (m Member) due() table.Key {
	at, _, ok := m.tenure().Next()
	if reminding, remind := m.remindAt(); remind && reminding.Before(at) {
		at = reminding
	}
	if !ok {
		return table.Key{}
	}
	h := fnv.New32a()
	h.Write([]byte(m.ID))
	return table.Due(int(h.Sum32()%table.DueShards), at, m.Organization, m.ID)
}

// remindAt is when people are to be reminded of the end of the membership.
func (m Member) remindAt() (time.Time, bool) {
	return m.EndsAt.Add(-remindBefore), m.present() == nil && !m.EndsAt.IsZero() && !m.EndTold.Equal(m.EndsAt)
}

// EndDate is an instant, or a day: the end of that day, where the organization is.
type EndDate struct {
	at  field.Time
	day calendar.Date
}

func (d *EndDate) UnmarshalText(b []byte) error {
	if d.day.UnmarshalText(b) == nil {
		return nil
	}
	if d.at.UnmarshalText(b) != nil {
		return errors.New("is neither a time such as 2026-11-22T10:00:00Z nor a day such as 2026-11-22")
	}
	return nil
}

// MarshalText writes what UnmarshalText reads, for what a job keeps of a request.
func (d EndDate) MarshalText() ([]byte, error) {
	if !d.day.IsZero() {
		return d.day.MarshalText()
	}
	return d.at.MarshalText()
}

// In is the instant in a time zone, to the second.
func (d EndDate) In(zone *time.Location) time.Time {
	if !d.day.IsZero() {
		return d.day.Ends(zone)
	}
	return d.at.Time().Truncate(time.Second)
}

// Ahead refuses, as the value of a field, a time that is past or too far ahead.
func Ahead(at, now time.Time, pointer string) error {
	switch {
	case !at.After(now):
		return fault.InvalidField(pointer, "is not in the future")
	case at.After(now.AddDate(furthest, 0, 0)):
		return fault.InvalidField(pointer, "is more than 100 years ahead")
	}
	return nil
}

// EndAt gives the membership another end; zero, none. Nobody does so for themselves.
func (m Member) EndAt(by Caller, at, now time.Time) (Member, error) {
	if err := m.present(); err != nil || at.Equal(m.EndsAt) {
		return m, err
	}
	if m.ID == by.User() {
		return m, ErrSelf
	}
	if err := MayChange(by, m); err != nil {
		return m, err
	}
	if at.IsZero() {
		m.EndsAt, m.EndsBy, m.EndTold = time.Time{}, "", time.Time{}
		return m, nil
	}
	if m.Role == permission.Owner {
		return m, ErrOwnerEnds
	}
	if err := Ahead(at, now, "/ends_at"); err != nil {
		return m, err
	}
	m.EndsAt, m.EndsBy = at, by.User()
	return m, nil
}

// Span is when a suspension begins, zero for at once, and when it ends by itself,
// zero for never.
type Span struct{ From, Until time.Time }

// span is that of the fields of a request, to the second; it refuses what is past and
// what ends before it begins.
func span(from, until field.Time, now time.Time, fromPointer, untilPointer string) (Span, error) {
	s := Span{from.Time().Truncate(time.Second), until.Time().Truncate(time.Second)}
	if !s.From.IsZero() {
		if err := Ahead(s.From, now, fromPointer); err != nil {
			return s, err
		}
	}
	if s.Until.IsZero() {
		return s, nil
	}
	if !s.From.IsZero() && !s.Until.After(s.From) {
		return s, fault.InvalidField(untilPointer, "is not after the beginning of the suspension")
	}
	return s, Ahead(s.Until, now, untilPointer)
}

// SuspendFor stops a member, at once or from a time on, until they are unsuspended or
// until a time. Of two suspensions the later call counts; one that is under way keeps
// its reason, and gets another end.
func (m Member) SuspendFor(by Caller, reason field.Reason, s Span, now time.Time) (Member, error) {
	if m.ID == by.User() {
		return m, ErrSelf
	}
	if err := MayChange(by, m); err != nil {
		return m, err
	}
	if err := m.present(); err != nil {
		return m, err
	}
	if m.Status == access.Suspended {
		if !s.From.IsZero() {
			return m, ErrStatus
		}
		if !s.Until.IsZero() {
			m = m.suspendedUntil(s.Until)
		}
		return m, nil
	}
	if s.From.IsZero() {
		m.Status, m.Epoch, m.Planned = access.Suspended, m.Epoch+1, nil
		m.Suspension = &Suspension{Reason: reason, By: by.User(), At: now, Until: s.Until}
		return m, nil
	}
	if m.Role == permission.Owner {
		return m, ErrOwnerEnds
	}
	planned := Suspension{Reason: reason, By: by.User(), At: s.From, Until: s.Until}
	if p := m.Planned; p != nil && p.Reason == reason && p.At.Equal(s.From) && p.Until.Equal(s.Until) {
		return m, nil
	}
	m.Planned = &planned
	return m, nil
}

func (m Member) suspendedUntil(until time.Time) Member {
	if m.Suspension != nil && !m.Suspension.Until.Equal(until) {
		s := *m.Suspension
		s.Until = until
		m.Suspension = &s
	}
	return m
}

// CallOff takes a suspension back that has not begun.
func (m Member) CallOff(by Caller) (Member, error) {
	if m.Planned == nil {
		return m, nil
	}
	if err := MayChange(by, m); err != nil {
		return m, err
	}
	m.Planned = nil
	return m, nil
}

// WithoutUntil lets a suspension, under way or planned, go on until it is lifted.
func (m Member) WithoutUntil(by Caller) (Member, error) {
	if m.Suspension == nil && m.Planned == nil {
		return m, nil
	}
	if m.ID == by.User() {
		return m, ErrSelf
	}
	if err := MayChange(by, m); err != nil {
		return m, err
	}
	if p := m.Planned; p != nil {
		planned := *p
		planned.Until = time.Time{}
		m.Planned = &planned
	}
	return m.suspendedUntil(time.Time{}), nil
}
