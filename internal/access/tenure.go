package access

import (
	"time"

	"roster/internal/field"
	"roster/internal/id"
)

// Suspension says why a member is suspended, or is to be.
type Suspension struct {
	Reason field.Reason `dynamodbav:"reason,omitempty"`
	By     id.User      `dynamodbav:"by"`
	// At is when it began, or is to begin.
	At time.Time `dynamodbav:"at"`
	// Until is when it ends by itself; zero, it does not.
	Until time.Time `dynamodbav:"until,omitempty"`
}

// Tenure is how a membership stands as it is stored, and what about that changes by
// itself as time goes on. Every check derives from it how the membership stands now;
// function expire only writes that down later.
type Tenure struct {
	Status Status
	Epoch  int
	// Suspension is that of a suspended member, and Planned one that is to begin.
	Suspension, Planned *Suspension
	// EndsAt is when the membership ends; zero, it does not.
	EndsAt time.Time
}

// Next is the first change that happens by itself, and when; false, if none does.
func (t Tenure) Next() (at time.Time, then Tenure, ok bool) {
	then = t
	switch {
	case t.Status == Active && t.Planned != nil:
		at = t.Planned.At
		then.Status, then.Epoch, then.Suspension, then.Planned = Suspended, t.Epoch+1, t.Planned, nil
	case t.Status == Suspended && t.Suspension != nil:
		at = t.Suspension.Until
		then.Status, then.Suspension = Active, nil
	case t.Status != Active && t.Status != Suspended:
		return time.Time{}, t, false
	}
	if !t.EndsAt.IsZero() && (at.IsZero() || !at.Before(t.EndsAt)) {
		then = t
		then.Status = Ended
		return t.EndsAt, then, true
	}
	return at, then, !at.IsZero()
}

// At is how the membership stands at a time from which on nobody has changed it.
func (t Tenure) At(now time.Time) Tenure {
	for {
		at, then, ok := t.Next()
		if !ok || now.Before(at) {
			return t
		}
		t = then
	}
}
