package job

import (
	"context"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/page"
	"roster/internal/table"
)

// ResultsRequest asks for a page of a job's results.
type ResultsRequest struct {
	Job id.Job `path:"job_id" json:"-"`
	page.Request
}

// ResultsAnswer is a page of results in the order of the rows. As long as the job
// runs, some may be missing.
type ResultsAnswer struct {
	Results []Result `json:"results"`
	// NextCursor leads to the next page; absent on the last.
	NextCursor string `json:"next_cursor,omitzero"`
}

// Results lists what the rows of a job came to.
func (s Service) Results(ctx context.Context, by access.Actor, in ResultsRequest) (ResultsAnswer, error) {
	j, err := s.visible(ctx, by, in.Job)
	if err != nil {
		return ResultsAnswer{}, err
	}
	items, next, err := page.Read[resultItem](ctx, s.Env, in.Request, table.Query{PK: table.JobResult(j.ID, 0).PK})
	if err != nil {
		return ResultsAnswer{}, err
	}
	out := ResultsAnswer{Results: make([]Result, len(items)), NextCursor: next}
	for n, i := range items {
		if out.Results[n], err = s.result(ctx, by, j, i); err != nil {
			return ResultsAnswer{}, err
		}
	}
	return out, nil
}

// result is an item as the caller sees it: links are for whoever created the job.
func (s Service) result(ctx context.Context, by access.Actor, j Job, i resultItem) (Result, error) {
	r := Result{Index: i.Index, Subject: i.Subject, Status: i.Status, Code: i.Code, Detail: i.Detail}
	if i.Invitation == "" {
		return r, nil
	}
	r.Invitation = &Invitation{ID: i.Invitation}
	if i.Link == "" || by.User() != j.Mandate.User() {
		return r, nil
	}
	keys, err := s.Keys(ctx)
	if err != nil {
		return r, err
	}
	link, err := keys.Open(i.Link, linkUse(j.ID, i.Index))
	r.Invitation.Link = string(link)
	return r, err
}
