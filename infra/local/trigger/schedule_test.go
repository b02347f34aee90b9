package trigger

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// scheduled is a function behind a schedule.
type scheduled func(events.EventBridgeEvent) error

func (f scheduled) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var event events.EventBridgeEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	return []byte("null"), f(event)
}

func TestRunSendsAScheduledEvent(t *testing.T) {
	t.Parallel()
	var got events.EventBridgeEvent
	moved := time.Date(2027, 1, 1, 1, 0, 0, 5, time.FixedZone("", 3600))
	s := Schedule{
		Name:     "check-limits",
		Function: scheduled(func(e events.EventBridgeEvent) error { got = e; return nil }),
		Now:      func() time.Time { return moved },
	}
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got.Source != "aws.events" || got.DetailType != "Scheduled Event" || got.ID == "" || string(got.Detail) != "{}" {
		t.Errorf("not a scheduled event: %+v", got)
	}
	if want := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC); !got.Time.Equal(want) {
		t.Errorf("time %v, want %v", got.Time, want)
	}
	if len(got.Resources) != 1 || got.Resources[0] != "arn:aws:events:local:000000000000:rule/check-limits" {
		t.Errorf("resources %v", got.Resources)
	}
}

func TestRunReturnsTheFunctionsError(t *testing.T) {
	t.Parallel()
	broken := errors.New("no such table")
	s := Schedule{Function: scheduled(func(events.EventBridgeEvent) error { return broken }), Now: time.Now}
	if err := s.Run(t.Context()); !errors.Is(err, broken) {
		t.Errorf("Run() = %v", err)
	}
}

func TestRunsNeverOverlap(t *testing.T) {
	t.Parallel()
	var running, runs, overlaps atomic.Int32
	s := Schedule{
		Function: scheduled(func(events.EventBridgeEvent) error {
			if running.Add(1) > 1 {
				overlaps.Add(1)
			}
			time.Sleep(time.Millisecond)
			running.Add(-1)
			runs.Add(1)
			return nil
		}),
		Interval: time.Millisecond,
		Now:      time.Now,
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { s.Loop(ctx) })
	for range 8 {
		wg.Go(func() { s.Run(ctx) })
	}
	for runs.Load() < 12 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	wg.Wait()
	if overlaps.Load() > 0 {
		t.Errorf("%d of %d runs overlapped another", overlaps.Load(), runs.Load())
	}
	after := runs.Load()
	if err := s.Run(t.Context()); err != nil || runs.Load() != after+1 {
		t.Errorf("on demand after the loop: %v, %d runs", err, runs.Load()-after)
	}
}

func TestLoopGoesOnAfterAnError(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var runs int
	s := Schedule{
		Function: scheduled(func(events.EventBridgeEvent) error {
			if runs++; runs == 3 {
				cancel()
			}
			return errors.New("not yet")
		}),
		Interval: time.Millisecond,
		Now:      time.Now,
	}
	s.Loop(ctx)
	if runs < 3 {
		t.Errorf("%d runs, want 3", runs)
	}
}
