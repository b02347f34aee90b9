package usage

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"roster/internal/access"
	"roster/internal/calendar"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/pool"
	"roster/internal/recent"
	"roster/internal/table"
)

// shared is a pool whose limits bind a call.
type shared struct {
	pool.Pool
	pool.Setting
}

// sharedBy are the pools whose limits bind a member's calls through a key in a month: the
// organization's, and those of their teams. No limit binds test keys.
func sharedBy(org id.Organization, s access.Standing, key id.Key, month string) []shared {
	if key.Test() {
		return nil
	}
	settings := s.Pools()
	var all []shared
	for _, team := range settings.Binding(slices.Sorted(maps.Keys(s.Teams()))) {
		all = append(all, shared{pool.Pool{Organization: org, Team: team, Month: month}, settings.Of(team)})
	}
	return all
}

// bound is what a limit of the pool is, where so much is left of it.
func (p shared) bound(window Window, limit, left money.Amount, resets Resets) Bound {
	b := Bound{
		Of: OfOrganization, Window: window, Limit: limit, Used: limit - left, Remaining: max(0, left),
		SetBy: p.By, ResetsAt: resets.Monthly,
	}
	if p.Team != "" {
		b.Of, b.Team = OfTeam, p.Team
	}
	if window == Daily {
		b.ResetsAt = resets.Daily
	}
	return b
}

// bounds are the limits of the pool, as it stands.
func (p shared) bounds(state pool.State, day int, resets Resets) (all []Bound) {
	limits := p.Limits()
	for _, of := range []struct {
		window Window
		limit  *money.Amount
		sums   pool.Sums
	}{{Daily, limits.Daily, state.Days[day]}, {Monthly, limits.Monthly, state.Month}} {
		if of.limit != nil {
			all = append(all, p.bound(of.window, *of.limit, *of.limit-of.sums.Cost-of.sums.Held, resets))
		}
	}
	return all
}

// poolStates are how pools stood within access.GateTTL: near enough to advise, and no
// reservation rests on them.
type poolStates struct {
	table *table.Table
	kept  recent.Values[pool.Pool, pool.State]
}

// mostStates bounds the memory of a process that serves many organizations.
const mostStates = 10_000

func newPoolStates(t *table.Table) *poolStates {
	return &poolStates{t, recent.Values[pool.Pool, pool.State]{TTL: access.GateTTL, Most: mostStates}}
}

// bounds are the limits of pools that bind a member's calls through a key now.
func (p *poolStates) bounds(ctx context.Context, org id.Organization, s access.Standing, key id.Key, now time.Time) ([]Bound, error) {
	local := now.In(s.Location())
	pools := sharedBy(org, s, key, local.Format(calendar.MonthForm))
	states := make([]pool.State, len(pools))
	group, reading := errgroup.WithContext(ctx)
	for i, of := range pools {
		var fresh bool
		if states[i], fresh = p.kept.Get(of.Pool, now); fresh {
			continue
		}
		group.Go(func() (err error) {
			if states[i], err = of.Read(reading, p.table, now); err == nil {
				p.kept.Put(of.Pool, states[i], now)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	resets := resetsAfter(now, s.Location())
	var all []Bound
	for i, of := range pools {
		all = append(all, of.bounds(states[i], local.Day(), resets)...)
	}
	return all, nil
}

// exhausted is the refusal of a pool of which too little is left.
type exhausted struct {
	of shared
	*pool.Exhausted
}

// bound is the limit that refuses.
func (e exhausted) bound(resets Resets) Bound {
	window := Monthly
	if e.Window == pool.Day {
		window = Daily
	}
	return e.of.bound(window, e.Limit, e.Left, resets)
}

// claim holds an amount in every pool that binds, or in none: it is refused with
// exhausted, or with table.ErrChanged where the limits are others than were read.
func (m Meter) claim(ctx context.Context, pools []shared, h pool.Hold, now time.Time) ([]pool.Lane, error) {
	lanes, errs := make([]pool.Lane, len(pools)), make([]error, len(pools))
	var group errgroup.Group
	for i, of := range pools {
		group.Go(func() error {
			lanes[i], errs[i] = of.Hold(ctx, m.Table, of.Limits(), h, now)
			return nil
		})
	}
	_ = group.Wait()
	for i, err := range errs {
		if err == nil {
			continue
		}
		for j, err := range errs {
			if err == nil {
				m.unclaim(ctx, lanes[j:j+1], h)
			}
		}
		if refused, ok := errors.AsType[*pool.Exhausted](err); ok {
			return nil, exhausted{pools[i], refused}
		}
		if errors.Is(err, pool.ErrStale) {
			m.path.ForgetPools(pools[i].Organization)
			return nil, table.ErrChanged
		}
		return nil, err
	}
	return lanes, nil
}

// unclaim gives back what lanes hold. Where that fails, it expires.
func (m Meter) unclaim(ctx context.Context, lanes []pool.Lane, h pool.Hold) {
	for _, lane := range lanes {
		if err := lane.Release(ctx, m.Table, h); err != nil {
			m.Log.WarnContext(ctx, "a pool holds what nobody uses until it expires", "error", err)
		}
	}
}
