package trigger

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"roster/infra/local/invocation"
)

// deliver hands a batch to the function until each of its records has been
// taken or, after MaxTries, given to DeadLetter. A batch that fails is split in
// two, so that one bad record drags no other along. It returns an error only
// when ctx ends.
func (s *Stream) deliver(ctx context.Context, batch []events.DynamoDBEventRecord) error {
	for try := 1; ; try++ {
		taken, err := s.invoke(ctx, batch)
		if err == nil {
			return nil
		}
		if taken > 0 {
			batch, try = batch[taken:], 1
		}
		slog.WarnContext(ctx, "stream batch failed", "records", len(batch), "try", try, "error", err)
		if len(batch) == 1 && try >= cmp.Or(s.MaxTries, defaultMaxTries) {
			s.giveUp(ctx, batch[0], err)
			return nil
		}
		if err := sleep(ctx, backoff(try)); err != nil {
			return err
		}
		if half := len(batch) / 2; half > 0 && taken == 0 {
			if err := s.deliver(ctx, batch[:half]); err != nil {
				return err
			}
			return s.deliver(ctx, batch[half:])
		}
	}
}

// invoke offers a batch to the function and returns how many of its first
// records it took, with an error unless that is all.
func (s *Stream) invoke(ctx context.Context, batch []events.DynamoDBEventRecord) (taken int, err error) {
	payload, err := json.Marshal(events.DynamoDBEvent{Records: batch})
	if err != nil {
		return 0, fmt.Errorf("trigger: %w", err)
	}
	out, err := invocation.Call(ctx, s.Function, rand.Text(), payload)
	if err != nil {
		return 0, err
	}
	return takenOf(batch, out)
}

// takenOf reads a function's response under ReportBatchItemFailures: all
// records before the first that it names were taken. A name that is not in the
// batch fails all of it; no response, or an empty one, fails none.
func takenOf(batch []events.DynamoDBEventRecord, out []byte) (taken int, err error) {
	var response events.DynamoDBEventResponse
	if len(out) > 0 {
		if err := json.Unmarshal(out, &response); err != nil {
			return 0, fmt.Errorf("trigger: response: %w", err)
		}
	}
	taken = len(batch)
	for _, failure := range response.BatchItemFailures {
		at := slices.IndexFunc(batch, func(r events.DynamoDBEventRecord) bool {
			return r.Change.SequenceNumber == failure.ItemIdentifier
		})
		if at < 0 {
			return 0, fmt.Errorf("trigger: response names record %q, which is not in the batch", failure.ItemIdentifier)
		}
		taken = min(taken, at)
	}
	if taken < len(batch) {
		return taken, errors.New("trigger: the function reported failed records")
	}
	return taken, nil
}

func (s *Stream) giveUp(ctx context.Context, record events.DynamoDBEventRecord, cause error) {
	slog.ErrorContext(ctx, "stream record given up", "sequence_number", record.Change.SequenceNumber, "error", cause)
	if s.DeadLetter != nil {
		s.DeadLetter(ctx, record, cause)
	}
}

// backoff is 50 ms after the first failure and doubles up to 5 s.
func backoff(try int) time.Duration {
	return min(50*time.Millisecond<<min(try-1, 10), 5*time.Second)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
