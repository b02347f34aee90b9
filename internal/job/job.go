// Package job does work that is too large for one request, row by row, each row
// exactly once.
//
// What a row came to is an item of its own, written in the transaction of the
// row's change on the condition that there is none. So neither a crash, nor a lost
// answer, nor a repeated event, nor two runners at once does a row twice. The
// lease that a runner holds only saves them from working side by side.
//
// A runner counts the rows that are through from the first on, and writes the
// count down after every batch. The counts follow from the rows' results, so it
// does not matter who wrote them.
package job

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/permission"
	"roster/internal/route"
	"roster/internal/table"
)

// State of a job.
type State string

const (
	// Queued: nothing is done yet.
	Queued State = "queued"
	// Running: some rows may be through.
	Running State = "running"
	// Done: every row is through, whatever each came to.
	Done State = "done"
	// Failed: the job ended before its end; code and detail say why.
	Failed State = "failed"
)

// TTL is how long a job is kept with its input and results.
const TTL = 30 * 24 * time.Hour

// Job is work under way, as the table holds it.
type Job struct {
	ID           id.Job                `dynamodbav:"id"`
	Organization id.Organization       `dynamodbav:"organization"`
	Kind         string                `dynamodbav:"kind"`
	Permission   permission.Permission `dynamodbav:"permission"`
	Mandate      access.Mandate        `dynamodbav:"mandate"`
	Params       string                `dynamodbav:"params"` // JSON
	State        State                 `dynamodbav:"state"`
	// Parts are the numbers of rows in the parts of the input, in order.
	Parts []int `dynamodbav:"parts"`
	// Listing: the rows are still being listed, from Cursor on; of a file, it is the state
	// of the step to come.
	Listing bool   `dynamodbav:"listing"`
	Cursor  string `dynamodbav:"cursor"`
	Total   int    `dynamodbav:"total"`
	// Through is how many rows, from the first on, have a result; Failed and Unchanged
	// are how many of these failed, and had nothing to change.
	Through   int       `dynamodbav:"through"`
	Failed    int       `dynamodbav:"failed"`
	Unchanged int       `dynamodbav:"unchanged"`
	File      *File     `dynamodbav:"file,omitempty"`
	Code      string    `dynamodbav:"code,omitempty"`
	Detail    string    `dynamodbav:"detail,omitempty"`
	CreatedAt time.Time `dynamodbav:"created_at"`
	StartedAt time.Time `dynamodbav:"started_at,omitempty"`
	EndedAt   time.Time `dynamodbav:"ended_at,omitempty"`
	TTL       int64     `dynamodbav:"ttl"`
}

func (j Job) key() table.Key { return table.Job(j.Organization, j.ID) }

// ErrNotFound is also the answer to whoever lacks the permission that the job takes.
var ErrNotFound = fault.New(fault.NotFound, "job_not_found", "There is no such job.")

// get reads a job; nil if there is none.
func get(ctx context.Context, t *table.Table, org id.Organization, job id.Job) (*Job, error) {
	var j *Job
	err := t.Get(ctx, table.Into(table.Job(org, job), &j))
	return j, err
}

// View is a job as its organization sees it.
type View struct {
	ID       id.Job   `json:"id"`
	Kind     string   `json:"kind"`
	State    State    `json:"state"`
	Progress Progress `json:"progress"`
	// Code and Detail say why a job failed as a whole.
	Code      string    `json:"code,omitzero"`
	Detail    string    `json:"detail,omitzero"`
	CreatedBy id.User   `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	// File is what the job made, as long as it is kept.
	File *FileView `json:"file,omitzero"`
}

// Progress counts rows.
type Progress struct {
	// Done are the rows that are through, those that failed and those in which there
	// was nothing to change included.
	Done      int `json:"done"`
	Failed    int `json:"failed"`
	Unchanged int `json:"unchanged"`
	// Total may grow while the job is still listing what it acts on.
	Total int `json:"total"`
}

// View is the job as its organization sees it now.
func (j Job) View(now time.Time) View {
	return View{
		ID: j.ID, Kind: j.Kind, State: j.State, Progress: Progress{j.Through, j.Failed, j.Unchanged, j.Total},
		Code: j.Code, Detail: j.Detail, CreatedBy: j.Mandate.User(),
		CreatedAt: j.CreatedAt, StartedAt: j.StartedAt, EndedAt: j.EndedAt, File: j.File.view(now),
	}
}

// Answer is one job.
type Answer struct {
	Job View `json:"job"`
}

// Service has the use cases of who waits for a job.
type Service struct{ *env.Env }

// Endpoints are the routes of jobs.
func Endpoints(e *env.Env) []api.Endpoint {
	s := Service{e}
	return []api.Endpoint{
		api.Handle(route.ListJobs, access.Member(e), s.List),
		api.Handle(route.GetJob, access.Member(e), s.Get),
		api.Handle(route.ListJobResults, access.Member(e), s.Results),
	}
}

// created is the Write of the audit event of a new job.
func created(by access.Actor, j Job) table.Write {
	return audit.Record(j.CreatedAt, j.Organization, audit.Event{
		Action: audit.JobCreated, Actor: audit.Member(by), Target: string(j.ID),
		After: map[string]any{"kind": j.Kind, "total": j.Total},
	})
}
