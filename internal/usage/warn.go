package usage

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/calendar"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/warning"
)

// overLimit is a reservation's refusal by a limit of the member, or of their key.
type overLimit struct {
	refusal *fault.Error
	bound   Bound
}

func (o overLimit) Error() string { return o.refusal.Error() }
func (o overLimit) Unwrap() error { return o.refusal }

// warn tells that a limit of a member, or of a key, refused a call.
func warn(ctx context.Context, warnings warning.Service, b Bound, org id.Organization, s access.Standing, key id.Key, now time.Time) {
	limit := warning.Limit{Organization: org, User: s.User(), Amount: b.Limit, EndsAt: b.ResetsAt}
	switch {
	case b.Of == OfKey:
		limit.Key = key
	case b.Of != OfMember:
		return
	}
	form := calendar.MonthForm
	if b.Window == Daily {
		form = time.DateOnly
	}
	limit.Window = now.In(s.Location()).Format(form)
	warnings.Refused(ctx, limit, b.Used)
}
