package arrange

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/spent"
	"roster/internal/table"
	"roster/internal/usage"
)

// Rearranging asks to compare an organization's lists with the items, and to mend
// them.
type Rearranging struct {
	Organization id.Organization `json:"organization"`
	// Next is that of the answer before; without it, the work begins.
	Next *Position `json:"next,omitempty"`
}

// Rearranged says how far the work came in one go.
type Rearranged struct {
	// Checked is how many items and entries were looked at; Missing, how many entries
	// had to be put, and Surplus, how many had to be removed.
	Checked int `json:"checked"`
	Missing int `json:"missing"`
	Surplus int `json:"surplus"`
	// Next goes on; absent, all is done.
	Next *Position `json:"next,omitempty"`
}

// Position is where the work goes on.
type Position struct {
	Step  int               `json:"step"`
	Start map[string]string `json:"start,omitempty"`
}

var errNoOrganization = errors.New("arrange: there is no such organization")

const (
	// atOnce is how many items or entries are compared at once.
	atOnce = 100
	// inReserve is what is kept of a function's time for the answer.
	inReserve = 10 * time.Second
)

// Rearrange puts the entries that an organization's items should have and have not,
// and removes those that lead to nothing, but of lists of teams; neither is shown
// anyway. It may run beside Stream, and at any time again. However little time there
// is, it comes further.
func (s Service) Rearrange(ctx context.Context, in Rearranging) (Rearranged, error) {
	o, err := organization.Get(ctx, s.Table, in.Organization)
	if err != nil {
		return Rearranged{}, err
	}
	if o == nil {
		return Rearranged{}, errNoOrganization
	}
	var (
		out   Rearranged
		steps = s.steps(*o)
		at    Position
	)
	if in.Next != nil {
		at = *in.Next
	}
	for further := false; at.Step < len(steps); further = true {
		if deadline, ok := ctx.Deadline(); further && ok && time.Until(deadline) < inReserve {
			out.Next = &at
			return out, nil
		}
		step := steps[at.Step]
		step.query.Limit, step.query.Start = atOnce, item(at.Start)
		page, err := s.Table.Query(ctx, step.query)
		if err != nil {
			return out, err
		}
		if err := step.mend(ctx, page.Items, &out); err != nil {
			return out, err
		}
		out.Checked += len(page.Items)
		if at.Start = plain(page.Next); at.Start == nil {
			at.Step++
		}
	}
	return out, nil
}

// step is a range of items or of entries, and how they are mended.
type step struct {
	query table.Query
	mend  func(ctx context.Context, items []table.Item, out *Rearranged) error
}

// steps are first the items that have entries, then the lists, then events.
func (s Service) steps(o organization.Organization) []step {
	items := []step{
		{table.Query{Index: table.ListIndex, PK: member.ListPartition(o.ID)}, s.putMissing},
		{table.Query{Index: table.StateIndex, PK: member.StatePartition(o.ID, "removed")}, s.putMissing},
	}
	var lists, reported []step
	roles := []string{}
	for _, role := range permission.BuiltIn {
		roles = append(roles, role.Name)
	}
	for role := range o.Roles {
		roles = append(roles, role)
	}
	slices.Sort(roles)
	for _, partition := range member.Partitions(o.ID, roles) {
		lists = append(lists, step{table.Query{PK: partition}, s.removeSurplus(func(reference string) table.Key {
			return member.Referenced(o.ID, reference)
		})})
	}
	zone := o.TimeZone.Location()
	first, last := o.CreatedAt.In(zone), spent.Month(s.Now(), zone)
	for begin := time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, zone); ; begin = begin.AddDate(0, 1, 0) {
		month := spent.Month(begin, zone)
		if month > last {
			break
		}
		items = append(items, step{table.Query{Index: table.StateIndex, PK: spent.UsersPartition(o.ID, month)}, s.putMissing})
		for _, users := range []string{spent.UsersPartition(o.ID, month), spent.TestUsersPartition(o.ID, month)} {
			reported = append(reported, step{table.Query{Index: table.StateIndex, PK: users}, s.listOwnEvents})
		}
		lists = append(lists, step{table.Query{PK: spent.Partition(o.ID, month)}, s.removeSurplus(func(reference string) table.Key {
			return table.MemberMonth(o.ID, id.User(reference), month)
		})})
	}
	for partition := range table.EventPartitions(o.ID) {
		reported = append(reported, step{table.Query{PK: partition, Settled: true}, s.listEvents})
	}
	return slices.Concat(items, lists, reported)
}

// listEvents lists those events of members that are not listed.
func (s Service) listEvents(ctx context.Context, items []table.Item, out *Rearranged) error {
	missing, err := usage.EventList{Env: s.Env}.Mend(ctx, items)
	out.Missing += missing
	return err
}

// listOwnEvents does so with what members reported without usage:write, whose months these are.
func (s Service) listOwnEvents(ctx context.Context, months []table.Item, out *Rearranged) error {
	keys, err := table.DecodeAll[table.Key](months)
	if err != nil {
		return err
	}
	for _, key := range keys {
		org, user, ok := key.Member()
		if !ok {
			continue
		}
		for _, partition := range []string{table.OwnUsageEvent(org, user, "").PK, table.OwnTestUsageEvent(org, user, "").PK} {
			items, err := s.Table.QueryAll(ctx, table.Query{PK: partition, Settled: true})
			if err != nil {
				return err
			}
			if err := s.listEvents(ctx, items, out); err != nil {
				return err
			}
		}
	}
	return nil
}

// putMissing puts the entries that items should have and have not.
func (s Service) putMissing(ctx context.Context, items []table.Item, out *Rearranged) error {
	keys, err := table.DecodeAll[table.Key](items)
	if err != nil {
		return err
	}
	wanted, err := s.wanted(ctx, keys)
	if err != nil {
		return err
	}
	var missing []table.Key
	found := make([]table.Item, len(wanted))
	reads := make([]table.Read, len(wanted))
	for i, entry := range wanted {
		reads[i] = table.Raw(entry, &found[i])
	}
	if err := s.Table.Get(ctx, reads...); err != nil {
		return err
	}
	for i, entry := range wanted {
		if found[i] == nil {
			missing = append(missing, entry)
		}
	}
	out.Missing += len(missing)
	return s.Table.Place(ctx, missing, nil)
}

// removeSurplus removes the entries that the items to which they lead have no more.
func (s Service) removeSurplus(of func(reference string) table.Key) func(context.Context, []table.Item, *Rearranged) error {
	return func(ctx context.Context, items []table.Item, out *Rearranged) error {
		entries, err := table.DecodeAll[table.Key](items)
		if err != nil {
			return err
		}
		surplus, _, err := s.compare(ctx, entries, of)
		if err != nil || len(surplus) == 0 {
			return err
		}
		out.Surplus += len(surplus)
		if err := s.Table.Place(ctx, nil, surplus); err != nil {
			return err
		}
		// An item may have changed meanwhile, and Stream put before this removed.
		_, back, err := s.compare(ctx, surplus, of)
		if err != nil {
			return err
		}
		return s.Table.Place(ctx, back, nil)
	}
}

// compare divides entries by whether the items to which they lead have them.
func (s Service) compare(ctx context.Context, listed []table.Key, of func(reference string) table.Key) (surplus, wanted []table.Key, err error) {
	var keys []table.Key
	for _, entry := range listed {
		_, reference := entry.Entry()
		keys = append(keys, of(reference))
	}
	all, err := s.wanted(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	for _, entry := range listed {
		if slices.Contains(all, entry) {
			wanted = append(wanted, entry)
		} else {
			surplus = append(surplus, entry)
		}
	}
	return surplus, wanted, nil
}

// wanted are the entries that items should have, as the items are now.
func (s Service) wanted(ctx context.Context, keys []table.Key) ([]table.Key, error) {
	items := make([]table.Item, len(keys))
	reads := make([]table.Read, len(keys))
	for i, key := range keys {
		reads[i] = table.Raw(key, &items[i])
	}
	if err := s.Table.Get(ctx, reads...); err != nil {
		return nil, err
	}
	var all []table.Key
	for i, key := range keys {
		has, err := entries(key, items[i])
		if err != nil {
			return nil, err
		}
		all = append(all, has...)
	}
	return all, nil
}

// plain and item turn a query's Start, whose values are strings, into JSON and back.
func plain(start table.Item) map[string]string {
	if start == nil {
		return nil
	}
	out := make(map[string]string, len(start))
	for name, value := range start {
		out[name] = value.(*types.AttributeValueMemberS).Value // every key of the table is a string
	}
	return out
}

func item(start map[string]string) table.Item {
	if start == nil {
		return nil
	}
	out := make(table.Item, len(start))
	for name, value := range start {
		out[name] = &types.AttributeValueMemberS{Value: value}
	}
	return out
}
