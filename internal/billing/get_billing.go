package billing

import (
	"context"

	"golang.org/x/sync/errgroup"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/spent"
	"roster/internal/usage"
)

// GetBilling shows the billing settings, and what the organization spent this month
// so far.
func (s Service) GetBilling(ctx context.Context, by access.Actor, _ api.None) (Answer, error) {
	p, err := s.profile(ctx, by.Organization())
	if err != nil {
		return Answer{}, err
	}
	now := s.Now()
	month := Month(spent.Month(now, by.Location()))
	spend, err := s.spend(ctx, by.Organization(), month)
	if err != nil {
		return Answer{}, err
	}
	return p.answer(now, month, spend), nil
}

const (
	// usersAtOnce is how many members one query of the index lists, and readsAtOnce how
	// many batches of their items are read at the same time.
	usersAtOnce = 500
	readsAtOnce = 8
	batchUsers  = 100
)

// spend sums what all members spent in a month.
func (s Service) spend(ctx context.Context, org id.Organization, month Month) (money.Amount, error) {
	var (
		sum   money.Amount
		after id.User
	)
	for {
		users, more, err := usage.UsersAfter(ctx, s.Table, org, string(month), after, usersAtOnce)
		if err != nil {
			return 0, err
		}
		sums := make([]money.Amount, (len(users)+batchUsers-1)/batchUsers)
		group, reading := errgroup.WithContext(ctx)
		group.SetLimit(readsAtOnce)
		for i := range sums {
			group.Go(func() error {
				of, err := spent.Of(reading, s.Table, org, string(month), users[i*batchUsers:min(len(users), (i+1)*batchUsers)])
				for _, amount := range of {
					sums[i] = sums[i].Plus(amount)
				}
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return 0, err
		}
		for _, amount := range sums {
			sum = sum.Plus(amount)
		}
		if !more {
			return sum, nil
		}
		after = users[len(users)-1]
	}
}
