package pool

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"roster/internal/money"
	"roster/internal/table"
)

var errFenced = errors.New("the lane has these limits or newer ones")

// Fence makes lowered limits bind: when it returns, no hold rests on older ones any
// more, and nothing more is held than the limits have left. The settings change first.
// Holds bring newer limits along by themselves, so Fence is for what was lowered (or
// was none), in every month that may have calls before all have read the settings. It
// may be repeated. It takes a write unit for each lane, and 4 for each that has more
// than its share.
func (p Pool) Fence(ctx context.Context, t *table.Table, limits Limits, day int) error {
	group, fencing := errgroup.WithContext(ctx)
	for i := range p.lanesKept() {
		group.Go(func() error {
			err := t.Transact(fencing, table.Write{
				Key: Lane{p, i}.key(), Update: "SET #v = :v", If: "attribute_not_exists(#v) OR #v < :v",
				Values: table.V{"v": limits.Version}, Else: errFenced,
			})
			if errors.Is(err, errFenced) {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return table.Retry(ctx, func() error {
		for {
			lanes, err := p.contents(ctx, t, false)
			if err != nil || newest(lanes) > limits.Version {
				return err
			}
			writes := p.level(limits, lanes, day)
			if writes == nil {
				return nil
			}
			if err := t.Transact(ctx, writes...); err != nil {
				return err
			}
		}
	})
}

// level moves what the lane with most has left to the one that is most beyond its
// share; nil where none is, or none has anything.
func (p Pool) level(limits Limits, lanes []content, day int) []table.Write {
	for _, b := range limits.bounds(day) {
		free, beyond := make([]int64, len(lanes)), make([]int64, len(lanes))
		for i, c := range lanes {
			free[i] = plus(b.share(p.lanes(limits), i), -c.net[b.suffix])
			beyond[i] = plus(0, -free[i])
		}
		from, to := richest(free), richest(beyond)
		x := min(free[from], beyond[to])
		if x <= 0 {
			continue
		}
		gives, takes := newChange(Lane{p, from}), newChange(Lane{p, to})
		gives.give(limits, b, x)
		takes.take(b, x)
		return []table.Write{gives.write(), takes.write()}
	}
	return nil
}

// amount is what is left, which is never less than nothing.
func amount(left int64) money.Amount { return money.Amount(max(left, 0)) }
