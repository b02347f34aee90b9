package job

import (
	"context"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"

	"roster/internal/access"
	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/table"
)

// submitters is how many parts of an input are written at once.
const submitters = 4

// Submit stores the rows of a new job, and returns it with the Writes that let it
// run: they go into the caller's Commit. Without rows, a job of a kind that has a
// List lists them itself. What is stored of a job that is never committed is deleted in time.
func (d Definition[Params, Row]) Submit(ctx context.Context, e *env.Env, by access.Actor, params Params, rows []Row) (Job, []table.Write, error) {
	now := e.Now()
	encoded, err := json.Marshal(params)
	if err != nil {
		return Job{}, nil, err
	}
	j := Job{
		ID: id.NewJob(now), Organization: by.Organization(), Kind: d.Name, Permission: d.Permission,
		Mandate: by.Mandate(), Params: string(encoded), State: Queued, Listing: d.List != nil && len(rows) == 0,
		Total: len(rows), CreatedAt: now, TTL: now.Add(TTL).Unix(),
	}
	raw, err := marshal(rows)
	if err != nil {
		return Job{}, nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(submitters)
	for n, rows := range split(raw) {
		j.Parts = append(j.Parts, len(rows))
		group.Go(func() error {
			write, err := j.writePart(n, rows)
			if err != nil {
				return err
			}
			return e.Table.Transact(ctx, write)
		})
	}
	if err := group.Wait(); err != nil {
		return Job{}, nil, err
	}
	return j, []table.Write{
		{Key: j.key(), Put: j, If: table.Absent},
		newCall(j, now, 0).put(),
		created(by, j),
	}, nil
}

// Open is the newest job of the kind with these params that the caller created and that
// is not at its end; nil, there is none among the organization's newest jobs.
func (d Definition[Params, Row]) Open(ctx context.Context, e *env.Env, by access.Actor, params Params) (*View, error) {
	encoded, err := json.Marshal(params)
	if err != nil {
		return nil, err
	}
	jobs, err := openBy(ctx, e, by.Organization(), by.User())
	for _, j := range jobs {
		if j.Kind == d.Name && j.Params == string(encoded) {
			return new(j.View(e.Now())), nil
		}
	}
	return nil, err
}
