package limit

import (
	"context"
	"slices"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/permission"
	"roster/internal/pool"
	"roster/internal/spent"
	"roster/internal/usage"
)

// getPoolLimits shows what a team may spend, to those who are in it, too, or what the
// whole organization may.
func (s Service) getPoolLimits(ctx context.Context, by access.Actor, of id.Team) (Answer, error) {
	sees := slices.ContainsFunc([]permission.Permission{permission.MembersManage, permission.UsageRead, permission.BillingRead}, by.Can)
	if !sees && (of == "" || !by.In(of)) {
		return Answer{}, access.ErrPermission.With("permission", permission.MembersManage)
	}
	read, err := s.readPools(ctx, by.Organization(), of)
	if err != nil {
		return Answer{}, err
	}
	setting := read.Of(of)
	out := ofPool(of, setting)
	if !setting.Limited() {
		return Answer{out}, nil
	}
	now := s.Now()
	p := pool.Pool{Organization: by.Organization(), Team: of, Month: spent.Month(now, by.Location())}
	state, err := p.Read(ctx, s.Table, now)
	if err != nil {
		return Answer{}, err
	}
	today := now.In(by.Location()).Day()
	out.Spend = &usage.Spend{Daily: state.Days[today].Cost, Monthly: state.Month.Cost}
	out.Remaining = new(usage.Remaining)
	out.Remaining.Monthly, out.Remaining.Daily = state.Left(setting.Limits(), today)
	return Answer{out}, nil
}
