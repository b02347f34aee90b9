package usage

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"roster/internal/id"
	"roster/internal/pool"
	"roster/internal/spent"
	"roster/internal/table"
)

const (
	// mostTop is up to how many of the highest members are found by the list of who spent
	// most, without reading the others.
	mostTop = 50
	// besidesTop is how many more of the list are looked at: its order is right to a
	// percent, and who stands right behind may have spent more.
	besidesTop = 20
	// topAtOnce bounds how many members are read at a time.
	topAtOnce = 10
)

// asksForTop reports whether the list of who spent most answers the request: it is one of
// the whole organization, of a month.
func (in ReportRequest) asksForTop(parts []part) bool {
	return (in.GroupBy == "" || in.GroupBy == byUser) && (in.Sort == "" || in.Sort == byCost) &&
		in.User == "" && in.Team == "" && !in.Test && !in.filtered() && in.Limit > 0 && in.Limit <= mostTop && len(parts) == 1 && parts[0].whole
}

// top reports who spent most, however many members there are: half a read unit for the
// list, and for each row. The list is some moments old, and its order right to a percent;
// the figures are exact. The totals are the organization's pool. found is false where the
// list is not longer than what was asked for: then all members are few.
func (s Reports) top(ctx context.Context, org id.Organization, in ReportRequest, parts []part) (out Usage, found bool, err error) {
	name := parts[0].month
	page, err := s.Table.Query(ctx, table.Query{
		PK: spent.Partition(org, name), Descending: true, Settled: true, Limit: int(in.Limit) + besidesTop,
	})
	if err != nil || len(page.Items) <= int(in.Limit) {
		return out, false, err
	}
	entries, err := table.DecodeAll[table.Key](page.Items)
	if err != nil {
		return out, false, err
	}
	last, _ := entries[in.Limit-1].Entry()
	entries = slices.DeleteFunc(entries, func(entry table.Key) bool {
		place, _ := entry.Entry()
		return place < last
	})
	rows := make([]*UsageRow, len(entries))
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(topAtOnce)
	for i, entry := range entries {
		_, user := entry.Entry()
		group.Go(func() (err error) {
			rows[i], err = s.topRow(reading, org, id.User(user), parts)
			return err
		})
	}
	var total pool.State
	group.Go(func() (err error) {
		total, err = pool.Pool{Organization: org, Month: name}.Read(reading, s.Table, s.Now())
		return err
	})
	if err := group.Wait(); err != nil {
		return out, false, err
	}
	for _, row := range rows {
		if row != nil && !row.Counters.IsZero() {
			out.ByMember = append(out.ByMember, *row)
		}
	}
	slices.SortFunc(out.ByMember, in.Sort.compare)
	out.ByMember = out.ByMember[:min(len(out.ByMember), int(in.Limit))]
	used := total.Month.Usage
	out.Totals.Counters = Counters{Requests: used.Requests, Input: TokenCount(used.Input), Output: TokenCount(used.Output), Cost: used.Cost}
	return out, true, nil
}

// topRow reads a member with the month in one query; nil, there is none.
func (s Reports) topRow(ctx context.Context, org id.Organization, user id.User, parts []part) (*UsageRow, error) {
	of := month{user, parts[0].month, false}
	member := table.Member(org, user)
	page, err := s.Table.Query(ctx, table.Query{PK: member.PK, From: of.key(org).SK, To: member.SK, Settled: true})
	if err != nil {
		return nil, err
	}
	var (
		p *person
		t *tally
	)
	for _, item := range page.Items {
		key, err := table.Decode[table.Key](item)
		if err != nil {
			return nil, err
		}
		switch key {
		case member:
			read, err := table.Decode[person](item)
			if err != nil {
				return nil, err
			}
			p = &read
		case of.key(org):
			if t, err = counters(item); err != nil {
				return nil, err
			}
		}
	}
	if p == nil || t == nil {
		return nil, nil
	}
	row := rowOf(user, p, map[month]*tally{of: t}, parts, false)
	return &row, nil
}
