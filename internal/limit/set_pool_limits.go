package limit

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/audit"
	"roster/internal/calendar"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/money"
	"roster/internal/permission"
	"roster/internal/pool"
	"roster/internal/spending"
	"roster/internal/table"
	"roster/internal/team"
	"roster/internal/usage"
)

// setPoolLimits changes what a team or, without one, the whole organization may spend.
// The same again finishes what was cut off.
func (s Service) setPoolLimits(ctx context.Context, by access.Actor, of id.Team, patch spending.Patch) (Answer, error) {
	if p := poolPermission(of); !by.Can(p) {
		return Answer{}, access.ErrPermission.With("permission", p)
	}
	var setting pool.Setting
	err := table.Retry(ctx, func() error {
		read, err := s.readPools(ctx, by.Organization(), of)
		if err != nil {
			return err
		}
		before := read.Of(of)
		now := s.Now()
		chosen := patch.Apply(before.Chosen, by.User(), now)
		if of != "" && by.In(of) && !by.IsOwner() && chosen.Limits().Exceed(before.Chosen.Limits()) {
			return member.ErrOwnLimit
		}
		if chosen.Same(before.Chosen) {
			setting = before
			return nil
		}
		next := read.With(of, chosen)
		setting = next.Of(of)
		return s.Table.Transact(ctx, s.poolWrites(by, of, read, next, now)...)
	})
	if err != nil {
		return Answer{}, err
	}
	if err := s.bind(ctx, by, of, setting); err != nil {
		return Answer{}, err
	}
	if err := s.watch.LookAtPool(ctx, by.Organization(), of); err != nil { // the limit binds, and what is spent next tells
		s.Log.ErrorContext(ctx, "limit: nobody was warned of a pool", "organization", string(by.Organization()), "team", string(of), "error", err)
	}
	return Answer{ofPool(of, setting)}, nil
}

// poolPermission is the one that it takes to change the limits of a team, or of the
// organization.
func poolPermission(of id.Team) permission.Permission {
	if of == "" {
		return permission.BillingManage
	}
	return permission.MembersManage
}

// readPools reads the limits of pools, if there is that team.
func (s Service) readPools(ctx context.Context, org id.Organization, of id.Team) (pool.Settings, error) {
	if of == "" {
		return pool.GetSettings(ctx, s.Table, org)
	}
	var (
		read *pool.Settings
		t    *team.Team
	)
	if err := s.Table.Get(ctx, pool.ReadSettings(org, &read), team.Read(org, of, &t)); err != nil {
		return pool.Settings{}, err
	}
	if t == nil {
		return pool.Settings{}, team.ErrNotFound
	}
	if read == nil {
		read = new(pool.Settings)
	}
	return *read, nil
}

// poolWrites are the change of a pool's limits, its event and, of a team, that there is
// one still.
func (s Service) poolWrites(by access.Actor, of id.Team, read, next pool.Settings, now time.Time) []table.Write {
	org := by.Organization()
	event := audit.Event{
		Action: audit.OrganizationLimitsChanged, Actor: audit.Member(by), Target: string(org),
		Before: read.Of(of).Chosen.Recorded(), After: next.Of(of).Chosen.Recorded(),
	}
	writes := []table.Write{pool.Save(org, read, next), pool.Watched(org, of)}
	if of != "" {
		event.Action, event.Target = audit.TeamLimitsChanged, string(of)
		writes = append(writes, table.Write{Key: table.Team(org, of), If: table.Present, Else: table.ErrChanged})
	}
	return append(writes, audit.Record(now, org, event))
}

// bind makes the limits of a pool bind from when it returns. A pool that had none is
// known to every process a little later than its limits are written: they read them
// within access.GateTTL. From then on they book in a team's pool, which then catches up.
func (s Service) bind(ctx context.Context, by access.Actor, of id.Team, setting pool.Setting) error {
	if !setting.Limited() {
		return nil
	}
	isNew := setting.Since == setting.Version
	if wait := setting.At.Add(access.GateTTL + time.Second).Sub(s.Now()); isNew && wait > 0 {
		if err := s.Sleep(ctx, wait); err != nil {
			return err
		}
	}
	now := s.Now().In(by.Location())
	p := pool.Pool{Organization: by.Organization(), Team: of, Month: now.Format(calendar.MonthForm)}
	if of != "" {
		err := p.CatchUp(ctx, s.Table, setting.Since, func(ctx context.Context) (money.Amount, error) {
			return usage.SpentByTeam(ctx, s.Table, p.Organization, of, p.Month)
		})
		if err != nil {
			return err
		}
	}
	if err := p.Fence(ctx, s.Table, setting.Limits(), now.Day()); err != nil {
		return err
	}
	soon := now.Add(access.GateTTL) // until when somebody may know the limits before
	if p.Month = soon.Format(calendar.MonthForm); p.Month == now.Format(calendar.MonthForm) {
		return nil
	}
	return p.Fence(ctx, s.Table, setting.Limits(), soon.Day())
}
