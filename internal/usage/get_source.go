package usage

import (
	"context"

	"roster/internal/access"
)

// SourceRequest names a source.
type SourceRequest struct {
	Source Source `path:"source" json:"-"`
}

// SourceAnswer is how far a source is.
type SourceAnswer struct {
	Source SourceView `json:"source"`
}

// SourceView is a source: Next is the number of the chunk to send.
type SourceView struct {
	Number Source   `json:"number"`
	Next   Sequence `json:"next"`
	// Counting tells that the chunk Next is stored, or on its way, and not wholly counted.
	Counting bool `json:"counting"`
}

// GetSource tells a source, which starts anew, what to send next.
func (m Meter) GetSource(ctx context.Context, by access.Caller, in SourceRequest) (SourceAnswer, error) {
	at, _, err := readSource(ctx, m.Table, by.Organization(), watermark{source: in.Source})
	return SourceAnswer{SourceView{in.Source, at.Done + 1, at.Pending != 0}}, err
}
