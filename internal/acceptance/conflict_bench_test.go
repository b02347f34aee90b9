package acceptance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"roster/internal/feature"
	"roster/internal/pool"
	"roster/internal/rostertest"
)

// contended is a transport on which a transaction holds its items for a while, and
// cancels every other that comes for one of them, as DynamoDB does; the engine of the
// tests knows no conflicts.
type contended struct {
	next http.RoundTripper
	// hold is how long a transaction takes.
	hold time.Duration

	mu   sync.Mutex
	held map[string]bool
	// made and cancelled count transactions, and units what all of them are billed: a
	// cancelled one as if it were made.
	made, cancelled, units atomic.Int64
}

func (c *contended) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		return c.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	keys, err := keysOf(body)
	if err != nil {
		return nil, err
	}
	c.units.Add(2 * int64(len(keys)))
	codes := make([]string, len(keys))
	c.mu.Lock()
	for i, key := range keys {
		codes[i] = "None"
		if c.held[key] {
			codes[i] = "TransactionConflict"
		}
	}
	free := !slices.Contains(codes, "TransactionConflict")
	for _, key := range keys {
		c.held[key] = c.held[key] || free
	}
	c.mu.Unlock()
	if !free {
		c.cancelled.Add(1)
		return rostertest.Cancelled(codes...), nil
	}
	c.made.Add(1)
	time.Sleep(c.hold)
	c.mu.Lock()
	for _, key := range keys {
		delete(c.held, key)
	}
	c.mu.Unlock()
	return c.next.RoundTrip(r) // the engine takes longer than DynamoDB, and does one after the other
}

// keysOf are the keys of a transaction's items.
func keysOf(body []byte) ([]string, error) {
	var transaction struct {
		TransactItems []map[string]struct{ Key, Item map[string]struct{ S string } }
	}
	if err := json.Unmarshal(body, &transaction); err != nil {
		return nil, err
	}
	var keys []string
	for _, item := range transaction.TransactItems {
		for _, write := range item {
			of := write.Key
			if of == nil {
				of = write.Item
			}
			keys = append(keys, of["pk"].S+"/"+of["sk"].S)
		}
	}
	return keys, nil
}

// BenchmarkWritersInConflict lets 32 gateways report 45 calls of 10 members at a time, of
// 2,000 in one organization, while every transaction takes 10 ms: how often one is tried,
// and what an event is billed. Nothing may be lost or counted twice.
func BenchmarkWritersInConflict(b *testing.B) {
	const (
		writers = 32
		batches = 12
		calls   = 45
		events  = writers * batches * calls
	)
	for range b.N {
		b.StopTimer()
		traffic := &contended{hold: 10 * time.Millisecond, held: map[string]bool{}}
		w := newBusy(b, world{rostertest.NewWith(b, func(next http.RoundTripper) http.RoundTripper {
			traffic.next = next
			return traffic
		}, feature.All...)}, 2_000)
		for _, count := range []*atomic.Int64{&traffic.made, &traffic.cancelled, &traffic.units} {
			count.Store(0)
		}
		b.StartTimer()
		var (
			all     sync.WaitGroup
			refused atomic.Int64
		)
		for writer := range writers {
			all.Go(func() {
				for batch := range batches {
					n := (writer*batches + batch) * 7
					var reported []any
					for i := range calls {
						reported = append(reported, usageEvent(fmt.Sprintf("%d-%d-%d", writer, batch, i), w.members[(n+i%10*131)%len(w.members)]))
					}
					for got := (rostertest.Response{}); got.Status != 200; {
						if got = w.Call(b, "POST /v1/usage", w.owner.key, map[string]any{"events": reported}); got.Status == 503 {
							refused.Add(1)
						} else if got.Status != 200 {
							b.Fatalf("%s", got.Raw)
						}
					}
				}
			})
		}
		all.Wait()
		b.StopTimer()
		state, err := pool.Pool{Organization: w.owner.organization, Month: "2026-11"}.Read(b.Context(), w.Table, w.Now())
		if err != nil || state.Month.Requests != events {
			b.Errorf("%d counted of %d, %v", state.Month.Requests, events, err)
		}
		made, cancelled := float64(traffic.made.Load()), float64(traffic.cancelled.Load())
		b.ReportMetric((made+cancelled)/made, "tries/transaction")
		b.ReportMetric(float64(traffic.units.Load())/events, "WRU/event")
		b.ReportMetric(float64(refused.Load()), "503s")
		b.ReportMetric(events*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	}
}
