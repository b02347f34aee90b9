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

// AllocationFile is who is charged how much, or the job that makes it.
type AllocationFile struct {
	Allocation *usage.Allocation `json:"cost_allocation,omitzero"`
	Later
	format field.Format
}

// ExportCostAllocation sums usage by what members had in their metadata: by their
// department, where nothing else is named. A file of more than 5 MB, or of
// more months of members than a request reads, is made by a job (202): when it is done, its
// `file.url` fetches it.
func (s Service) ExportCostAllocation(ctx context.Context, by access.Actor, in AllocationRequest) (AllocationFile, error) {
	out, err := s.allocationFile(ctx, by, in.AllocationRequest, in.Format)
	large, err := tooMuch(s, in.Format, out, out.table, err)
	if err != nil || !large {
		return out, err
	}
	out.Allocation = nil
	out.Later, err = later(ctx, s, by, s.allocationJob(), in)
	return out, err
}

func (s Service) allocationFile(ctx context.Context, by access.Actor, in usage.AllocationRequest, format field.Format) (AllocationFile, error) {
	out, err := s.reports.Allocate(ctx, by, in)
	return AllocationFile{Allocation: &out.Allocation, format: format}, err
}

func (s Service) allocationJob() definition {
	return whole(s, "export_cost_allocation", "cost-allocation", func(ctx context.Context, by access.Actor, in AllocationRequest) (AllocationFile, field.Format, error) {
		out, err := s.allocationFile(ctx, by, in.Long(), in.Format)
		return out, in.Format, err
	})
}

// File is the allocation, to be saved.
func (f AllocationFile) File() *api.File { return f.answered("cost-allocation", f.format, f.table) }

func (f AllocationFile) table() *csvfile.File { return allocationTable(*f.Allocation) }

func allocationTable(a usage.Allocation) *csvfile.File {
	t := csvfile.New(append([]string{a.GroupBy, "members"}, counterColumns...)...)
	for _, row := range a.Rows {
		t.Add(append([]string{row.Value, strconv.Itoa(row.Members)}, counterCells(row.Counters)...)...)
	}
	return t
}
