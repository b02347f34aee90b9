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

// overLimit is a reservation's refusal by a limit.
type overLimit struct {
	refusal *fault.Error
	bound   Bound
}

func (o overLimit) Error() string { return o.refusal.Error() }
func (o overLimit) Unwrap() error { return o.refusal }

// warn tells that a limit refused a call.
func warn(ctx context.Context, warnings warning.Service, b Bound, org id.Organization, s access.Standing, key id.Key, now time.Time) {
	form := calendar.MonthForm
	if b.Window == Daily {
		form = time.DateOnly
	}
	window := now.In(s.Location()).Format(form)
	if b.Of == OfTeam || b.Of == OfOrganization {
		warnings.PoolRefused(ctx, warning.PoolLimit{Organization: org, Team: b.Team, Window: window, Amount: b.Limit, EndsAt: b.ResetsAt}, b.Used)
		return
	}
	limit := warning.Limit{Organization: org, User: s.User(), Window: window, Amount: b.Limit, EndsAt: b.ResetsAt}
	if b.Of == OfKey {
		limit.Key = key
	}
	warnings.Refused(ctx, limit, b.Used)
}
