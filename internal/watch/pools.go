package watch

import (
	"context"
	"maps"
	"slices"
	"time"

	"roster/internal/billing"
	"roster/internal/calendar"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/organization"
	"roster/internal/pool"
	"roster/internal/warning"
)

// pools warns about the pools in which the members of a batch spend.
func (s Service) pools(ctx context.Context, subjects map[user]*subject) error {
	teams, orgs := map[id.Organization]map[id.Team]bool{}, map[id.Organization]*organization.Organization{}
	for of, one := range subjects {
		if one.org == nil || one.member == nil {
			continue
		}
		if orgs[of.org] == nil {
			orgs[of.org], teams[of.org] = one.org, map[id.Team]bool{}
		}
		for team := range one.member.Teams {
			teams[of.org][team] = true
		}
	}
	for org, o := range orgs {
		if err := s.lookAtPools(ctx, *o, slices.Sorted(maps.Keys(teams[org]))); err != nil {
			return err
		}
	}
	return nil
}

// LookAtPool warns about a team's pool or, without one, the organization's, whose limits
// were changed.
func (s Service) LookAtPool(ctx context.Context, org id.Organization, of id.Team) error {
	o, err := organization.Get(ctx, s.Table, org)
	if err != nil || o == nil {
		return err
	}
	return s.lookAtPools(ctx, *o, []id.Team{of})
}

// lookAtAllPools is lookAtPools with every team that has a limit.
func (s Service) lookAtAllPools(ctx context.Context, o organization.Organization) error {
	settings, err := pool.GetSettings(ctx, s.Table, o.ID)
	if err != nil {
		return err
	}
	return s.lookAtPools(ctx, o, slices.Sorted(maps.Keys(settings.Teams)))
}

// lookAtPools warns about the organization's pool and those of teams, as far as they have
// limits, and about its budget: a read unit where there is none of it, else what the lanes
// take besides.
func (s Service) lookAtPools(ctx context.Context, o organization.Organization, teams []id.Team) error {
	if o.Status != organization.Active {
		return nil
	}
	var (
		settings *pool.Settings
		profile  *billing.Profile
	)
	if err := s.Table.GetSettled(ctx, pool.ReadSettings(o.ID, &settings), billing.ReadProfile(o.ID, &profile)); err != nil {
		return err
	}
	if profile != nil && profile.Budget != nil {
		if err := s.lookAtBudget(ctx, o, *profile); err != nil {
			return err
		}
	}
	if settings == nil {
		return nil
	}
	for _, of := range settings.Binding(teams) {
		if err := s.lookAtPool(ctx, o, of, settings.Of(of).Limits()); err != nil {
			return err
		}
	}
	return nil
}

func (s Service) lookAtBudget(ctx context.Context, o organization.Organization, p billing.Profile) error {
	now := s.Now()
	local := now.In(o.TimeZone.Location())
	year, month, _ := local.Date()
	b := warning.Budget{
		Organization: o.ID, Month: local.Format(calendar.MonthForm), Amount: *p.Budget,
		EndsAt: calendar.DayBegins(year, month+1, 1, local.Location()), Contact: p.ContactEmail,
	}
	state, err := pool.Pool{Organization: o.ID, Month: b.Month}.ReadNow(ctx, s.Table, now)
	if err != nil {
		return err
	}
	if level := warning.Level(warning.BudgetThresholds, state.Month.Cost, b.Amount); level > 0 {
		return s.warnings.RaiseBudget(ctx, o, b, level, state.Month.Cost)
	}
	return nil
}

func (s Service) lookAtPool(ctx context.Context, o organization.Organization, of id.Team, limits pool.Limits) error {
	zone := o.TimeZone.Location()
	now := s.Now()
	local := now.In(zone)
	year, month, day := local.Date()
	p := pool.Pool{Organization: o.ID, Team: of, Month: local.Format(calendar.MonthForm)}
	state, err := p.ReadNow(ctx, s.Table, now)
	if err != nil {
		return err
	}
	for _, window := range []struct {
		name   string
		limit  *money.Amount
		spent  money.Amount
		endsAt time.Time
	}{
		{p.Month, limits.Monthly, state.Month.Cost, calendar.DayBegins(year, month+1, 1, zone)},
		{local.Format(time.DateOnly), limits.Daily, state.Days[day].Cost, calendar.DayBegins(year, month, day+1, zone)},
	} {
		if window.limit == nil {
			continue
		}
		level := warning.Level(o.Thresholds(), window.spent, *window.limit)
		if level == 0 {
			continue
		}
		limit := warning.PoolLimit{Organization: o.ID, Team: of, Window: window.name, Amount: *window.limit, EndsAt: window.endsAt}
		if err := s.warnings.RaisePool(ctx, o, limit, level, window.spent); err != nil {
			return err
		}
	}
	return nil
}
