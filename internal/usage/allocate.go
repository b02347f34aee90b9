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
	// long: it may take longer than a request.
	long bool
}

// Long is the request where it may take longer than one.
func (in AllocationRequest) Long() AllocationRequest {
	in.long = true
	return in
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
	r := reckoning{in: ReportRequest{GroupBy: GroupBy(metadataPrefix + name), whole: true, long: in.long}, parts: period.parts(), zone: by.Location(), out: Usage{
		Excluded: new(Excluded), Totals: Totals{Members: new(int)},
	}}
	months, err := s.months(ctx, by.Organization(), r.in, r.parts)
	if err != nil {
		return AllocationAnswer{}, err
	}
	if err := s.reckon(ctx, by.Organization(), months, &r); err != nil {
		return AllocationAnswer{}, err
	}
	if len(r.values) == 1 && r.values[""] != nil && in.GroupBy != "" {
		return AllocationAnswer{}, errNoMetadata
	}
	return AllocationAnswer{Allocation{Period: period, GroupBy: name, Rows: metadataRows(r.in, r.values), Totals: r.out.Totals}}, nil
}
