package billing_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"roster/internal/id"
	"roster/internal/spent"
	"roster/internal/table"
)

// BenchmarkClose100000Members closes a month in which 100,000 members used models,
// and reports the largest heap that was seen meanwhile.
func BenchmarkClose100000Members(b *testing.B) {
	const members = 100_000
	c := newCompany(b)
	org := c.owner.Organization
	var group errgroup.Group
	group.SetLimit(16)
	for range members / 50 {
		group.Go(func() error {
			var writes []table.Write
			for range 50 {
				user := id.NewUser(c.Now())
				writes = append(writes,
					table.Write{Key: table.Member(org, user), Put: object{
						"id": user, "email": string(user) + "@example.com", "name": "Somebody", "status": "active"}},
					table.Write{Key: table.MemberMonth(org, user, "2026-11"), Put: object{
						"c": 1_000_000_001, "r": 10, "i": 1000, "o": 100, "m": 2, "c:openai/gpt-5": 1_000_000_000, "r:openai/gpt-5": 9,
						"c:mistral/large": 1, "r:mistral/large": 1, "state_pk": spent.UsersPartition(org, "2026-11"), "state_sk": user}})
			}
			return c.Table.Transact(b.Context(), writes...)
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	c.at(b, "2026-12-03T00:00:00Z")
	ctx, cancelled := b.Context(), make(chan struct{})
	var peak uint64
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
			select {
			case <-cancelled:
				return
			case <-ctx.Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	b.ResetTimer()
	if err := c.close(b); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	close(cancelled)
	<-watching
	b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
	s, _ := c.statement(b, "2026-11")
	if s.Totals.Members != members || fmt.Sprint(s.Totals.Cost) != "100000.0001" {
		b.Fatalf("%+v", s.Totals)
	}
}
