package trigger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// errCheckpoint marks that the position could not be kept.
var errCheckpoint = errors.New("trigger: checkpoint")

// closed is the position in a shard that has been read to its end.
const closed = "closed"

// checkpoint says how far a stream has been read.
type checkpoint struct {
	// Stream is the ARN of the stream that the positions belong to: a table
	// made anew has a new one, and counts from the start.
	Stream string `json:"stream"`
	// Shards has, by shard id, the sequence number of the last record read, or
	// closed. Shards not read yet are absent.
	Shards map[string]string `json:"shards"`
}

// loadCheckpoint reads the position in a stream from a file. Without a file, or
// with one that belongs to another stream or is damaged, the position is the
// beginning: a repetition does no harm, a gap would.
func loadCheckpoint(path, streamARN string) (checkpoint, error) {
	start := checkpoint{Stream: streamARN, Shards: map[string]string{}}
	if path == "" {
		return start, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return start, nil
	}
	if err != nil {
		return start, fmt.Errorf("%w: %w", errCheckpoint, err)
	}
	var saved checkpoint
	if json.Unmarshal(data, &saved) != nil || saved.Stream != streamARN || saved.Shards == nil {
		return start, nil
	}
	return saved, nil
}

// save replaces the file as a whole, so that a reader finds the old position or
// the new one.
func (c checkpoint) save(path string) error {
	if path == "" {
		return nil
	}
	data, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("%w: %w", errCheckpoint, err)
	}
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return fmt.Errorf("%w: %w", errCheckpoint, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("%w: %w", errCheckpoint, err)
	}
	return nil
}
