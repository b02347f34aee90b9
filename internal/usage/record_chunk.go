package usage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/table"
)

// ChunkRequest reports the next events of a source. None has a reservation_id, and the
// id of an event only names it.
type ChunkRequest struct {
	Source   Source   `path:"source" json:"-"`
	Sequence Sequence `path:"sequence" json:"-"`
	RecordRequest
}

// ChunkRecording is what became of a chunk.
type ChunkRecording struct {
	Chunk ChunkView `json:"chunk"`
	// Results answer event by event, in the order of the request.
	Results []Result `json:"results"`
}

// ChunkView is a chunk of a source.
type ChunkView struct {
	Source   Source   `json:"source"`
	Sequence Sequence `json:"sequence"`
	// Status is recorded, or duplicate where it was before.
	Status Outcome `json:"status"`
}

var (
	errChunkReservation = fault.New(fault.Invalid, "reservation_in_chunk",
		"A reservation is settled by its commit, or by an event of POST /v1/usage.")
	errChunkLarge = fault.New(fault.TooLarge, "chunk_too_large", "The chunk is too large to be stored: send fewer events in one.")
)

// RecordChunk records the next chunk of a source, exactly once however often it is sent.
// Where it fails, some of it may be counted: the same again counts the rest, and so does
// a scheduled function after a while.
func (m Meter) RecordChunk(ctx context.Context, by access.Caller, in ChunkRequest) (ChunkRecording, error) {
	out := ChunkRecording{Chunk: ChunkView{in.Source, in.Sequence, Recorded}}
	w, request := watermark{in.Source, in.Sequence}, in.hash()
	err := table.Retry(ctx, func() error {
		at, stored, err := readSource(ctx, m.Table, by.Organization(), w)
		switch {
		case err != nil:
			return err
		case in.Sequence > at.Done+1:
			return errGap.With("next", at.Done+1)
		case stored != nil && !bytes.Equal(stored.Request, request), stored == nil && in.Sequence <= at.Done:
			return errSequence.With("next", at.Done+1)
		}
		var (
			p       portion
			tallies map[month]*tally
		)
		if stored != nil {
			out.Chunk.Status = Duplicate
			p, err = stored.portion()
		} else {
			p, tallies, err = m.decide(ctx, by, in)
		}
		if err != nil {
			return err
		}
		out.Results = slices.Clone(p.Results)
		if in.Sequence <= at.Done {
			return nil
		}
		if at.Pending == 0 { // listed before it is stored, and so found if it is cut off then
			if err := m.Table.Transact(ctx, begin(by.Organization(), w, at, m.Now())); err != nil {
				return err
			}
		}
		if stored == nil {
			if err := m.store(ctx, by.Organization(), w, p, request, by.Own.EventRetention()); err != nil {
				return err
			}
		}
		return m.count(ctx, by.Organization(), w, p, tallies)
	})
	if out.Chunk.Status == Duplicate {
		for i := range out.Results {
			if out.Results[i].Status == Recorded {
				out.Results[i].Status = Duplicate
			}
		}
	}
	return out, err
}

// hash is of what was sent.
func (in ChunkRequest) hash() []byte {
	h := sha256.New()
	for _, event := range in.entries() {
		fmt.Fprintf(h, "%d %s", len(event), event)
	}
	return h.Sum(nil)[:16]
}

// store stores a chunk, which is kept for so long.
func (m Meter) store(ctx context.Context, org id.Organization, w watermark, p portion, request []byte, kept time.Duration) error {
	content, err := p.pack()
	if err != nil {
		return err
	}
	err = m.Table.Transact(ctx, table.Write{
		Key: table.UsageChunk(org, int(w.source), int64(w.sequence)), Put: storedPortion{request, content, m.Now(), m.Now().Add(kept).Unix()},
		If: table.Absent, Else: table.ErrChanged,
	})
	if errors.Is(err, table.ErrTooLarge) {
		return errChunkLarge
	}
	return err
}

// decide is what is counted of a chunk by what prices, teams and limits are now; and the
// months, as they were read for it.
func (m Meter) decide(ctx context.Context, by access.Caller, in ChunkRequest) (portion, map[month]*tally, error) {
	p := portion{Reporter: by.Key(), Results: make([]Result, len(in.entries()))}
	entries, err := m.read(by, in.entries(), p.Results)
	if err != nil {
		return p, nil, err
	}
	entries = slices.DeleteFunc(entries, func(e entry) bool {
		if e.record.Reservation != "" {
			p.Results[e.place] = reject(e.record.ID, errChunkReservation)
		}
		return e.record.Reservation != ""
	})
	if entries, err = m.charge(ctx, by, entries, p.Results); err != nil {
		return p, nil, err
	}
	unique, repeats := distinct(entries, p.Results)
	unique, tallies, err := m.place(ctx, by, unique, p.Results)
	if err != nil {
		return p, nil, err
	}
	teams := map[id.Team]bool{}
	for _, e := range unique {
		p.Results[e.place] = e.record.result(Recorded)
		e.record.Hash, e.record.Call = nil, nil // the chunk has its own
		p.Records = append(p.Records, e.record)
		for _, team := range e.record.Teams {
			teams[team] = true
		}
	}
	for repeat, first := range repeats {
		p.Results[repeat] = p.Results[first]
		if p.Results[repeat].Status == Recorded {
			p.Results[repeat].Status = Duplicate
		}
	}
	settings := by.Own.Pools()
	for team := range teams {
		if settings.Of(team).Limited() {
			p.Limited = append(p.Limited, team)
		}
	}
	slices.Sort(p.Limited)
	return p, tallies, nil
}
