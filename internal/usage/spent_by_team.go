package usage

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/table"
)

const (
	// monthsAtOnce is how many months a round trip reads
	// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html).
	monthsAtOnce = 100
	// readsAtOnce bounds how many round trips are under way.
	readsAtOnce = 8
)

// SpentByTeam sums what a team spent in a month, over everyone who used models in it:
// 1 read unit each.
func SpentByTeam(ctx context.Context, t *table.Table, org id.Organization, of id.Team, name string) (sum money.Amount, err error) {
	users, err := usersOf(ctx, t, org, name, false)
	if err != nil {
		return 0, err
	}
	var mu sync.Mutex
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	for part := range slices.Chunk(users, monthsAtOnce) {
		group.Go(func() error {
			months := wanted[id.User, tally]{}
			var reads []table.Read
			for _, user := range part {
				reads = months.add(reads, user, month{user, name, false}.key(org))
			}
			if err := t.Get(reading, reads...); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, counted := range months.found() {
				sum = sum.Plus(counted.teams[of].Cost)
			}
			return nil
		})
	}
	return sum, group.Wait()
}
