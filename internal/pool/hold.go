package pool

import (
	"bytes"
	"context"
	"errors"
	"time"

	"roster/internal/table"
)

// Hold holds an amount in the lane that it returns, or is refused with *Exhausted. A
// pool without limits holds nothing back; there is no need to ask it.
//
// The same hold again is the same one; another with its id takes its place. Two things
// make a second one: asking again after its end, and with limits that have another
// number of lanes. It expires like any other.
//
// It takes one write unit in a lane that has enough left. Else the pool is read, and
// what other lanes have is taken in a transaction with the hold: 2 units for each of
// the lanes.
func (p Pool) Hold(ctx context.Context, t *table.Table, limits Limits, h Hold, now time.Time) (Lane, error) {
	lane := p.Lane(h.ID, limits)
	first := newChange(lane)
	first.begin(limits, h)
	for _, b := range limits.bounds(h.Day) {
		first.limit(limits, b)
	}
	w := first.write()
	var left content
	w.Then = func(item table.Item) { left = contentOf(item) }
	err := t.Transact(ctx, w)
	if err == nil {
		p.sweep(ctx, t, lane, left, now)
		return lane, nil
	}
	if !errors.Is(err, table.ErrChanged) {
		return lane, err
	}
	return lane, table.Retry(ctx, func() error {
		for {
			lanes, err := p.contents(ctx, t, false)
			if err != nil {
				return err
			}
			writes, last, err := p.plan(limits, lanes, h, now)
			if err != nil {
				return err
			}
			if err := t.Transact(ctx, writes...); err != nil || last {
				return err
			}
		}
	})
}

// begin lets a hold begin, not limited yet.
func (c *change) begin(limits Limits, h Hold) {
	c.version = &limits.Version
	c.count(h.Day, h.amount())
	c.began[h.name()] = h.record()
}

// sweep removes records of holds whose callers vanished, once there are many of them:
// in a pool far from its limit nobody else does. Where it fails, a later one does it.
func (p Pool) sweep(ctx context.Context, t *table.Table, lane Lane, c content, now time.Time) {
	if gone := c.expired(now); len(gone) == reclaimed {
		_ = t.Transact(ctx, ending(lane, gone).write())
	}
}

// ending is the change that takes records out of a lane.
func ending(lane Lane, records map[string][]byte) *change {
	c := newChange(lane)
	for name, record := range records {
		c.end(name, record)
	}
	return c
}

// plan is what to write next for a hold, of which a first write was refused, in lanes
// as they were read. After the last there is the hold; after another one decides anew.
// Every write leaves less in the way than there was.
func (p Pool) plan(limits Limits, lanes []content, h Hold, now time.Time) (writes []table.Write, last bool, err error) {
	at := p.Lane(h.ID, limits).Number
	before, again := lanes[at].holds[h.name()]
	switch {
	case again && bytes.Equal(before, h.record()):
		return nil, true, nil
	case newest(lanes) > limits.Version:
		return nil, false, ErrStale
	}
	changes, part := make([]*change, len(lanes)), make([]bool, len(lanes))
	for i, c := range lanes {
		changes[i] = ending(Lane{p, i}, c.expired(now))
	}
	own := changes[at]
	own.begin(limits, h)
	if again && own.ended[h.name()] == nil {
		own.end(h.name(), before)
	}
	part[at] = true
	for _, b := range limits.bounds(h.Day) {
		free := make([]int64, len(lanes))
		left := int64(b.limit)
		for i, c := range lanes {
			net := plus(c.net[b.suffix], changes[i].add["n"+b.suffix])
			free[i] = plus(b.share(p.lanes(limits), i), -net)
			left = plus(left, plus(c.given[b.suffix], -net))
		}
		if left < 0 { // with the hold in it
			return p.refuse(limits, lanes, h, now, b, plus(left, h.amount()))
		}
		for free[at] < 0 {
			i := richest(free)
			if free[i] <= 0 {
				return nil, false, table.ErrChanged // read while others moved it
			}
			x := min(free[i], max(-free[at], free[i]/2))
			changes[i].give(limits, b, x)
			own.take(b, x)
			free[i], free[at] = free[i]-x, free[at]+x
			part[i] = true
		}
		own.limit(limits, b)
	}
	for i, c := range changes {
		if part[i] {
			writes = append(writes, c.write())
		}
	}
	return writes, true, nil
}

func newest(lanes []content) int64 {
	var version int64
	for _, c := range lanes {
		version = max(version, c.version)
	}
	return version
}

func richest(free []int64) int {
	best := 0
	for i, n := range free {
		if n > free[best] {
			best = i
		}
	}
	return best
}

// refuse is the plan for a hold for which there is not enough left. More expired holds
// than one write removes may be in the way still. And lanes that are beyond their
// shares are made up for, so that no other gives away what the pool has not.
func (p Pool) refuse(limits Limits, lanes []content, h Hold, now time.Time, b bound, left int64) ([]table.Write, bool, error) {
	for i, c := range lanes {
		if gone := c.expired(now); len(gone) == reclaimed {
			return []table.Write{ending(Lane{p, i}, gone).write()}, false, nil
		}
	}
	if writes := p.level(limits, lanes, h.Day); writes != nil {
		return writes, false, nil
	}
	return nil, false, &Exhausted{p, b.window, b.limit, amount(left)}
}
