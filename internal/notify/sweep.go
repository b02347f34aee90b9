package notify

import (
	"context"
	"math/rand/v2"

	"github.com/aws/aws-lambda-go/events"

	"roster/internal/env"
	"roster/internal/outbox"
	"roster/internal/table"
)

// Sweep tries every waiting mail whose time has come: those that failed before,
// those whose sender was cut off, and those that the stream lost. It stops in
// good time, and begins with a shard at random so that none always comes last.
func (s Service) Sweep(ctx context.Context, _ events.EventBridgeEvent) error {
	inTime, cancel := env.InTime(ctx, reserve)
	defer cancel()
	for _, shard := range rand.Perm(table.OutboxShards) {
		for item, err := range outbox.Due(ctx, s.Table, shard, s.Now()) {
			if err != nil {
				return err
			}
			if inTime.Err() != nil {
				return nil
			}
			if err := s.Deliver(ctx, item); err != nil {
				return err
			}
		}
	}
	return nil
}
