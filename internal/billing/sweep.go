package billing

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/organization"
	"roster/internal/table"
)

// round is how far the closing of a month is. Once a month every organization is due,
// so a round goes through the list of all; until the next month is due, a run reads
// nothing but this.
type round struct {
	Month Month           `dynamodbav:"month"`
	After id.Organization `dynamodbav:"after,omitempty"`
	// Failed: some organization of this round failed, and the round is made again.
	Failed bool `dynamodbav:"failed,omitempty"`
	Done   bool `dynamodbav:"done,omitempty"`
}

const (
	// reserve is what a run keeps of its time for the call that is under way.
	reserve = 3 * time.Second
	// organizationsAtOnce are listed by one query, of which closing are closed at the
	// same time.
	organizationsAtOnce = 100
	closing             = 4
)

// Sweep closes the months that are due, of every organization. It may be cut off
// anywhere; what is left is the next run's. Where an organization fails, the others
// are closed all the same.
func (s Service) Sweep(ctx context.Context, _ events.EventBridgeEvent) error {
	inTime, cancel := env.InTime(ctx, reserve)
	defer cancel()
	err := s.closeRound(inTime)
	if inTime.Err() != nil {
		return nil
	}
	return err
}

func (s Service) closeRound(ctx context.Context) error {
	var stored *round
	if err := s.Table.Get(ctx, table.Into(table.StatementRound(), &stored)); err != nil {
		return err
	}
	at := round{Month: due(s.Now())}
	if stored != nil && stored.Month >= at.Month {
		at = *stored
	}
	var failure error
	for !at.Done {
		listed, more, err := organization.After(ctx, s.Table, at.After, organizationsAtOnce)
		if err != nil {
			return err
		}
		if err := s.closeAll(ctx, listed, at.Month); err != nil {
			if ctx.Err() != nil {
				return err
			}
			at.Failed, failure = true, err
		}
		if len(listed) > 0 {
			at.After = listed[len(listed)-1].ID
		}
		again := !more && at.Failed
		switch {
		case again:
			at = round{Month: at.Month}
		case !more:
			at = round{Month: at.Month, Done: true}
		}
		if err := s.Table.Transact(ctx, table.Write{Key: table.StatementRound(), Put: at}); err != nil || again {
			if err == nil {
				err = failure
			}
			return err
		}
	}
	return nil
}

// closeAll closes what is due of some organizations, and fails with one of their errors.
func (s Service) closeAll(ctx context.Context, listed []organization.Listed, last Month) error {
	var group errgroup.Group
	group.SetLimit(closing)
	for _, o := range listed {
		if o.Status == organization.Deleted {
			continue
		}
		group.Go(func() error {
			err := s.closeUntil(ctx, o, last)
			if err != nil && ctx.Err() == nil {
				s.Log.ErrorContext(ctx, "billing: a month was not closed", "organization", string(o.ID), "error", err)
			}
			return err
		})
	}
	return group.Wait()
}
