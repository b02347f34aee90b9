package export

import (
	"context"
	"strconv"
	"strings"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/csvfile"
	"roster/internal/field"
	"roster/internal/usage"
)

// UsageRequest asks for a usage report as a file: all of its rows, where no limit is said.
type UsageRequest struct {
	usage.ReportRequest
	// Format is csv (the default) or json.
	Format field.Format `query:"format" json:"-"`
}

// UsageFile is a usage report, or the job that makes it.
type UsageFile struct {
	Usage *usage.Usage `json:"usage,omitzero"`
	Later
	format field.Format
}

// ExportUsage is the usage report as a file. One of more than 5 MB, or of more months of
// members than a request reads, is made by a job (202): when it is done, its `file.url`
// fetches it.
func (s Service) ExportUsage(ctx context.Context, by access.Actor, in UsageRequest) (UsageFile, error) {
	out, err := s.usageFile(ctx, by, in.Whole(), in.Format)
	large, err := tooMuch(s, in.Format, out, out.table, err)
	if err != nil || !large {
		return out, err
	}
	out.Usage = nil
	out.Later, err = later(ctx, s, by, s.usageJob(), in)
	return out, err
}

func (s Service) usageFile(ctx context.Context, by access.Actor, in usage.ReportRequest, format field.Format) (UsageFile, error) {
	report, err := s.reports.Usage(ctx, by, in)
	return UsageFile{Usage: &report.Usage, format: format}, err
}

func (s Service) usageJob() definition {
	return whole(s, "export_usage", "usage", func(ctx context.Context, by access.Actor, in UsageRequest) (UsageFile, field.Format, error) {
		out, err := s.usageFile(ctx, by, in.Whole().Long(), in.Format)
		return out, in.Format, err
	})
}

// File is the report, to be saved.
func (f UsageFile) File() *api.File { return f.answered("usage", f.format, f.table) }

func (f UsageFile) table() *csvfile.File { return usageTable(*f.Usage) }

var (
	counterColumns = []string{"requests", "input_tokens", "output_tokens", "cost_usd"}
	callColumns    = []string{"requests", "cost_usd"}
)

func counterCells(c usage.Counters) []string {
	return []string{strconv.FormatInt(c.Requests, 10), c.Input.String(), c.Output.String(), c.Cost.String()}
}

func callCells(c usage.Calls) []string {
	return []string{strconv.FormatInt(c.Requests, 10), c.Cost.String()}
}

// usageTable has a column for each member of a report's rows.
func usageTable(u usage.Usage) *csvfile.File {
	table := func(first, further []string) *csvfile.File { return csvfile.New(append(first, further...)...) }
	var t *csvfile.File
	switch {
	case u.ByTeam != nil:
		t = table([]string{"team_id", "name"}, counterColumns)
		for _, row := range u.ByTeam {
			t.Add(append([]string{string(row.Team), string(row.Name)}, counterCells(row.Counters)...)...)
		}
	case u.ByModel != nil:
		t = table([]string{"model"}, callColumns)
		for _, row := range u.ByModel {
			t.Add(append([]string{row.Model}, callCells(row.Calls)...)...)
		}
	case u.ByKey != nil:
		t = table([]string{"user_id", "key_id", "key_mark", "name"}, callColumns)
		for _, row := range u.ByKey {
			t.Add(append([]string{string(row.User), string(row.Key), row.Mark, row.Name}, callCells(row.Calls)...)...)
		}
	case u.ByDay != nil:
		t = table([]string{"date"}, counterColumns)
		for _, row := range u.ByDay {
			date, _ := row.Date.MarshalText()
			t.Add(append([]string{string(date)}, counterCells(row.Counters)...)...)
		}
	case u.ByMonth != nil:
		t = table([]string{"month"}, counterColumns)
		for _, row := range u.ByMonth {
			t.Add(append([]string{row.Month}, counterCells(row.Counters)...)...)
		}
	case u.ByMetadata != nil:
		t = table([]string{"value", "members"}, counterColumns)
		for _, row := range u.ByMetadata {
			t.Add(append([]string{row.Value, strconv.Itoa(row.Members)}, counterCells(row.Counters)...)...)
		}
	default:
		t = table([]string{"user_id", "email", "name", "role", "status"}, append(counterColumns[:len(counterColumns):len(counterColumns)], "top_models"))
		for _, row := range u.ByMember {
			cells := append([]string{string(row.User), row.Email, row.Name, row.Role, string(row.Status)}, counterCells(row.Counters)...)
			t.Add(append(cells, strings.Join(row.TopModels, " "))...)
		}
	}
	return t
}
