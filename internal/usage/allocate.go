package usage

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"roster/internal/access"
	"roster/internal/calendar"
	"roster/internal/fault"
	"roster/internal/field"
)

// AllocationRequest asks whom the cost of a period is charged to.
type AllocationRequest struct {
	// GroupBy is a member of the metadata, as cost_center or metadata.cost_center; the
	// department, where it is not said.
	GroupBy field.Label   `query:"group_by" json:"-"`
	Start   calendar.Date `query:"start_date" json:"-"`
	End     calendar.Date `query:"end_date" json:"-"`
}

// AllocationAnswer is who is charged how much.
type AllocationAnswer struct {
	Allocation Allocation `json:"cost_allocation"`
}

// Allocation has a row for each value that members have now, the costliest first.
type Allocation struct {
	Period  Period          `json:"period"`
	GroupBy string          `json:"group_by"`
	Rows    []AllocationRow `json:"rows"`
	Totals  Totals          `json:"totals"`
}

// AllocationRow is what those used who have a value; an empty one, of those who have none.
type AllocationRow struct {
	Value   string `json:"value"`
	Members int    `json:"members"`
	Counters
}

var errNoMetadata = fault.InvalidParameter("group_by", "is in the metadata of nobody who used models in the period")

// Allocate sums a period by what members have in their metadata now.
func (s Reports) Allocate(ctx context.Context, by access.Actor, in AllocationRequest) (AllocationAnswer, error) {
	name := cmp.Or(strings.TrimPrefix(string(in.GroupBy), "metadata."), "department")
	period, err := period(in.Start, in.End, s.Now().In(by.Location()))
	if err != nil {
		return AllocationAnswer{}, err
	}
	parts := period.parts()
	months, err := s.months(ctx, by.Organization(), ReportRequest{}, parts)
	if err != nil {
		return AllocationAnswer{}, err
	}
	found, err := readState(ctx, s.Table, by.Organization(), months)
	if err != nil {
		return AllocationAnswer{}, err
	}
	sums := map[string]*AllocationRow{}
	out := Allocation{Period: period, GroupBy: name, Rows: []AllocationRow{}, Totals: Totals{Members: new(int)}}
	for user, p := range found.people {
		used := rowOf(user, p, found.tallies, parts, false).Counters
		if used.IsZero() {
			continue
		}
		value := p.Metadata.Text(name)
		if sums[value] == nil {
			sums[value] = &AllocationRow{Value: value}
		}
		row := sums[value]
		row.Members, row.Counters = row.Members+1, row.plus(used)
		*out.Totals.Members++
		out.Totals.Counters = out.Totals.plus(used)
	}
	if len(sums) == 1 && sums[""] != nil && in.GroupBy != "" {
		return AllocationAnswer{}, errNoMetadata
	}
	for _, row := range sums {
		out.Rows = append(out.Rows, *row)
	}
	slices.SortFunc(out.Rows, func(a, b AllocationRow) int {
		return cmp.Or(cmp.Compare(b.Cost, a.Cost), cmp.Compare(a.Value, b.Value))
	})
	return AllocationAnswer{out}, nil
}
