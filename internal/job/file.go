package job

import (
	"context"
	"time"

	"roster/internal/env"
	"roster/internal/file"
)

// File is what a job made.
type File struct {
	file.Saved
	Bytes  int64     `dynamodbav:"bytes"`
	MadeAt time.Time `dynamodbav:"made_at"`
}

// FileView is a file as its organization sees it.
type FileView struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	// KeptUntil is when it is deleted.
	KeptUntil time.Time `json:"kept_until"`
	// URL fetches it, without a credential, until URLExpiresAt. The job by itself shows it, a
	// new one each time, to whoever created it.
	URL          string    `json:"url,omitzero"`
	URLExpiresAt time.Time `json:"url_expires_at,omitzero"`
}

// linkTTL is how long a link works: it may stand in logs and histories.
const linkTTL = 15 * time.Minute

// view is the file, as long as it is kept; nil, there is none.
func (f *File) view(now time.Time) *FileView {
	if f == nil || !now.Before(f.MadeAt.Add(file.KeptFor)) {
		return nil
	}
	return &FileView{Name: f.Name, Bytes: f.Bytes, KeptUntil: f.MadeAt.Add(file.KeptFor)}
}

// link adds where the file is fetched.
func (v *FileView) link(ctx context.Context, e *env.Env, f File) (err error) {
	v.URLExpiresAt = e.Now().Add(linkTTL)
	v.URL, err = e.Files.Link(ctx, f.Saved, linkTTL)
	return err
}
