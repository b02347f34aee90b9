package pool_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/pool"
	"roster/internal/rostertest"
	"roster/internal/spending"
	"roster/internal/table"
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
		if err != nil || s.Month != want || len(s.Days) != 1 || s.Days[day] != (pool.Sums{Usage: pool.Usage{Cost: used.Cost}, Held: want.Held}) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		if monthly, daily := s.Left(l, day); *monthly != 900*money.USD || *daily != 0 {
			t.Errorf("%s: %s and %s are left", name, monthly, daily)
		}
	}
}

// units are what a call takes of the storage: each call with its units.
func units(t *testing.T, call func(ctx context.Context) error) string {
	t.Helper()
	ctx, capacity := table.WithCapacity(t.Context())
	if err := call(ctx); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, c := range capacity.Calls() {
		all = append(all, fmt.Sprint(c.Operation, " ", c.Read+c.Write))
	}
	return strings.Join(all, ", ")
}

// TestUnits: on the last day of a busy month, with six calls under way.
func TestUnits(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	for name, p := range map[string]pool.Pool{"team": ofTeam(), "organization": ofOrganization()} {
		l := limits(usd(200_000), usd(20_000), 1)
		lane := p.Lane("a", l)
		b := pool.Booking{Lane: lane, Days: map[int]pool.Usage{}}
		for d := 1; d <= 31; d++ {
			b.Days[d] = pool.Usage{Cost: 60_123_456_789, Requests: 6123, Input: 18_123_123, Output: 3_123_123}
		}
		if err := r.Table.Transact(t.Context(), b.Write()); err != nil {
			t.Fatal(err)
		}
		for n, under := 0, 0; under < 5; n++ {
			if h := hold(fmt.Sprint(n), 123_456_789); p.Lane(h.ID, l) == lane {
				under++
				if _, err := p.Hold(t.Context(), r.Table, l, h, now); err != nil {
					t.Fatal(err)
				}
			}
		}
		h := hold("a", 123_456_789)
		take := func(ctx context.Context) error { _, err := p.Hold(ctx, r.Table, l, h, now); return err }
		used := map[int]pool.Usage{day: {Cost: 100_000_001, Requests: 1, Input: 1234, Output: 567}}
		settled := pool.Booking{Lane: lane, Ended: []pool.Hold{h}, Days: used}.Write()
		marker := table.Write{Key: table.UsageEvent(p.Organization, "e"), Put: struct{}{}}
		for _, step := range []struct {
			what, want string
			call       func(ctx context.Context) error
		}{
			{"hold", "UpdateItem 1", take},
			{"release", "UpdateItem 1", func(ctx context.Context) error { return lane.Release(ctx, r.Table, h) }},
			{"hold again", "UpdateItem 1", take},
			{"settle with a marker", "TransactWriteItems 4", func(ctx context.Context) error { return r.Table.Transact(ctx, marker, settled) }},
			{"count with a marker", "TransactWriteItems 4", func(ctx context.Context) error {
				return r.Table.Transact(ctx, marker, pool.Booking{Lane: lane, Days: used}.Write())
			}},
			{"read", "Query 0.5", func(ctx context.Context) error { _, err := p.Read(ctx, r.Table, now); return err }},
		} {
			if got := units(t, step.call); got != step.want {
				t.Errorf("%s, %s: %s, not %s", name, step.what, got, step.want)
			}
		}
	}
}

// TestUnitsOfALaneThatIsShort: what it takes from one other lane lasts for more than
// the call.
func TestUnitsOfALaneThatIsShort(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	p, l := ofOrganization(), limits(usd(160), nil, 1)
	lane := p.Lane("first", l)
	n := 0
	of := func(amount money.Amount) func(ctx context.Context) error { // a hold in that lane
		n++
		for p.Lane(fmt.Sprint(n), l) != lane {
			n++
		}
		return func(ctx context.Context) error {
			_, err := p.Hold(ctx, r.Table, l, hold(fmt.Sprint(n), amount), now)
			return err
		}
	}
	for _, step := range []struct {
		what, want string
		amount     money.Amount
	}{
		{"its share", "UpdateItem 1", 10 * money.USD},
		{"half of another's, for the fifth part", "Query 1, TransactWriteItems 4", money.USD},
		{"the rest of that", "UpdateItem 1", 4 * money.USD},
		{"more than any other has", "Query 1, TransactWriteItems 6", 15 * money.USD},
		{"all there is", "Query 1, TransactWriteItems 30", 130 * money.USD},
	} {
		if got := units(t, of(step.amount)); got != step.want {
			t.Errorf("%s: %s, not %s", step.what, got, step.want)
		}
	}
	if _, err := p.Hold(t.Context(), r.Table, l, hold("more", 1), now); err == nil {
		t.Error("more than the limit is held")
	}
	if got := units(t, func(ctx context.Context) error { return p.Fence(ctx, r.Table, limits(usd(100), nil, 2), day) }); strings.Count(got, "UpdateItem 1") != 16 {
		t.Errorf("fence: %s", got)
	}
}

func TestLanesAreFewWhileLimitsAreSmall(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		limits pool.Limits
		want   int
	}{
		{limits(nil, nil, 0), 16}, {limits(usd(10_000), nil, 0), 16}, {limits(usd(160), usd(159), 0), 15},
		{limits(usd(10_000), usd(45), 0), 4}, {limits(usd(19), nil, 0), 1}, {limits(usd(0), nil, 0), 1},
	} {
		p, lanes := ofOrganization(), map[pool.Lane]bool{}
		for n := range 1000 {
			lanes[p.Lane(fmt.Sprint(n), tt.limits)] = true
			if lane := ofTeam().Lane(fmt.Sprint(n), tt.limits); lane.Number != 0 {
				t.Fatalf("a team's lane %d", lane.Number)
			}
		}
		if len(lanes) != tt.want {
			t.Errorf("%v: %d lanes, not %d", tt.limits, len(lanes), tt.want)
		}
	}
}

func TestOlderLimitsAreRefused(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	for name, p := range map[string]pool.Pool{"team": ofTeam(), "organization": ofOrganization()} {
		older, newer := limits(usd(1000), nil, 3), limits(usd(160), nil, 4)
		if err := p.Fence(t.Context(), r.Table, newer, day); err != nil { // no lane is there yet
			t.Fatal(err)
		}
		if err := p.Fence(t.Context(), r.Table, older, day); err != nil { // of two changes at once, the older comes last
			t.Fatal(err)
		}
		for n := range 20 {
			h := hold(fmt.Sprint(n), money.USD)
			if _, err := p.Hold(t.Context(), r.Table, older, h, now); !errors.Is(err, pool.ErrStale) {
				t.Fatalf("%s, by older limits: %v", name, err)
			}
			if _, err := p.Hold(t.Context(), r.Table, newer, h, now); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		// Newer limits are brought along by the calls, and bind in each lane from then on.
		newest := limits(usd(170), nil, 5)
		h := hold("by the newest", money.USD)
		if _, err := p.Hold(t.Context(), r.Table, newest, h, now); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := p.Hold(t.Context(), r.Table, newer, h, now); err != nil {
			t.Errorf("%s: a hold that is there was refused: %v", name, err)
		}
		h.Amount++
		if _, err := p.Hold(t.Context(), r.Table, newer, h, now); !errors.Is(err, pool.ErrStale) {
			t.Errorf("%s: another in its place, by older limits: %v", name, err)
		}
	}
}

func TestRecordsOfVanishedCallersDoNotPileUp(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	p, l := ofTeam(), limits(usd(1000), nil, 1)
	later := now
	for n := range 130 {
		h := hold(fmt.Sprint(n), money.USD)
		h.Expires = later.Add(time.Second)
		if _, err := p.Hold(t.Context(), r.Table, l, h, later); err != nil {
			t.Fatal(err)
		}
		later = later.Add(time.Second)
	}
	var item table.Item
	if err := r.Table.Get(t.Context(), table.Raw(table.PoolLane(p.Organization, p.Team, p.Month, 0), &item)); err != nil || len(item) > 30 {
		t.Errorf("%d attributes, %v", len(item), err)
	}
}

// TestManyExpiredHoldsMakeRoom: more than one write can remove, in one lane and in all.
func TestManyExpiredHoldsMakeRoom(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	for name, p := range map[string]pool.Pool{"team": ofTeam(), "organization": ofOrganization()} {
		l := limits(usd(100), usd(100), 1)
		if got := fill(t, r, p, l, "", money.USD); got != 100*money.USD {
			t.Errorf("%s: %s are held", name, got)
		}
		if _, err := p.Hold(t.Context(), r.Table, l, hold("more", 1), now.Add(59*time.Second)); err == nil {
			t.Errorf("%s: more than the limit is held", name)
		}
		h := hold("all", 100*money.USD)
		h.Expires = now.Add(time.Hour)
		if _, err := p.Hold(t.Context(), r.Table, l, h, now.Add(time.Minute)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestManyCallsEndInOneBooking: as many as a batch has.
func TestManyCallsEndInOneBooking(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	p, l := ofTeam(), limits(usd(100), usd(100), 1)
	b := pool.Booking{Days: map[int]pool.Usage{day: {Cost: 40 * money.USD, Requests: 50}}}
	for n := range 50 {
		h := hold(fmt.Sprint(n), money.USD)
		lane, err := p.Hold(t.Context(), r.Table, l, h, now)
		if err != nil {
			t.Fatal(err)
		}
		b.Lane, b.Ended = lane, append(b.Ended, h)
	}
	if err := r.Table.Transact(t.Context(), b.Write()); err != nil {
		t.Fatal(err)
	}
	if s, err := p.Read(t.Context(), r.Table, now); err != nil || s.Month != (pool.Sums{Usage: b.Days[day]}) {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestWhatWasNeverHeldIsMadeUpFor: usage by events alone takes one lane far beyond its
// share; as soon as a call meets that lane, the others give nothing away that the pool
// has not.
func TestWhatWasNeverHeldIsMadeUpFor(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	p, l := ofOrganization(), limits(usd(160), nil, 1)
	b := pool.Booking{Lane: p.Lane("event", l), Days: map[int]pool.Usage{day: {Cost: 155 * money.USD}}}
	if err := r.Table.Transact(t.Context(), b.Write()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Hold(t.Context(), r.Table, l, hold("event", 6*money.USD), now); err == nil { // in that lane
		t.Error("more than the limit is held")
	}
	if got := fill(t, r, p, l, "", money.USD); got != 5*money.USD {
		t.Errorf("%s could be held, not 5", got)
	}
}

// TestALoweredLimitBinds when the call returns, wherever the lanes have what is left,
// also where there was no limit and so no hold.
func TestALoweredLimitBinds(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	p := ofOrganization()
	for n := range 40 {
		b := pool.Booking{Lane: p.Lane(fmt.Sprint(n), limits(nil, nil, 0)), Days: map[int]pool.Usage{day: {Cost: money.USD}}}
		if err := r.Table.Transact(t.Context(), b.Write()); err != nil {
			t.Fatal(err)
		}
	}
	for version, tt := range []struct{ monthly, daily, want money.Amount }{
		{45, 100, 5}, {500, 100, 55}, {20, 500, 0}, {200, 90, 0}, {1000, 160, 60}, {161, 1000, 1},
	} {
		l := limits(usd(tt.monthly), usd(tt.daily), int64(version+1))
		if err := p.Fence(t.Context(), r.Table, l, day); err != nil {
			t.Fatal(err)
		}
		if got := fill(t, r, p, l, fmt.Sprint(version, " "), money.USD); got != tt.want*money.USD {
			t.Errorf("%s could be held by limits of %d and %d, not %d", got, tt.monthly, tt.daily, tt.want)
		}
	}
}
