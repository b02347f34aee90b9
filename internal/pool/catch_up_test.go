package pool_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"roster/internal/money"
	"roster/internal/pool"
	"roster/internal/rostertest"
)

// TestATeamCatchesUpOnce, however many do it at once and whatever was booked before: its
// month has then what the team spent, and its days what was booked.
func TestATeamCatchesUpOnce(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	p, l := ofTeam(), limits(usd(100), nil, 1)
	book := func(cost money.Amount) {
		t.Helper()
		b := pool.Booking{Lane: p.Lane("event", l), Days: map[int]pool.Usage{day: {Cost: cost}}}
		if err := r.Table.Transact(t.Context(), b.Write()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Hold(t.Context(), r.Table, l, hold("held", 7*money.USD), now); err != nil {
		t.Fatal(err)
	}
	book(5 * money.USD)
	catchUp := func(since int64, spent money.Amount) error {
		return p.CatchUp(t.Context(), r.Table, since, func(context.Context) (money.Amount, error) { return spent, nil })
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := catchUp(3, 60*money.USD); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	spent := func(want money.Amount) {
		t.Helper()
		s, err := p.Read(t.Context(), r.Table, now)
		if err != nil || s.Month.Cost != want || s.Days[day].Cost != 5*money.USD || s.Month.Held != 7*money.USD {
			t.Errorf("%+v, %v; not %s", s, err, want)
		}
	}
	spent(60 * money.USD)
	if err := errors.Join(catchUp(3, 90*money.USD), catchUp(2, 90*money.USD)); err != nil {
		t.Error(err)
	}
	spent(60 * money.USD)
	if err := catchUp(7, 90*money.USD); err != nil { // it had no limit in between
		t.Error(err)
	}
	spent(90 * money.USD)
	if err := catchUp(8, 10*money.USD); err != nil { // what was booked stays
		t.Error(err)
	}
	spent(90 * money.USD)
	if got := fill(t, r, p, l, "", money.USD); got != 3*money.USD {
		t.Errorf("%s could be held, not 3", got)
	}
}
