// Package watch finds members who come near their limits, and has them warned: from the
// table's stream, as what they spent or their limits change, and on a schedule, which
// looks at those who are near, and at the pools that are, with exact values, and after an organization changed what
// binds its members, once at all who spent something.
package watch

import (
	"context"
	"maps"
	"time"

	"roster/internal/calendar"
	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/money"
	"roster/internal/organization"
	"roster/internal/spending"
	"roster/internal/table"
	"roster/internal/usage"
	"roster/internal/warning"
)

// Service watches.
type Service struct {
	*env.Env
	warnings warning.Service
}

// New makes a Service.
func New(e *env.Env) Service { return Service{e, warning.New(e)} }

// subject is a member as they were read, with the current month.
type subject struct {
	org    *organization.Organization
	member *member.Member
	month  table.Item
}

// standing is how much of a limit was used.
type standing struct {
	limit warning.Limit
	spent money.Amount
	level int
}

// near are the limits of a member that are near, or reached: also those that will bind
// again.
func (s subject) near(now time.Time) ([]standing, error) {
	if s.org == nil || s.member == nil || !warning.Warned(*s.org, *s.member, now) {
		return nil, nil
	}
	spent, err := usage.SpendingOf(s.month)
	if err != nil {
		return nil, err
	}
	var all []standing
	thresholds := s.org.Thresholds()
	for of, day := range s.limits(now) {
		if used := spent.In(day, of.Key); warning.Near(thresholds, used, of.Amount) {
			all = append(all, standing{of, used, warning.Level(thresholds, used, of.Amount)})
		}
	}
	if !s.member.Temporary.Live(now) {
		return all, nil
	}
	// What is to be told when limits for a time end, is not told before.
	for of, day := range s.within(now, "", s.member.LastingLimits(*s.org).Limits()) {
		if used := spent.In(day, ""); warning.Near(thresholds, used, of.Amount) {
			all = append(all, standing{of, used, 0})
		}
	}
	return all, nil
}

// limits are all that bind the member and their keys now, with the day of those that
// are of one.
func (s subject) limits(now time.Time) map[warning.Limit]int {
	all := s.within(now, "", s.member.Limits(*s.org, now).Limits())
	for key, record := range s.member.Keys {
		if record.Limits != nil && !key.Test() {
			maps.Copy(all, s.within(now, key, record.Limits.Limits()))
		}
	}
	return all
}

// within are limits of the member, or of a key, in the current month and day, with the
// day of the one that is of it.
func (s subject) within(now time.Time, key id.Key, of spending.Limits) map[warning.Limit]int {
	zone := s.org.TimeZone.Location()
	local := now.In(zone)
	year, month, day := local.Date()
	limit := warning.Limit{Organization: s.member.Organization, User: s.member.ID, Key: key}
	all := map[warning.Limit]int{}
	if of.Monthly != nil {
		limit.Window, limit.Amount, limit.EndsAt = local.Format(calendar.MonthForm), *of.Monthly, calendar.DayBegins(year, month+1, 1, zone)
		all[limit] = 0
	}
	if of.Daily != nil {
		limit.Window, limit.Amount, limit.EndsAt = local.Format(time.DateOnly), *of.Daily, calendar.DayBegins(year, month, day+1, zone)
		all[limit] = day
	}
	return all
}

// warn tells what has not been told about limits that are near, and reports whether the
// member stands in the list of those who are.
func (s Service) warn(ctx context.Context, of subject, near []standing) (listed bool, err error) {
	notes := make([]*warning.Note, len(near))
	var entry table.Item
	reads := []table.Read{table.Raw(table.Near(of.org.ID, of.member.ID), &entry)}
	for i, one := range near {
		reads = append(reads, warning.Read(one.limit, &notes[i]))
	}
	if err := s.Table.GetSettled(ctx, reads...); err != nil {
		return false, err
	}
	for i, one := range near {
		if one.level == 0 || notes[i] != nil && notes[i].Level >= one.level {
			continue
		}
		if err := s.warnings.Raise(ctx, warning.Concerned{Organization: *of.org, Member: *of.member}, one.limit, one.level, one.spent); err != nil {
			return false, err
		}
	}
	return entry != nil, nil
}

// list puts a member into the list of those who are near a limit.
func (s Service) list(ctx context.Context, org id.Organization, user id.User) error {
	return s.Table.Transact(ctx, table.Write{Key: table.Near(org, user), Put: struct{}{}})
}
