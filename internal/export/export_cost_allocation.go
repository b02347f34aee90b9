package export

import (
	"context"
	"strconv"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/csvfile"
	"roster/internal/field"
	"roster/internal/usage"
)

// AllocationRequest asks whom the cost of a period is charged to.
type AllocationRequest struct {
	usage.AllocationRequest
	// Format is csv (the default) or json.
	Format field.Format `query:"format" json:"-"`
}

// AllocationFile is who is charged how much.
type AllocationFile struct {
	usage.AllocationAnswer
	format field.Format
}

// ExportCostAllocation sums usage by what members had in their metadata: by their
// department, where nothing else is named.
func (s Service) ExportCostAllocation(ctx context.Context, by access.Actor, in AllocationRequest) (AllocationFile, error) {
	out, err := s.reports.Allocate(ctx, by, in.AllocationRequest)
	if err != nil {
		return AllocationFile{}, err
	}
	return AllocationFile{out, in.Format}, fits(in.Format, out, func() *csvfile.File { return allocationTable(out) })
}

// File is the allocation, to be saved.
func (f AllocationFile) File() *api.File {
	return file("cost-allocation", f.format, func() *csvfile.File { return allocationTable(f.AllocationAnswer) }, "")
}

func allocationTable(out usage.AllocationAnswer) *csvfile.File {
	t := csvfile.New(append([]string{out.Allocation.GroupBy, "members"}, counterColumns...)...)
	for _, row := range out.Allocation.Rows {
		t.Add(append([]string{row.Value, strconv.Itoa(row.Members)}, counterCells(row.Counters)...)...)
	}
	return t
}
