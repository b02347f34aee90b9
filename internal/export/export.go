// Package export makes files of what lists and reports show, for spreadsheets and other
// systems: CSV (RFC 4180), in which nothing runs, or JSON. A file that is more than one
// answer holds is made by a job, whose link then fetches it.
package export

import (
	"errors"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/csvfile"
	"roster/internal/env"
	"roster/internal/field"
	"roster/internal/file"
	"roster/internal/job"
	"roster/internal/member"
	"roster/internal/route"
	"roster/internal/usage"
)

// Service has the use cases of exports.
type Service struct {
	*env.Env
	members member.Service
	reports usage.Reports
	// held is how long a file in an answer is, Transported, and part how long one of a
	// job's parts is at least.
	held, part int
}

func newService(e *env.Env) Service {
	return Service{e, member.Service{Env: e}, usage.Reports{Env: e}, api.MaxAnswer, file.PartSize}
}

// Endpoints are the routes of exports.
func Endpoints(e *env.Env) []api.Endpoint { return newService(e).endpoints() }

func (s Service) endpoints() []api.Endpoint {
	return []api.Endpoint{
		api.Handle(route.ExportMembers, access.Member(s.Env), s.ExportMembers),
		api.Handle(route.ExportUsage, access.Member(s.Env), s.ExportUsage),
		api.Handle(route.ExportCostAllocation, access.Member(s.Env), s.ExportCostAllocation),
	}
}

// Jobs make the files that are more than one answer holds.
func Jobs(e *env.Env) []job.Kind { return newService(e).jobs() }

func (s Service) jobs() []job.Kind {
	return []job.Kind{s.membersJob().Kind(), s.usageJob().Kind(), s.allocationJob().Kind()}
}

// Later is the job that makes the file, where it is more than one answer holds: when it is
// done, it has the file's link.
type Later struct {
	Job *job.View `json:"job,omitzero"`
}

// StatusCode is 202 where a job makes the file.
func (l Later) StatusCode() int {
	if l.Job != nil {
		return 202
	}
	return 200
}

// saved is how an answer, or a file, is saved.
func saved(name string, format field.Format) (as, mediaType string) {
	if format == field.JSON {
		return name + ".json", "application/json"
	}
	return name + ".csv", api.CSV
}

// answered is how an answer is saved that the job does not make.
func (l Later) answered(name string, format field.Format, table func() *csvfile.File) *api.File {
	if l.Job != nil {
		return nil
	}
	as, mediaType := saved(name, format)
	if mediaType == api.CSV {
		return &api.File{Name: as, CSV: table().Bytes()}
	}
	return &api.File{Name: as}
}

// content is a file as it is saved.
func content[Out any](format field.Format, out Out, table func() *csvfile.File) ([]byte, error) {
	if format == field.JSON {
		return api.Body(out)
	}
	return table().Bytes(), nil
}

// tooMuch reports whether a job has to make a file: one answer does not hold it, or to make
// it takes longer than a request (err).
func tooMuch[Out any](s Service, format field.Format, out Out, table func() *csvfile.File, err error) (bool, error) {
	if err != nil {
		if errors.Is(err, usage.ErrLong) {
			return true, nil
		}
		return false, err
	}
	b, err := content(format, out, table)
	return api.Transported(b) > s.held, err
}
