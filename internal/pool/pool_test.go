package pool_test

import (
	"errors"
	"testing"
	"time"

	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/pool"
	"roster/internal/rostertest"
	"roster/internal/spending"
)

const day = 22

var now = time.Date(2026, 11, day, 10, 0, 0, 0, time.UTC)

func usd(n money.Amount) *money.Amount { return new(n * money.USD) }

func limits(monthly, daily *money.Amount, version int64) pool.Limits {
	return pool.Limits{Limits: spending.Limits{Monthly: monthly, Daily: daily}, Version: version}
}

func ofOrganization() pool.Pool {
	return pool.Pool{Organization: id.NewOrganization(now), Month: "2026-11"}
}

func ofTeam() pool.Pool {
	return pool.Pool{Organization: id.NewOrganization(now), Team: id.NewTeam(now), Month: "2026-11"}
}

func hold(name string, amount money.Amount) pool.Hold {
	return pool.Hold{ID: name, Amount: amount, Day: day, Expires: now.Add(time.Minute)}
}

func TestHoldAndBook(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	for name, p := range map[string]pool.Pool{"team": ofTeam(), "organization": ofOrganization()} {
		l := limits(usd(1000), usd(100), 1)
		h := hold("a", 60*money.USD)
		lane, err := p.Hold(t.Context(), r.Table, l, h, now)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again, err := p.Hold(t.Context(), r.Table, l, h, now); err != nil || again != lane {
			t.Errorf("%s, again: %v, %v", name, again, err)
		}
		_, err = p.Hold(t.Context(), r.Table, l, hold("b", 41*money.USD), now)
		if e, ok := errors.AsType[*pool.Exhausted](err); !ok || e.Window != pool.Day || e.Limit != 100*money.USD || e.Left != 40*money.USD {
			t.Errorf("%s: %v", name, err)
		}
		used := pool.Usage{Cost: 50 * money.USD, Requests: 1, Input: 7, Output: 8}
		b := pool.Booking{Lane: lane, Days: map[int]pool.Usage{day: used}, Ended: []pool.Hold{h}}
		if err := r.Table.Transact(t.Context(), b.Write()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		err = r.Table.Transact(t.Context(), b.Write())
		if gone, ok := errors.AsType[*pool.Gone](err); !ok || len(gone.Holds) != 1 || gone.Holds[0] != h {
			t.Errorf("%s: %v", name, err)
		}
		if _, err = p.Hold(t.Context(), r.Table, l, hold("c", 50*money.USD), now); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		s, err := p.Read(t.Context(), r.Table, now)
		want := pool.Sums{Usage: used, Held: 50 * money.USD}
		if err != nil || s.Month != want || len(s.Days) != 1 || s.Days[day] != want {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		if monthly, daily := s.Left(l, day); *monthly != 900*money.USD || *daily != 0 {
			t.Errorf("%s: %s and %s are left", name, monthly, daily)
		}
	}
}
