package export

import (
	"context"
	"errors"
	"strconv"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/csvfile"
	"roster/internal/field"
	"roster/internal/job"
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
	out, err := s.allocationFile(ctx, by, in, in.AllocationRequest)
	if err != nil && !errors.Is(err, usage.ErrLong) {
		return AllocationFile{}, err
	}
	if err == nil {
		if fits, err := fits(s, in.Format, out, out.table); err != nil || fits {
			return out, err
		}
	}
	out.Allocation = nil
	out.Later, err = later(ctx, s, by, s.allocationJob(), in)
	return out, err
}

func (s Service) allocationFile(ctx context.Context, by access.Actor, in AllocationRequest, asked usage.AllocationRequest) (AllocationFile, error) {
	out, err := s.reports.Allocate(ctx, by, asked)
	return AllocationFile{Allocation: &out.Allocation, format: in.Format}, err
}

func (s Service) allocationJob() definition {
	return define("export_cost_allocation", func(ctx context.Context, t job.Task[params], _ string) (job.Step, error) {
		in, err := api.ReadQuery[AllocationRequest](t.Params.Query)
		if err != nil {
			return job.Step{}, err
		}
		out, err := s.allocationFile(ctx, t.By, in, in.AllocationRequest.Long())
		if err != nil {
			return job.Step{}, err
		}
		content, err := content(in.Format, out, out.table)
		if err != nil {
			return job.Step{}, err
		}
		return s.whole(ctx, t, "cost-allocation", in.Format, len(out.Allocation.Rows), content)
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
