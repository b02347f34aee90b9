package pool_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"roster/internal/money"
	"roster/internal/pool"
	"roster/internal/rostertest"
	"roster/internal/table"
)

// fill holds amounts until there is not enough left for another, and returns their sum.
func fill(t *testing.T, r *rostertest.Roster, p pool.Pool, l pool.Limits, name string, each money.Amount) money.Amount {
	t.Helper()
	for n := money.Amount(0); ; n++ {
		_, err := p.Hold(t.Context(), r.Table, l, hold(fmt.Sprint(name, n), each), now)
		if _, exhausted := errors.AsType[*pool.Exhausted](err); exhausted {
			return n * each
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestManyAtOnceHoldExactlyTheLimit: some of them in doubt whether they did, since the
// answer was lost, and some disturbed by others' transactions.
func TestManyAtOnceHoldExactlyTheLimit(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]pool.Pool{"team": ofTeam(), "organization": ofOrganization()} {
		for _, l := range []pool.Limits{limits(usd(160), nil, 1), limits(usd(500), usd(160), 1), limits(usd(23), usd(200), 1)} {
			t.Run(fmt.Sprint(name, *l.Monthly), func(t *testing.T) {
				t.Parallel()
				p := p
				p.Month = fmt.Sprint("2026-", *l.Monthly/money.USD)
				var disturbed atomic.Int64
				r := rostertest.NewWith(t, func(next http.RoundTripper) http.RoundTripper {
					return rostertest.RoundTrip(func(q *http.Request) (*http.Response, error) {
						_, operation, _ := strings.Cut(q.Header.Get("X-Amz-Target"), ".")
						if operation == "UpdateItem" && disturbed.Add(1)%7 == 0 {
							return rostertest.Exception("TransactionConflictException", ""), nil
						}
						answer, err := next.RoundTrip(q)
						if err == nil && operation != "Query" && disturbed.Add(1)%11 == 0 {
							answer.Body.Close()
							return nil, errCut
						}
						return answer, err
					})
				})
				var (
					group    sync.WaitGroup
					admitted atomic.Int64
				)
				for i := range 200 {
					group.Go(func() {
						err := error(table.ErrUnavailable)
						for errors.Is(err, table.ErrUnavailable) { // in doubt, one asks again
							_, err = p.Hold(t.Context(), r.Table, l, hold(fmt.Sprint(i), money.USD), now)
						}
						_, exhausted := errors.AsType[*pool.Exhausted](err)
						switch {
						case err == nil:
							admitted.Add(1)
						case !exhausted:
							t.Error(err)
						}
					})
				}
				group.Wait()
				want := int64(*l.Monthly / money.USD)
				if l.Daily != nil {
					want = min(want, int64(*l.Daily/money.USD))
				}
				if admitted.Load() != want {
					t.Errorf("%d were admitted, not %d", admitted.Load(), want)
				}
				if s, err := p.Read(t.Context(), r.Table, now); err != nil || s.Month.Held != money.Amount(want)*money.USD {
					t.Errorf("%s are held, %v", s.Month.Held, err)
				}
			})
		}
	}
}

// TestManyAtOnceUseWhatIsLeft: calls use less than they held, or nothing, or vanish,
// while the limit is changed up and down. What is left in the end is all that may be
// held.
func TestManyAtOnceUseWhatIsLeft(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]pool.Pool{"team": ofTeam(), "organization": ofOrganization()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rostertest.New(t)
			newest := atomic.Pointer[pool.Limits]{}
			newest.Store(new(limits(usd(300), usd(200), 1)))
			var (
				group sync.WaitGroup
				cost  atomic.Int64
			)
			work := func(name string) {
				for n := range 12 {
					h := hold(fmt.Sprint(name, n), money.Amount(1+rand.Int64N(5*int64(money.USD))))
					lane, err := p.Hold(t.Context(), r.Table, *newest.Load(), h, now)
					if _, exhausted := errors.AsType[*pool.Exhausted](err); exhausted || errors.Is(err, pool.ErrStale) {
						continue
					}
					if err != nil {
						t.Error(err)
						return
					}
					switch rand.IntN(4) {
					case 0:
						err = lane.Release(t.Context(), r.Table, h)
					case 1: // vanishes, and its hold stays
					default:
						used := pool.Usage{Cost: rand.N(h.Amount + 1), Requests: 1}
						cost.Add(int64(used.Cost))
						err = r.Table.Transact(t.Context(), pool.Booking{Lane: lane, Ended: []pool.Hold{h}, Days: map[int]pool.Usage{day: used}}.Write())
					}
					if err != nil {
						t.Error(err)
					}
				}
			}
			for i := range 40 {
				group.Go(func() { work(fmt.Sprint("worker ", i, " ")) })
			}
			group.Go(func() {
				for version, limit := range []money.Amount{100, 400, 30, 250} {
					l := limits(usd(300), usd(limit), int64(version+2))
					newest.Store(&l)
					if err := p.Fence(t.Context(), r.Table, l, day); err != nil {
						t.Error(err)
					}
				}
			})
			group.Wait()
			l := *newest.Load()
			s, err := p.Read(t.Context(), r.Table, now)
			if err != nil || s.Days[day].Cost != money.Amount(cost.Load()) || s.Month.Cost != s.Days[day].Cost || s.Month.Held != s.Days[day].Held {
				t.Errorf("%+v, %v; %d were used", s, err, cost.Load())
			}
			_, left := s.Left(l, day)
			if over := s.Month.Cost + s.Month.Held; over > 250*money.USD {
				t.Errorf("%s are used and held", over)
			}
			if got := fill(t, r, p, l, "last ", money.USD); got != *left/money.USD*money.USD {
				t.Errorf("%s could be held, but %s were left", got, *left)
			}
		})
	}
}
