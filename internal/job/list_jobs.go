package job

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"roster/internal/access"
	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/page"
	"roster/internal/table"
)

// ListRequest asks for a page of jobs.
type ListRequest struct{ page.Request }

// ListAnswer is a page of jobs, the newest first.
type ListAnswer struct {
	Jobs []View `json:"jobs"`
	// NextCursor leads to the next page; absent on the last.
	NextCursor string `json:"next_cursor,omitzero"`
}

// List lists the organization's jobs of the last 30 days that the caller may see:
// those that take a permission which they have.
func (s Service) List(ctx context.Context, by access.Actor, in ListRequest) (ListAnswer, error) {
	q := table.Query{PK: table.Job(by.Organization(), "").PK, Descending: true, Values: table.V{}}
	var names []string
	for i, p := range by.Permissions().List() {
		name := fmt.Sprintf("p%d", i)
		q.Values[name] = p
		names = append(names, ":"+name)
	}
	if names == nil {
		return ListAnswer{Jobs: []View{}}, nil
	}
	q.Filter = "#permission IN (" + strings.Join(names, ", ") + ")"
	jobs, next, err := page.Read[Job](ctx, s.Env, in.Request, q)
	if err != nil {
		return ListAnswer{}, err
	}
	out := ListAnswer{Jobs: make([]View, len(jobs)), NextCursor: next}
	for i, j := range jobs {
		out.Jobs[i] = j.View(s.Now())
	}
	return out, nil
}

// openShown is how many of an organization's newest jobs are looked at for open ones.
const openShown = 100

// OpenBy lists those of an organization's newest jobs that a member created and that
// are not at their end.
func OpenBy(ctx context.Context, e *env.Env, org id.Organization, user id.User) ([]View, error) {
	jobs, err := openBy(ctx, e, org, user)
	open := make([]View, len(jobs))
	for i, j := range jobs {
		open[i] = j.View(e.Now())
	}
	return open, err
}

func openBy(ctx context.Context, e *env.Env, org id.Organization, user id.User) ([]Job, error) {
	page, err := e.Table.Query(ctx, table.Query{PK: table.Job(org, "").PK, Descending: true, Limit: openShown})
	if err != nil {
		return nil, err
	}
	jobs, err := table.DecodeAll[Job](page.Items)
	return slices.DeleteFunc(jobs, func(j Job) bool {
		return j.Mandate.User() != user || j.State != Queued && j.State != Running
	}), err
}
