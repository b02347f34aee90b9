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

// Get shows how far a job is, to whoever has the permission that it takes.
func (s Service) Get(ctx context.Context, by access.Actor, in GetRequest) (Answer, error) {
	j, err := s.visible(ctx, by, in.Job)
	if err != nil {
		return Answer{}, err
	}
	return Answer{j.View()}, nil
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
