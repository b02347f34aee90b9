package trigger

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"roster/infra/local/invocation"
)

// Schedule invokes a function at an interval with the event of an EventBridge
// rule, one invocation at a time.
type Schedule struct {
	Name     string // the rule's name, in the event's resources
	Function lambda.Handler
	Interval time.Duration
	Now      func() time.Time // the time that the event states

	running sync.Mutex
}

// Loop runs the function at each interval until ctx ends, and returns once no
// invocation is under way. Errors are logged; the next interval comes anyway,
// and those that pass during a run are left out.
func (s *Schedule) Loop(ctx context.Context) {
	ticker := time.NewTicker(s.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := s.Run(ctx); err != nil {
			slog.ErrorContext(ctx, "scheduled function failed", "schedule", s.Name, "error", err)
		}
	}
}

// Run invokes the function now, after the run that may be under way, and
// returns its error.
func (s *Schedule) Run(ctx context.Context) error {
	s.running.Lock()
	defer s.running.Unlock()
	id := rand.Text()
	payload, err := json.Marshal(events.EventBridgeEvent{
		Version:    "0",
		ID:         id,
		DetailType: "Scheduled Event",
		Source:     "aws.events",
		AccountID:  "000000000000",
		Time:       s.Now().UTC().Truncate(time.Second),
		Region:     "local",
		Resources:  []string{"arn:aws:events:local:000000000000:rule/" + s.Name},
		Detail:     json.RawMessage("{}"),
	})
	if err != nil {
		return fmt.Errorf("trigger: %w", err)
	}
	_, err = invocation.Call(ctx, s.Function, id, payload)
	return err
}
