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
	"roster/internal/table"
	"roster/internal/warning"
)

// pooled is a team's pool or, without one, the organization's, to which its budget belongs.
type pooled struct {
	org  id.Organization
	team id.Team
}

// pools warns about the pools from which a batch spent: the organization's, and those of the
// teams.
func (s Service) pools(ctx context.Context, subjects map[user]*subject, charged map[pooled]bool) error {
	orgs, teams := map[id.Organization]*organization.Organization{}, map[id.Organization][]id.Team{}
	for of, one := range subjects {
		orgs[of.org] = one.org
	}
	for of := range charged {
		teams[of.org] = append(teams[of.org], of.team)
	}
	for org, charged := range teams {
		if orgs[org] == nil {
			continue
		}
		if err := s.lookAtPools(ctx, *orgs[org], charged); err != nil {
			return err
		}
	}
	return nil
}

// LookAtPool warns about a team's pool or, without one, the organization's, whose limits
// were changed.
func (s Service) LookAtPool(ctx context.Context, org id.Organization, of id.Team) error {
	_, err := s.checkPool(ctx, pooled{org, of})
	return err
}

// checkPool warns about a pool, and reports whether it is near a limit.
func (s Service) checkPool(ctx context.Context, of pooled) (near bool, err error) {
	o, err := organization.Get(ctx, s.Table, of.org)
	if err != nil || o == nil {
		return false, err
	}
	bounds, err := s.bounds(ctx, *o)
	if err != nil {
		return false, err
	}
	return s.lookAtPool(ctx, *o, of.team, bounds)
}

// attendPool looks at a pool of the list, and takes it out where it is near no limit any more.
func (s Service) attendPool(ctx context.Context, of pooled) error {
	near, err := s.checkPool(ctx, of)
	if err != nil || near {
		return err
	}
	if err := s.Table.Transact(ctx, table.Write{Key: table.NearPool(of.org, of.team), Delete: true}); err != nil {
		return err
	}
	// What brought it near meanwhile may have found it in the list: it is put back.
	if near, err = s.checkPool(ctx, of); err != nil || !near {
		return err
	}
	return s.Table.Transact(ctx, pool.Watched(of.org, of.team))
}

// bounds are what pools may spend; each is nil where there is nothing of it.
type bounds struct {
	settings *pool.Settings
	profile  *billing.Profile
}

// bounds reads those of an organization: half a read unit for each.
func (s Service) bounds(ctx context.Context, o organization.Organization) (bounds, error) {
	var b bounds
	if o.Status != organization.Active {
		return b, nil
	}
	return b, s.Table.GetSettled(ctx, pool.ReadSettings(o.ID, &b.settings), billing.ReadProfile(o.ID, &b.profile))
}

// limits are those of a team's pool or, without one, the organization's.
func (b bounds) limits(of id.Team) pool.Limits {
	if b.settings == nil {
		return pool.Limits{}
	}
	return b.settings.Of(of).Limits()
}

// budget is the organization's; nil, there is none.
func (b bounds) budget() *money.Amount {
	if b.profile == nil {
		return nil
	}
	return b.profile.Budget
}

// lookAtAllPools warns about every pool of an organization.
func (s Service) lookAtAllPools(ctx context.Context, o organization.Organization) error {
	b, err := s.bounds(ctx, o)
	if err != nil {
		return err
	}
	all := []id.Team{""}
	if b.settings != nil {
		all = slices.AppendSeq(all, maps.Keys(b.settings.Teams))
	}
	return s.lookAtEach(ctx, o, all, b)
}

// lookAtPools warns about an organization's pools: a read unit where none has a limit, else
// what the lanes of those take besides that have.
func (s Service) lookAtPools(ctx context.Context, o organization.Organization, of []id.Team) error {
	b, err := s.bounds(ctx, o)
	if err != nil {
		return err
	}
	return s.lookAtEach(ctx, o, of, b)
}

func (s Service) lookAtEach(ctx context.Context, o organization.Organization, all []id.Team, b bounds) error {
	slices.Sort(all)
	for _, of := range all {
		if _, err := s.lookAtPool(ctx, o, of, b); err != nil {
			return err
		}
	}
	return nil
}

// poolWindow is a limit of a pool, and what was spent within it.
type poolWindow struct {
	warning.PoolLimit
	spent money.Amount
}

// lookAtPool warns about a pool, and about the budget with the organization's. It reports
// whether it is near a limit, and stands then in the list of those that are.
func (s Service) lookAtPool(ctx context.Context, o organization.Organization, of id.Team, b bounds) (near bool, err error) {
	limits, budget := b.limits(of), b.budget()
	if of != "" {
		budget = nil
	}
	if limits.Monthly == nil && limits.Daily == nil && budget == nil {
		return false, nil
	}
	local := s.Now().In(o.TimeZone.Location())
	state, err := pool.Pool{Organization: o.ID, Team: of, Month: local.Format(calendar.MonthForm)}.ReadNow(ctx, s.Table, s.Now())
	if err != nil {
		return false, err
	}
	for _, window := range windows(o, of, limits, state, local) {
		near = near || warning.Near(o.Thresholds(), window.spent, window.Amount)
		if level := warning.Level(o.Thresholds(), window.spent, window.Amount); level > 0 {
			if err := s.warnings.RaisePool(ctx, o, window.PoolLimit, level, window.spent); err != nil {
				return false, err
			}
		}
	}
	if budget != nil {
		near = near || warning.Near(warning.BudgetThresholds, state.Month.Cost, *budget)
		if err := s.lookAtBudget(ctx, o, *b.profile, state.Month.Cost, local); err != nil {
			return false, err
		}
	}
	if !near {
		return false, nil
	}
	return true, s.listPool(ctx, pooled{o.ID, of})
}

// windows are the limits of a pool now.
func windows(o organization.Organization, of id.Team, limits pool.Limits, state pool.State, local time.Time) (all []poolWindow) {
	year, month, day := local.Date()
	limit := warning.PoolLimit{Organization: o.ID, Team: of}
	if limits.Monthly != nil {
		limit.Window, limit.Amount, limit.EndsAt = local.Format(calendar.MonthForm), *limits.Monthly, calendar.DayBegins(year, month+1, 1, local.Location())
		all = append(all, poolWindow{limit, state.Month.Cost})
	}
	if limits.Daily != nil {
		limit.Window, limit.Amount, limit.EndsAt = local.Format(time.DateOnly), *limits.Daily, calendar.DayBegins(year, month, day+1, local.Location())
		all = append(all, poolWindow{limit, state.Days[day].Cost})
	}
	return all
}

func (s Service) lookAtBudget(ctx context.Context, o organization.Organization, p billing.Profile, spent money.Amount, local time.Time) error {
	level := warning.Level(warning.BudgetThresholds, spent, *p.Budget)
	if level == 0 {
		return nil
	}
	year, month, _ := local.Date()
	return s.warnings.RaiseBudget(ctx, o, warning.Budget{
		Organization: o.ID, Month: local.Format(calendar.MonthForm), Amount: *p.Budget,
		EndsAt: calendar.DayBegins(year, month+1, 1, local.Location()), Contact: p.ContactEmail,
	}, level, spent)
}

// listPool puts a pool into the list of those that are near a limit, where it is not.
func (s Service) listPool(ctx context.Context, of pooled) error {
	var entry table.Item
	if err := s.Table.GetSettled(ctx, table.Raw(table.NearPool(of.org, of.team), &entry)); err != nil || entry != nil {
		return err
	}
	return s.Table.Transact(ctx, pool.Watched(of.org, of.team))
}
