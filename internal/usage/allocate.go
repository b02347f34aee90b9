package usage

import (
	"cmp"
	"context"
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

// Allocation has a row for each value, the costliest first. Who changed theirs has used in
// the old one what they used until the end of that day.
type Allocation struct {
	Period  Period          `json:"period"`
	GroupBy string          `json:"group_by"`
	Rows    []AllocationRow `json:"rows"`
	Totals  Totals          `json:"totals"`
}

var errNoMetadata = fault.InvalidParameter("group_by", "is in the metadata of nobody who used models in the period")

// Allocate sums a period by what members had in their metadata on each of its days.
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
	sums, err := s.byMetadata(ctx, by.Organization(), found, parts, ReportRequest{}, name, by.Location())
	if err != nil {
		return AllocationAnswer{}, err
	}
	out := Allocation{Period: period, GroupBy: name, Rows: []AllocationRow{}, Totals: Totals{Members: new(int)}}
	for user, p := range found.people {
		if used := rowOf(user, p, found.tallies, parts, false).Counters; !used.IsZero() {
			*out.Totals.Members++
			out.Totals.Counters = out.Totals.plus(used)
		}
	}
	if len(sums) == 1 && sums[""] != nil && in.GroupBy != "" {
		return AllocationAnswer{}, errNoMetadata
	}
	out.Rows = metadataRows(ReportRequest{whole: true}, sums)
	return AllocationAnswer{out}, nil
}
