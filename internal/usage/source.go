package usage

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/table"
)

// Sources report usage in chunks that they number. A chunk is stored whole and in one
// piece, and then counted member by member, each by a write that notes the chunk's
// number: a member who has it, or a later one, has counted it. So every step may be
// repeated, nothing is counted twice, and an event costs a fraction of what a marker of
// its own would.
type (
	// Source numbers what reports, a process of a gateway: 0 to 23.
	Source int
	// Sequence numbers the chunks of a source, from 1 on.
	Sequence int64
)

// MaxSources is how many sources an organization has: each leaves its number in the
// months of members.
const MaxSources = table.UsageSources

func (s *Source) UnmarshalText(b []byte) error {
	n, err := strconv.Atoi(string(b))
	if err != nil || n < 0 || n >= MaxSources {
		return fmt.Errorf("is not a number from 0 to %d", MaxSources-1)
	}
	*s = Source(n)
	return nil
}

func (s *Sequence) UnmarshalText(b []byte) error {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil || n < 1 {
		return errors.New("is not a number from 1 on")
	}
	*s = Sequence(n)
	return nil
}

// attribute has the number of the last chunk of the source that is counted in an item.
func (s Source) attribute() string { return fmt.Sprintf("w%02d", int(s)) }

// watermark is up to which chunk of a source something is counted.
type watermark struct {
	source   Source
	sequence Sequence
}

// progress is how far the chunks of a source are.
type progress struct {
	Done Sequence `dynamodbav:"done"`
	// Pending is the chunk that is being counted, since Since; 0, none is.
	Pending Sequence  `dynamodbav:"pending,omitempty"`
	Since   time.Time `dynamodbav:"since,unixtime,omitempty"`
}

var (
	errGap      = fault.New(fault.Conflict, "sequence_gap", "A chunk before this one is missing: next is the one to send.")
	errSequence = fault.New(fault.Conflict, "sequence_taken", "Another chunk of the source has this number: next is the one to send.")
)

// begin is the Write by which a chunk of a source is being counted. It fails with
// table.ErrChanged where others were faster.
func begin(org id.Organization, w watermark, read progress, now time.Time) table.Write {
	key := table.UsageSource(org, int(w.source))
	partition, entry := pendingEntry(key)
	values := table.V{"sequence": w.sequence, "now": now.Unix(), "list": partition, "entry": entry}
	condition := "attribute_not_exists(#done)"
	if read.Done > 0 {
		condition, values["done"] = "#done = :done", read.Done
	}
	return table.Write{
		Key:    key,
		Update: "SET #pending = :sequence, #since = :now, #state_pk = :list, #state_sk = :entry",
		If:     condition + " AND attribute_not_exists(#pending)", Values: values, Else: table.ErrChanged,
	}
}

// finish is the Write by which a chunk is counted. It fails with table.ErrChanged where it
// was before.
func finish(org id.Organization, w watermark) table.Write {
	return table.Write{
		Key:    table.UsageSource(org, int(w.source)),
		Update: "SET #done = :sequence REMOVE #pending, #since, #state_pk, #state_sk",
		If:     "attribute_not_exists(#done) OR #done < :sequence", Values: table.V{"sequence": w.sequence}, Else: table.ErrChanged,
	}
}

// withdraw is the Write by which a chunk is not being counted any more: there is none. It
// fails with table.ErrChanged where it was begun anew.
func withdraw(org id.Organization, w watermark, since time.Time) table.Write {
	return table.Write{
		Key:    table.UsageSource(org, int(w.source)),
		Update: "REMOVE #pending, #since, #state_pk, #state_sk",
		If:     "#pending = :sequence AND #since = :since", Values: table.V{"sequence": w.sequence, "since": since.Unix()}, Else: table.ErrChanged,
	}
}

// portion is a chunk of a source as it is decided: whatever prices, teams or limits are
// later, this is what is counted.
type portion struct {
	// Reporter is the key that reported; empty for an access token.
	Reporter id.Key
	Records  []Record
	// Limited are the teams in whose pools the records count.
	Limited []id.Team
	// Results are those of the events, in the order of the request.
	Results []Result
}

// storedPortion is a portion as the table holds it.
type storedPortion struct {
	// Request is a hash of what was sent.
	Request []byte `dynamodbav:"request"`
	// Content is the portion, as gob, deflated (RFC 1951).
	Content []byte    `dynamodbav:"content"`
	At      time.Time `dynamodbav:"recorded_at"`
	// TTL is the Unix second until which it is kept.
	TTL int64 `dynamodbav:"ttl"`
}

func (p portion) pack() ([]byte, error) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if err := gob.NewEncoder(w).Encode(p); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

func (s storedPortion) portion() (p portion, err error) {
	r := flate.NewReader(bytes.NewReader(s.Content))
	if err := gob.NewDecoder(r).Decode(&p); err != nil {
		return p, fmt.Errorf("usage: a chunk cannot be read: %w", err)
	}
	_, err = io.Copy(io.Discard, r)
	return p, err
}

// readSource reads how far a source is, and one of its chunks; nil, there is none.
func readSource(ctx context.Context, t *table.Table, org id.Organization, w watermark) (progress, *storedPortion, error) {
	var (
		at     *progress
		stored *storedPortion
	)
	reads := []table.Read{table.Into(table.UsageSource(org, int(w.source)), &at)}
	if w.sequence > 0 {
		reads = append(reads, table.Into(table.UsageChunk(org, int(w.source), int64(w.sequence)), &stored))
	}
	if err := t.Get(ctx, reads...); err != nil || at == nil {
		return progress{}, stored, err
	}
	return *at, stored, nil
}
