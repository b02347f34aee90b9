package job

import (
	"context"
	"fmt"
	"strings"

	"roster/internal/access"
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
		out.Jobs[i] = j.View()
	}
	return out, nil
}
