package pool_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"roster/internal/money"
	"roster/internal/pool"
	"roster/internal/rostertest"
	"roster/internal/table"
)

// trouble is what may come between a call and the storage: at the n-th call after it
// was armed, and at all later ones of a process that was killed.
type trouble struct {
	next http.RoundTripper

	mu    sync.Mutex
	kind  string
	at, n int
}

func (f *trouble) arm(kind string, at int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kind, f.at, f.n = kind, at, 0
}

var errCut = errors.New("connection reset by peer")

func (f *trouble) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	f.n++
	kind, strikes, later := f.kind, f.n == f.at, f.n > f.at
	f.mu.Unlock()
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch {
	case kind == "killed" && strikes, kind == "lost" && strikes: // it was written all the same
		answer, err := f.next.RoundTrip(r)
		if err == nil {
			answer.Body.Close()
		}
		return nil, errCut
	case kind == "killed" && later:
		return nil, errCut
	case kind == "conflict" && strikes && operation == "TransactWriteItems":
		return rostertest.Cancelled("TransactionConflict", "None"), nil
	case kind == "conflict" && strikes && operation == "UpdateItem":
		return rostertest.Exception("TransactionConflictException", ""), nil
	}
	return f.next.RoundTrip(r)
}

// placed is a hold where it is: by another number of lanes, one id may have two.
type placed struct {
	lane pool.Lane
	id   string
}

// history is a pool beside what should be in it.
type history struct {
	*rostertest.Roster
	rt      *rapid.T
	trouble *trouble
	pool    pool.Pool
	limits  pool.Limits
	now     time.Time
	holds   map[placed]pool.Hold
	booked  map[int]pool.Usage
	events  int
	// beyond is, in each window, the most that may be spent and held: the limit, or
	// more if it was so before the limit was lowered, and what was used without a hold.
	beyond map[string]money.Amount
}

// must does what may be done again, in trouble and, if that was too much, without.
func (h *history) must(what func() error) error {
	if kind := rapid.SampledFrom([]string{"", "", "killed", "lost", "conflict"}).Draw(h.rt, "trouble"); kind != "" {
		h.trouble.arm(kind, rapid.IntRange(1, 5).Draw(h.rt, "at call"))
	}
	err := what()
	h.trouble.arm("", 0)
	if errors.Is(err, table.ErrUnavailable) {
		err = what()
	}
	return err
}

// total is what a window has, by the model: of the month where the day is 0.
func (h *history) total(day int) (sums pool.Sums) {
	for d, used := range h.booked {
		if day == 0 || d == day {
			sums.Usage = sums.Usage.Plus(used)
		}
	}
	for _, held := range h.holds {
		if (day == 0 || held.Day == day) && h.now.Before(held.Expires) {
			sums.Held += max(held.Amount, 1)
		}
	}
	return sums
}

// windows are the limits that a day has, and the window's day, 0 for the month.
func (h *history) windows(day int, do func(window pool.Window, day int, limit money.Amount)) {
	if h.limits.Monthly != nil {
		do(pool.Month, 0, *h.limits.Monthly)
	}
	if h.limits.Daily != nil {
		do(pool.Day, day, *h.limits.Daily)
	}
}

var days = []int{day - 1, day}

func (h *history) hold() {
	want := pool.Hold{
		ID:      fmt.Sprint("call ", rapid.IntRange(1, 40).Draw(h.rt, "id")),
		Amount:  rapid.SampledFrom([]money.Amount{0, 1, 1e9, 3_333_333_333, 7e9, 12e9, 50e9}).Draw(h.rt, "amount"),
		Day:     rapid.SampledFrom(days).Draw(h.rt, "day"),
		Expires: h.now.Add(time.Duration(rapid.IntRange(30, 90).Draw(h.rt, "seconds")) * time.Second),
	}
	var lane pool.Lane
	err := h.must(func() (err error) {
		lane, err = h.pool.Hold(h.rt.Context(), h.Table, h.limits, want, h.now)
		return err
	})
	before, again := h.holds[placed{lane, want.ID}]
	delete(h.holds, placed{lane, want.ID})
	exhausted, refused := errors.AsType[*pool.Exhausted](err)
	if err != nil && !refused {
		h.rt.Fatalf("hold: %v", err)
	}
	fits := true
	h.windows(want.Day, func(window pool.Window, day int, limit money.Amount) {
		sums := h.total(day)
		left := limit - sums.Cost - sums.Held
		fits = fits && left >= max(want.Amount, 1)
		switch {
		case refused && exhausted.Window == window && (left >= max(want.Amount, 1) || exhausted.Left != max(left, 0)):
			h.rt.Fatalf("refused %+v: %v, but %s are left", want, err, left)
		case !refused && h.pool.Team != "" && left < max(want.Amount, 1):
			h.rt.Fatalf("held %+v, but %s are left of the %s", want, left, window)
		case !refused && sums.Cost+sums.Held+max(want.Amount, 1) > max(limit, h.beyond[string(window)+fmt.Sprint(day)]):
			h.rt.Fatalf("held %+v, with %+v in the %s with a limit of %s", want, sums, window, limit)
		}
	})
	switch {
	case refused && fits:
		h.rt.Fatalf("refused %+v, which fits: %v", want, err)
	case !refused:
		h.holds[placed{lane, want.ID}] = want
	case again:
		h.holds[placed{lane, want.ID}] = before
	}
}

// allow lets every window of a day have so much more.
func (h *history) allow(day int, more money.Amount) {
	for _, window := range []string{"month0", fmt.Sprint("day", day)} {
		h.beyond[window] += more
	}
}

// one draws a hold that was not ended.
func (h *history) one() (placed, bool) {
	all := slices.SortedFunc(maps.Keys(h.holds), func(a, b placed) int { return strings.Compare(a.id, b.id)*100 + a.lane.Number - b.lane.Number })
	if len(all) == 0 {
		return placed{}, false
	}
	return rapid.SampledFrom(all).Draw(h.rt, "hold"), true
}

// book books in a transaction with an event, as callers do.
func (h *history) book(b pool.Booking) {
	h.events++
	event := table.Write{Key: table.UsageEvent(h.pool.Organization, fmt.Sprint(h.events)), Put: struct{}{}, If: table.Absent, Else: errBooked}
	err := h.must(func() error {
		err := h.Table.Transact(h.rt.Context(), event, b.Write())
		if _, gone := errors.AsType[*pool.Gone](err); gone {
			b.Ended = nil
			err = h.Table.Transact(h.rt.Context(), event, b.Write())
		}
		if errors.Is(err, errBooked) {
			return nil
		}
		return err
	})
	if err != nil {
		h.rt.Fatalf("book: %v", err)
	}
	for day, used := range b.Days {
		h.booked[day] = h.booked[day].Plus(used)
	}
}

var errBooked = errors.New("the event is booked")

func (h *history) settle() {
	of, ok := h.one()
	if !ok {
		return
	}
	held := h.holds[of]
	delete(h.holds, of)
	used := h.usage(rapid.SampledFrom([]money.Amount{0, held.Amount / 2, held.Amount, held.Amount, held.Amount + 5e9}).Draw(h.rt, "cost"))
	if h.now.Before(held.Expires) {
		h.allow(held.Day, max(0, used.Cost-held.Amount))
	} else {
		h.allow(held.Day, used.Cost)
	}
	h.book(pool.Booking{Lane: of.lane, Ended: []pool.Hold{held}, Days: map[int]pool.Usage{held.Day: used}})
}

func (h *history) usage(cost money.Amount) pool.Usage {
	return pool.Usage{Cost: cost, Requests: 1, Input: rapid.Int64Range(0, 9).Draw(h.rt, "input"), Output: 3}
}

func (h *history) count() {
	of := rapid.SampledFrom(days).Draw(h.rt, "day")
	used := h.usage(rapid.SampledFrom([]money.Amount{0, 1e9, 30e9}).Draw(h.rt, "cost"))
	h.allow(of, used.Cost)
	h.book(pool.Booking{Lane: h.pool.Lane(fmt.Sprint("event ", h.events), h.limits), Days: map[int]pool.Usage{of: used}})
}

func (h *history) release() {
	of, ok := h.one()
	if !ok {
		return
	}
	if err := h.must(func() error { return of.lane.Release(h.rt.Context(), h.Table, h.holds[of]) }); err != nil {
		h.rt.Fatalf("release: %v", err)
	}
	delete(h.holds, of)
}

func (h *history) wait() { h.now = h.now.Add(40 * time.Second) }

func (h *history) change() {
	limit := rapid.SampledFrom([]*money.Amount{nil, usd(0), usd(5), usd(20), usd(45), usd(160), usd(200), new(money.Amount(199_999_999_999))})
	h.limits = limits(limit.Draw(h.rt, "monthly"), limit.Draw(h.rt, "daily"), h.limits.Version+1)
	for _, of := range days {
		if err := h.must(func() error { return h.pool.Fence(h.rt.Context(), h.Table, h.limits, of) }); err != nil {
			h.rt.Fatalf("fence: %v", err)
		}
		h.windows(of, func(window pool.Window, day int, limit money.Amount) {
			sums := h.total(day)
			for _, held := range h.holds { // as long as nobody needs what an expired hold has, it is held
				if (day == 0 || held.Day == day) && !h.now.Before(held.Expires) {
					sums.Held += held.Amount
				}
			}
			h.beyond[string(window)+fmt.Sprint(day)] = max(limit, sums.Cost+sums.Held)
		})
	}
}

// check compares the pool with the model.
func (h *history) check() {
	sums := map[string]int64{}
	for day, used := range h.booked {
		for suffix := range map[string]bool{"": true, fmt.Sprintf("%02d", day): true} {
			sums["n"+suffix] += int64(used.Cost)
		}
	}
	live, all := 0, 0
	for _, held := range h.holds {
		if h.now.Before(held.Expires) {
			live++
		}
	}
	pk, prefix := table.PoolLanes(h.pool.Organization, h.pool.Team, h.pool.Month)
	items, err := h.Table.QueryAll(h.rt.Context(), table.Query{PK: pk, Prefix: prefix})
	if err != nil {
		h.rt.Fatal(err)
	}
	got := map[string]int64{}
	for _, item := range items {
		for name, value := range item {
			switch value := value.(type) {
			case *types.AttributeValueMemberB:
				amount, of := binaryAmount(value.Value)
				sums["n"] += amount
				sums[fmt.Sprintf("n%02d", of)] += amount
				all++
			case *types.AttributeValueMemberN:
				n, err := strconv.ParseInt(value.Value, 10, 64)
				if err != nil {
					h.rt.Fatal(err)
				}
				got[name] += n
			}
		}
	}
	for name, n := range got {
		if name[0] == 'n' && n != sums[name] || name[0] == 'g' && n != 0 {
			h.rt.Fatalf("%s is %d; there is %v, wanted %v", name, n, got, sums)
		}
	}
	if all < live {
		h.rt.Fatalf("%d holds of %d are there", all, live)
	}
	state, err := h.pool.Read(h.rt.Context(), h.Table, h.now)
	if err != nil || state.Month != h.total(0) {
		h.rt.Fatalf("read %+v, %v; wanted %+v", state.Month, err, h.total(0))
	}
	for _, day := range days {
		want := h.total(day)
		want.Usage = pool.Usage{Cost: want.Cost}
		if state.Days[day] != want {
			h.rt.Fatalf("read %+v of the %dth; wanted %+v", state.Days[day], day, want)
		}
	}
}

// binaryAmount reads a record by its documented layout.
func binaryAmount(record []byte) (amount int64, day int) {
	n, length := binary.Uvarint(record)
	return int64(n), int(record[length])
}

// TestAnyHistoryIsExact: whatever befalls a pool, and whatever goes wrong on the way,
// it refuses what does not fit and nothing else, and its sums are those of what was
// booked.
func TestAnyHistoryIsExact(t *testing.T) {
	t.Parallel()
	f := &trouble{}
	r := rostertest.NewWith(t, func(next http.RoundTripper) http.RoundTripper {
		f.next = next
		return f
	})
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{Roster: r, rt: rt, trouble: f, now: now, holds: map[placed]pool.Hold{}, booked: map[int]pool.Usage{}, beyond: map[string]money.Amount{}}
		h.pool = rapid.SampledFrom([]func() pool.Pool{ofTeam, ofOrganization}).Draw(rt, "pool")()
		h.change()
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			step := rapid.IntRange(0, 19).Draw(rt, "step")
			switch {
			case step < 9:
				h.hold()
			case step < 13:
				h.settle()
			case step < 15:
				h.release()
			case step < 16:
				h.count()
			case step < 18:
				h.wait()
			default:
				h.change()
			}
			h.check()
		}
	})
}
