package export

import (
	"context"
	"errors"
	"slices"

	"github.com/go-json-experiment/json"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/csvfile"
	"roster/internal/fault"
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

// progress is how far a job is, and how often it began again.
type progress struct {
	State string `json:"state,omitzero"`
	Again int    `json:"again,omitzero"`
}

// mostAgain is how often a job begins again at most.
const mostAgain = 3

var errLost = fault.New(0, "file_lost", "What was written of the file was lost, several times.")

func define(name string, build func(context.Context, job.Task[params], string) (job.Step, error)) definition {
	return definition{
		Name: name, Permission: permission.ReportsExport,
		Build: func(ctx context.Context, t job.Task[params], state string) (job.Step, error) {
			var at progress
			if state != "" {
				if err := json.Unmarshal([]byte(state), &at); err != nil {
					return job.Step{}, err
				}
			}
			step, err := build(ctx, t, at.State)
			switch {
			case errors.Is(err, file.ErrGone) && at.Again == mostAgain:
				return job.Step{}, errLost
			case errors.Is(err, file.ErrGone): // from the beginning: what was written is not there any more
				step, at.Again = job.Step{}, at.Again+1
			case err != nil:
				return job.Step{}, err
			}
			at.State = step.State
			b, err := json.Marshal(at)
			step.State = string(b)
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
