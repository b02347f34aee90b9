package pool

import (
	"context"

	"roster/internal/money"
	"roster/internal/table"
)

// CatchUp brings a team's pool up to what its team has spent in the month. A team
// without limit has no pool, so what it spent is missing when it gets one. since is the
// version of the limits since which there is a pool: for each, a pool catches up once,
// however often this is repeated.
//
// Every process books in the pool by now. total returns what the team spent so far; it
// is asked after the pool was read, so that what is spent meanwhile may count twice, but
// never not at all. Days are not caught up.
func (p Pool) CatchUp(ctx context.Context, t *table.Table, since int64, total func(context.Context) (money.Amount, error)) error {
	return table.Retry(ctx, func() error {
		lanes, err := p.contents(ctx, t, false)
		if err != nil || lanes[0].caughtUp >= since {
			return err
		}
		spent, err := total(ctx)
		if err != nil {
			return err
		}
		return t.Transact(ctx, table.Write{
			Key: Lane{p, 0}.key(), Update: "SET #s = :since ADD #n :missing",
			If: "attribute_not_exists(#s) OR #s = :read",
			Values: table.V{
				"since": since, "missing": max(0, plus(int64(spent), -lanes[0].spent(""))), "read": lanes[0].caughtUp,
			},
			Else: table.ErrChanged,
		})
	})
}
