// Package file keeps files that are too large for an answer: they are written in parts,
// and fetched by a link. Where they are kept deletes them after a while (KeptFor).
package file

import (
	"context"
	"errors"
	"time"
)

// Store keeps files. It is an interface so that functions which have no files are not
// linked with its client; package s3file has it.
type Store interface {
	// Begin begins a file, or begins it anew: what was written before stays as it was
	// until the new one is finished.
	Begin(ctx context.Context, key string) (Upload, error)
	// Write writes a part, numbered from 1 on and in any order, and returns its tag. The
	// same part again replaces it. It fails with ErrGone.
	Write(ctx context.Context, to Upload, part int, content []byte) (tag string, err error)
	// Finish makes a file of all parts, named by their tags. It fails with ErrGone.
	Finish(ctx context.Context, of Upload, tags []string) error
	// Link is where a file is fetched by whoever has the link, for so long.
	Link(ctx context.Context, f Saved, valid time.Duration) (string, error)
}

// Upload is a file that is being written.
type Upload struct {
	Key string `json:"key"`
	ID  string `json:"id"`
}

// Saved is a file, and as what it is saved.
type Saved struct {
	Key  string `dynamodbav:"key"`
	Name string `dynamodbav:"name"`
	Type string `dynamodbav:"type"`
}

const (
	// PartSize is how many bytes a part has at least, the last one excepted.
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
	PartSize = 5 << 20
	// KeptFor is how long a file is kept, in whole days.
	KeptFor = 7 * 24 * time.Hour
)

// ErrGone: the upload is finished, or was given up.
var ErrGone = errors.New("file: the upload is gone")
