package usage

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"roster/internal/id"
	"roster/internal/pool"
	"roster/internal/table"
)

// countedAtOnce bounds how many members of a chunk are counted at a time.
const countedAtOnce = 16

// count counts a chunk, in every month and pool where it is not counted yet; tallies are
// months that were read lately.
func (m Meter) count(ctx context.Context, org id.Organization, w watermark, p portion, tallies map[month]*tally) error {
	var order []month
	byMonth := map[month][]Record{}
	for _, r := range p.Records {
		of := month{r.User, r.Month, r.Test}
		if byMonth[of] == nil {
			order = append(order, of)
		}
		byMonth[of] = append(byMonth[of], r)
	}
	group, counting := errgroup.WithContext(ctx)
	group.SetLimit(countedAtOnce)
	for _, of := range order {
		group.Go(func() error { return m.countMonth(counting, org, w, of, tallies[of], p.Reporter, byMonth[of]) })
	}
	for _, b := range p.bookings(org, w) {
		group.Go(func() error {
			err := m.Table.Transact(counting, b.Write())
			if errors.Is(err, pool.ErrBooked) {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	err := m.Table.Transact(ctx, finish(org, w))
	if errors.Is(err, table.ErrChanged) {
		return nil // another counted it at the same time
	}
	return err
}

// countMonth counts a chunk in a member's month: a write unit, up to a kilobyte of it.
func (m Meter) countMonth(ctx context.Context, org id.Organization, w watermark, of month, t *tally, reporter id.Key, records []Record) error {
	if t == nil {
		var item table.Item
		err := m.Table.Get(ctx, table.Raw(of.key(org), &item))
		if err != nil {
			return err
		}
		if t, err = counters(item); err != nil {
			return err
		}
	}
	for range maxRefusals {
		if t.watermarks[w.source] >= w.sequence {
			return nil
		}
		a := newAddition(t, modelsKept, reporter)
		a.through = &w
		for _, r := range records {
			a.count(r)
		}
		err := m.Table.Transact(ctx, a.write(org, of))
		changed, refused := errors.AsType[monthChanged](err)
		if !refused {
			return err
		}
		t = changed.now
	}
	return errBusy
}

// bookings are what a chunk adds to pools: to the lane of its source in the
// organization's, and to those of limited teams.
func (p portion) bookings(org id.Organization, w watermark) (all []pool.Booking) {
	booking := func(of pool.Pool) *pool.Booking {
		lane := of.LaneOf(int(w.source))
		i := slices.IndexFunc(all, func(b pool.Booking) bool { return b.Lane == lane })
		if i < 0 {
			i = len(all)
			all = append(all, pool.Booking{
				Lane: lane, Days: map[int]pool.Usage{},
				Through: &pool.Watermark{Source: w.source.attribute(), Sequence: int64(w.sequence)},
			})
		}
		return &all[i]
	}
	for _, r := range p.Records {
		if r.Test || r.Scope == Personal {
			continue
		}
		used := pool.Usage{Cost: r.Cost, Requests: 1, Input: r.Input, Output: r.Output}
		for _, team := range append([]id.Team{""}, r.Teams...) {
			if team != "" && !slices.Contains(p.Limited, team) {
				continue
			}
			b := booking(pool.Pool{Organization: org, Team: team, Month: r.Month})
			b.Days[r.Day] = b.Days[r.Day].Plus(used)
		}
	}
	return all
}
