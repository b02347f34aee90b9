// Package export makes files of what lists and reports show, for spreadsheets and other
// systems: CSV (RFC 4180), in which nothing runs, or JSON.
package export

import (
	"github.com/go-json-experiment/json"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/csvfile"
	"roster/internal/env"
	"roster/internal/field"
	"roster/internal/member"
	"roster/internal/route"
	"roster/internal/usage"
)

// Service has the use cases of exports.
type Service struct {
	members member.Service
	reports usage.Reports
}

// Endpoints are the routes of exports.
func Endpoints(e *env.Env) []api.Endpoint {
	s := Service{member.Service{Env: e}, usage.Reports{Env: e}}
	return []api.Endpoint{
		api.Handle(route.ExportMembers, access.Member(e), s.ExportMembers),
		api.Handle(route.ExportUsage, access.Member(e), s.ExportUsage),
		api.Handle(route.ExportCostAllocation, access.Member(e), s.ExportCostAllocation),
	}
}

// file is how an answer is saved: as CSV, where no format is named.
func file(name string, format field.Format, table func() *csvfile.File, next string) *api.File {
	if format == field.JSON {
		return &api.File{Name: name + ".json", Next: next}
	}
	return &api.File{Name: name + ".csv", CSV: table().Bytes(), Next: next}
}

// fits refuses a file that one answer does not hold.
func fits(format field.Format, rows any, table func() *csvfile.File) error {
	length := 0
	if format == field.JSON {
		b, err := json.Marshal(rows)
		if err != nil {
			return err
		}
		length = api.Transported(b)
	} else {
		length = api.Transported(table().Bytes())
	}
	if length > api.MaxAnswer {
		return errTooLarge
	}
	return nil
}

var errTooLarge = func() error {
	f := *api.ErrExport
	f.Detail = "This is more than one answer holds: ask for fewer rows with limit, or for another group_by."
	return &f
}()
