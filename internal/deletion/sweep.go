package deletion

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/organization"
)

// reserve is what a run keeps of its time for the call that is under way.
const reserve = 3 * time.Second

// Sweep does what is due: it tells members of deletions and restorations, and
// erases the organizations whose grace is over. It may be cut off anywhere; what is
// left is the next run's.
func (s Service) Sweep(ctx context.Context, _ events.EventBridgeEvent) error {
	inTime, cancel := env.InTime(ctx, reserve)
	defer cancel()
	due, err := organization.Due(ctx, s.Table, s.Now())
	if err != nil {
		return err
	}
	for _, org := range due {
		if err := s.attend(inTime, org); err != nil && inTime.Err() == nil {
			return err
		}
		if inTime.Err() != nil {
			return nil
		}
	}
	return nil
}

// attend does what is due with an organization, as it stands now.
func (s Service) attend(ctx context.Context, org id.Organization) error {
	o, err := organization.Get(ctx, s.Table, org)
	switch {
	case err != nil || o == nil:
		return err
	case o.Over(s.Now()):
		return s.erase(ctx, *o)
	case o.Telling != nil:
		return s.tell(ctx, *o)
	}
	return nil
}
