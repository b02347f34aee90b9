package job

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/id"
	"roster/internal/permission"
	"roster/internal/table"
)

// Definition is one kind of job. Params is what a job is told once, and Row what it
// is told for each row; both are kept as JSON.
type Definition[Params, Row any] struct {
	// Name is the kind as the API shows it; it is stored, and never renamed.
	Name string
	// Permission is what it takes to see such a job. Its creator must still have it
	// when a row is done.
	Permission permission.Permission
	// Settled: the creator's right was settled when the job was made, and is not
	// asked for again: for what takes away the very membership that it rests on.
	// Task.By is then nobody, and may do nothing.
	Settled bool

	// Subject tells whom a row is about.
	Subject func(Row) Subject
	// Do decides what a row changes. Its Writes are made in one transaction with
	// the row's result; where they fail with table.ErrChanged, it decides anew. A
	// fault is the row's failure, but for one of kind Unavailable, after which the
	// row is tried again later.
	Do func(context.Context, Task[Params], Row) (Outcome, []table.Write, error)

	// List, where set, finds the rows of a job that was submitted without any, page
	// by page, before the first of them is done: at most 1,000 from cursor on, which
	// is empty at first, and the next cursor, which is empty at the end.
	List func(ctx context.Context, t Task[Params], cursor string) (rows []Row, next string, err error)
	// Build, where set, makes a file in place of doing rows: step by step, each within the time
	// of one invocation. The first gets no state, every other that of the one before; a step
	// whose end is not known is made again.
	Build func(ctx context.Context, t Task[Params], state string) (Step, error)
	// Finish, where set, returns what is to be written with the end of the job. A
	// fault ends the job as failed.
	Finish func(context.Context, Task[Params]) ([]table.Write, error)
}

// Task is a job as its kind sees it.
type Task[Params any] struct {
	Job          id.Job
	Organization id.Organization
	// By is who created the job, with the rights that they have now.
	By access.Actor
	// Mandate names the creator, for audit events of a Settled kind.
	Mandate access.Mandate
	Params  Params
}

// Subject is whom a row is about: an address or a member.
type Subject struct {
	Email email.Address `json:"email,omitzero" dynamodbav:"email,omitempty"`
	User  id.User       `json:"user_id,omitzero" dynamodbav:"user,omitempty"`
}

// Outcome is what a row came to that did not fail.
type Outcome struct {
	// Unchanged: there was nothing to change.
	Unchanged bool
	// Code and Detail say more, where there is more than one way to come to it.
	Code, Detail string
	// Invitation that was made or found, and the link that was made with it.
	Invitation id.Invitation
	Link       string
}

// Step is how far a file is.
type Step struct {
	// State goes on with the next step.
	State string
	// Rows are in the file by now.
	Rows int
	// File is set by the last step.
	File *File
}

// Kind is a Definition whatever its types.
type Kind struct {
	name    string
	settled bool
	subject func(row jsontext.Value) (Subject, error)
	do      func(ctx context.Context, t Task[jsontext.Value], row jsontext.Value) (Outcome, []table.Write, error)
	list    func(ctx context.Context, t Task[jsontext.Value], cursor string) ([]jsontext.Value, string, error)
	build   func(ctx context.Context, t Task[jsontext.Value], state string) (Step, error)
	finish  func(ctx context.Context, t Task[jsontext.Value]) ([]table.Write, error)
}

// Kind makes the definition ready to run.
func (d Definition[Params, Row]) Kind() Kind {
	k := Kind{
		name: d.Name, settled: d.Settled,
		subject: func(raw jsontext.Value) (Subject, error) {
			var row Row
			if err := json.Unmarshal(raw, &row); err != nil || d.Subject == nil {
				return Subject{}, err
			}
			return d.Subject(row), nil
		},
		do: func(ctx context.Context, t Task[jsontext.Value], raw jsontext.Value) (Outcome, []table.Write, error) {
			task, err := typed[Params](t)
			if err != nil {
				return Outcome{}, nil, err
			}
			var row Row
			if err := json.Unmarshal(raw, &row); err != nil {
				return Outcome{}, nil, err
			}
			return d.Do(ctx, task, row)
		},
	}
	if d.List != nil {
		k.list = func(ctx context.Context, t Task[jsontext.Value], cursor string) ([]jsontext.Value, string, error) {
			task, err := typed[Params](t)
			if err != nil {
				return nil, "", err
			}
			rows, next, err := d.List(ctx, task, cursor)
			if err != nil {
				return nil, "", err
			}
			raw, err := marshal(rows)
			return raw, next, err
		}
	}
	if d.Build != nil {
		k.build = func(ctx context.Context, t Task[jsontext.Value], state string) (Step, error) {
			task, err := typed[Params](t)
			if err != nil {
				return Step{}, err
			}
			return d.Build(ctx, task, state)
		}
	}
	if d.Finish != nil {
		k.finish = func(ctx context.Context, t Task[jsontext.Value]) ([]table.Write, error) {
			task, err := typed[Params](t)
			if err != nil {
				return nil, err
			}
			return d.Finish(ctx, task)
		}
	}
	return k
}

func typed[Params any](t Task[jsontext.Value]) (Task[Params], error) {
	task := Task[Params]{Job: t.Job, Organization: t.Organization, By: t.By, Mandate: t.Mandate}
	err := json.Unmarshal(t.Params, &task.Params)
	return task, err
}

// MaxRow bounds a row as JSON, in bytes.
const MaxRow = 64 << 10

func marshal[Row any](rows []Row) ([]jsontext.Value, error) {
	all := make([]jsontext.Value, len(rows))
	for i, row := range rows {
		raw, err := json.Marshal(row)
		if err != nil {
			return nil, err
		}
		if len(raw) > MaxRow {
			return nil, fmt.Errorf("job: row %d has %d bytes", i, len(raw))
		}
		all[i] = raw
	}
	return all, nil
}
