package export

import (
	"context"
	"errors"
	"slices"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/csvfile"
	"roster/internal/field"
	"roster/internal/file"
	"roster/internal/job"
	"roster/internal/permission"
)

// params are what a job is told: the query of the request.
type params struct {
	Query string `json:"query"`
}

// definition is a job that makes files.
type definition = job.Definition[params, struct{}]

func define(name string, build func(context.Context, job.Task[params], string) (job.Step, error)) definition {
	return definition{
		Name: name, Permission: permission.ReportsExport,
		Build: func(ctx context.Context, t job.Task[params], state string) (job.Step, error) {
			step, err := build(ctx, t, state)
			if errors.Is(err, file.ErrGone) {
				return job.Step{}, nil // from the beginning: what was written is not there any more
			}
			return step, err
		},
	}
}

// later lets a job make the file that was asked for. The same is asked for once at a time.
func later[In any](ctx context.Context, s Service, by access.Actor, d definition, in In) (Later, error) {
	p := params{api.Query(in)}
	open, err := d.Open(ctx, s.Env, by, p)
	if err != nil || open != nil {
		return Later{open}, err
	}
	j, writes, err := d.Submit(ctx, s.Env, by, p, nil)
	if err != nil {
		return Later{}, err
	}
	return api.Commit(ctx, s.Table, Later{new(j.View(s.Now()))}, writes...)
}

// upload is a file under way.
type upload struct {
	file.Upload
	Tags  []string `json:"tags,omitzero"`
	Bytes int64    `json:"bytes,omitzero"`
}

// begun is the file of a task, begun where it is not.
func (s Service) begun(ctx context.Context, t job.Task[params], u upload) (upload, error) {
	if u.ID != "" {
		return u, nil
	}
	begun, err := s.Files.Begin(ctx, "exports/"+string(t.Organization)+"/"+string(t.Job))
	return upload{Upload: begun}, err
}

// write adds content, in one part: but for the last, at least file.PartSize of it.
func (s Service) write(ctx context.Context, u upload, content []byte) (upload, error) {
	tag, err := s.Files.Write(ctx, u.Upload, len(u.Tags)+1, content)
	u.Tags, u.Bytes = append(slices.Clip(u.Tags), tag), u.Bytes+int64(len(content))
	return u, err
}

// finish is the last step of a file with so many rows.
func (s Service) finish(ctx context.Context, u upload, name string, format field.Format, rows int) (job.Step, error) {
	as, mediaType := saved(name, format)
	made := job.File{Saved: file.Saved{Key: u.Key, Name: as, Type: mediaType}, Bytes: u.Bytes, MadeAt: s.Now()}
	return job.Step{Rows: rows, File: &made}, s.Files.Finish(ctx, u.Upload, u.Tags)
}

// whole is a job whose file is made in one step.
func whole[In any, Out interface{ table() *csvfile.File }](
	s Service, kind, name string, make func(context.Context, access.Actor, In) (Out, field.Format, error),
) definition {
	return define(kind, func(ctx context.Context, t job.Task[params], _ string) (job.Step, error) {
		in, err := api.ReadQuery[In](t.Params.Query)
		if err != nil {
			return job.Step{}, err
		}
		out, format, err := make(ctx, t.By, in)
		if err != nil {
			return job.Step{}, err
		}
		rows := out.table()
		content, err := content(format, out, func() *csvfile.File { return rows })
		if err != nil {
			return job.Step{}, err
		}
		u, err := s.begun(ctx, t, upload{})
		if err != nil {
			return job.Step{}, err
		}
		for part := range slices.Chunk(content, s.part) {
			if u, err = s.write(ctx, u, part); err != nil {
				return job.Step{}, err
			}
		}
		return s.finish(ctx, u, name, format, rows.Len())
	})
}
