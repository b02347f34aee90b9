package job

import (
	"context"

	"roster/internal/access"
	"roster/internal/id"
)

// GetRequest names a job.
type GetRequest struct {
	Job id.Job `path:"job_id" json:"-"`
}

// Get shows how far a job is, to whoever has the permission that it takes, and to
// its creator where the file is fetched that it made.
func (s Service) Get(ctx context.Context, by access.Actor, in GetRequest) (Answer, error) {
	j, err := s.visible(ctx, by, in.Job)
	if err != nil {
		return Answer{}, err
	}
	out := Answer{j.View(s.Now())}
	if out.Job.File != nil && j.Mandate.User() == by.User() {
		err = out.Job.File.link(ctx, s.Env, *j.File)
	}
	return out, err
}

// visible reads a job that the caller may see.
func (s Service) visible(ctx context.Context, by access.Actor, job id.Job) (Job, error) {
	j, err := get(ctx, s.Table, by.Organization(), job)
	if err != nil {
		return Job{}, err
	}
	if j == nil || !by.Can(j.Permission) {
		return Job{}, ErrNotFound
	}
	return *j, nil
}
