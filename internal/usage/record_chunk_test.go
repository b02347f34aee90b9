package usage_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"roster/internal/id"
	"roster/internal/member/membertest"
	"roster/internal/money"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
	"roster/internal/usage"
)

func chunk(source, sequence int) string {
	return fmt.Sprintf("PUT /v1/usage/sources/%d/%d", source, sequence)
}

func next(t *testing.T, c company, source int) float64 {
	t.Helper()
	n, _ := c.Must(t, 200, fmt.Sprint("GET /v1/usage/sources/", source), c.gateway.Secret, nil).At("source", "next").(float64)
	return n
}

func TestChunksOfASourceCountOnce(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	red := membertest.AddTeam(t, c.Roster, c.owner.Organization)
	c.limit(t, object{"team_id": red, "monthly_limit": 100})
	ada, bob := c.addTo(t, red), c.add(t, permission.Member)
	if next(t, c, 3) != 1 {
		t.Error("a source does not begin with 1")
	}
	first := object{"events": []object{
		event("a", "1.5", of(ada.ID)), event("b", "2", of(bob.ID)), event("c", "0.25", of(ada.ID), at("2026-10-31T10:00:00Z")),
		event("a", "1.5", of(ada.ID)), {"id": "broken"}, event("own", "9", of(ada.ID), object{"connection_scope": "personal"}),
		event("reserved", "1", of(ada.ID), object{"reservation_id": "res_1"}), event("nobody", "1", of(id.NewUser(c.Now()))),
	}}
	want := []string{"recorded", "recorded", "recorded", "duplicate", "rejected:invalid_input", "recorded", "rejected:reservation_in_chunk", "rejected:member_not_found"}
	got := c.Must(t, 200, chunk(3, 1), c.gateway.Secret, first)
	if !slices.Equal(outcomes(got), want) || got.String("chunk", "status") != "recorded" {
		t.Errorf("%s", got.Raw)
	}
	again := c.Must(t, 200, chunk(3, 1), c.gateway.Secret, first)
	if again.String("chunk", "status") != "duplicate" || outcomes(again)[0] != "duplicate" || outcomes(again)[4] != want[4] {
		t.Errorf("%s", again.Raw)
	}
	if refused := c.Refused(t, 409, "sequence_taken", chunk(3, 1), c.gateway.Secret, object{"events": []object{event("z", "1", of(ada.ID))}}); refused.At("next") != 2.0 {
		t.Errorf("%s", refused.Raw)
	}
	if refused := c.Refused(t, 409, "sequence_gap", chunk(3, 3), c.gateway.Secret, first); refused.At("next") != 2.0 {
		t.Errorf("%s", refused.Raw)
	}
	c.Must(t, 200, chunk(3, 2), c.gateway.Secret, object{"events": []object{event("d", "3", of(bob.ID))}})
	c.Must(t, 200, chunk(4, 1), c.gateway.Secret, object{"events": []object{event("e", "1", of(ada.ID))}}) // another source
	c.Refused(t, 403, "permission_denied", chunk(3, 3), ada.Secret, first)
	c.Refused(t, 403, "permission_denied", "GET /v1/usage/sources/3", ada.Secret, nil)
	if other := newCompany(t); next(t, other, 3) != 1 {
		t.Error("another organization's source")
	}
	if next(t, c, 3) != 3 {
		t.Error("the next chunk is not 3")
	}
	counters := c.counters(t, ada.ID)
	for name, n := range map[string]int64{"2026-11 c": 2_500_000_000, "2026-11 r": 2, "2026-11 p": 1, "2026-10 c": 250_000_000, "2026-11 w03": 1, "2026-11 w04": 1} {
		if counters[name] != n {
			t.Errorf("%s: %d, not %d", name, counters[name], n)
		}
	}
	if got := c.counters(t, bob.ID); got["2026-11 c"] != 5_000_000_000 || got["2026-11 w03"] != 2 {
		t.Errorf("%v", got)
	}
	for team, want := range map[id.Team]money.Amount{"": 7_500_000_000, red: 2_500_000_000} {
		if got := c.pool(t, team, "2026-11").Month.Cost; got != want {
			t.Errorf("%q: %s", team, got)
		}
	}
	for _, path := range []string{"24/1", "-1/1", "x/1", "3/0", "3/1.5"} {
		c.Refused(t, 404, "not_found", "PUT /v1/usage/sources/"+path, c.gateway.Secret, first)
	}
}

// TestAChunkThatWasCutOffIsCounted, whoever comes first: the source again, or the sweep;
// whatever was cut off, it is counted once.
func TestAChunkThatWasCutOffIsCounted(t *testing.T) {
	t.Parallel()
	var left atomic.Int64
	left.Store(1 << 40)
	c := newCompanyWith(t, func(next http.RoundTripper) http.RoundTripper {
		return rostertest.RoundTrip(func(r *http.Request) (*http.Response, error) {
			if writes := strings.HasSuffix(r.Header.Get("X-Amz-Target"), "Item"); writes && !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetItem") && left.Add(-1) < 0 {
				return rostertest.Exception("ThrottlingException", ""), nil
			}
			return next.RoundTrip(r)
		})
	})
	sweep := func() error { return usage.NewMeter(c.Env).Sweep(t.Context(), events.EventBridgeEvent{}) }
	var members []id.User
	for range 6 {
		members = append(members, c.add(t, permission.Member).ID)
	}
	sequence, cost := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		sequence++
		var all []object
		for i := range rapid.IntRange(1, 12).Draw(rt, "events") {
			all = append(all, event(fmt.Sprint(sequence, "-", i), "1", of(rapid.SampledFrom(members).Draw(rt, "member"))))
		}
		body := object{"events": all}
		left.Store(rapid.Int64Range(0, 12).Draw(rt, "writes"))
		stored := c.Call(t, chunk(0, sequence), c.gateway.Secret, body).Status == 200
		for range rapid.IntRange(0, 2).Draw(rt, "sweeps") {
			left.Store(rapid.Int64Range(0, 12).Draw(rt, "writes"))
			c.Advance(time.Minute)
			_ = sweep()
		}
		left.Store(1 << 40)
		if rapid.Bool().Draw(rt, "again") {
			c.Must(t, 200, chunk(0, sequence), c.gateway.Secret, body)
			stored = true
		}
		c.Advance(time.Minute)
		if err := sweep(); err != nil {
			rt.Fatal(err)
		}
		if next(t, c, 0) == float64(sequence+1) {
			cost += len(all)
		} else if sequence--; stored { // nothing of it was stored
			rt.Fatal("a chunk that was answered is not counted")
		}
		sum := int64(0)
		for _, user := range members {
			sum += c.counters(t, user)["2026-11 c"]
		}
		if pooled := c.pool(t, "", "2026-11").Month; sum != int64(cost)*1_000_000_000 || int64(pooled.Cost) != sum || pooled.Requests != int64(cost) {
			rt.Fatalf("%d counted, %+v in the pool, of %d events", sum, pooled, cost)
		}
	})
}

// TestOneChunkFromManyAtOnce is counted once.
func TestOneChunkFromManyAtOnce(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	team := c.team(t, 20)
	for sequence := 1; sequence <= 3; sequence++ {
		body := object{"events": batchOf(60, fmt.Sprint("chunk ", sequence), team)}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if got := c.Call(t, chunk(7, sequence), c.gateway.Secret, body); got.Status != 200 {
					t.Errorf("%s", got.Raw)
				}
			})
		}
		all.Wait()
	}
	for _, user := range team {
		if n := c.counters(t, user)["2026-11 r"]; n != 9 {
			t.Errorf("%d requests counted, not 9", n)
		}
	}
	if got := c.pool(t, "", "2026-11").Month; got.Requests != 180 {
		t.Errorf("%+v", got)
	}
}

// TestAnEventInAChunkCostsAFraction: 500 events of 100 members, in the middle of a month.
func TestAnEventInAChunkCostsAFraction(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	team := c.team(t, 100)
	c.Must(t, 200, chunk(0, 1), c.gateway.Secret, object{"events": batchOf(100, "the first places each in the index", team)})
	for _, of := range []struct {
		events, members int
		most            float64
	}{{500, 100, 0.35}, {500, 10, 0.15}, {45, 10, 0.7}} {
		batch := batchOf(of.events, fmt.Sprint(of.events, "-", of.members), team[:of.members])
		for i := range batch {
			batch[i]["id"] = fmt.Sprintf("req_%016x", uint64(i+1)*0x9E3779B97F4A7C15)
			batch[i]["input_tokens"], batch[i]["cost_usd"] = 1000+i*37%4096, fmt.Sprintf("0.%09d", 1+i*7919%99999999)
			batch[i]["occurred_at"] = c.Now().Add(-time.Duration(i) * 1_234_567 * time.Nanosecond).Format(time.RFC3339Nano)
		}
		sequence := int(next(t, c, 0))
		ctx, capacity := table.WithCapacity(t.Context())
		if got := c.CallContext(t, ctx, chunk(0, sequence), c.gateway.Secret, object{"events": batch}); got.Status != 200 {
			t.Fatalf("%s", got.Raw)
		}
		read, write := capacity.Units()
		t.Logf("%d events of %d members: %.2f RRU and %.3f WRU an event", of.events, of.members, read/float64(of.events), write/float64(of.events))
		if per := write / float64(of.events); per > of.most {
			t.Errorf("%v", per)
		}
	}
}

// TestAChunkThatIsTooLarge is refused, and a smaller one takes its number.
func TestAChunkThatIsTooLarge(t *testing.T) {
	t.Parallel()
	var large atomic.Bool
	c := newCompanyWith(t, func(next http.RoundTripper) http.RoundTripper {
		return rostertest.RoundTrip(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutItem") && large.Load() {
				answer := rostertest.Exception("ValidationException", "")
				answer.Body = io.NopCloser(strings.NewReader(
					`{"__type":"com.amazon.coral.validate#ValidationException","message":"Item size has exceeded the maximum allowed size"}`))
				return answer, nil
			}
			return next.RoundTrip(r)
		})
	})
	ada := c.add(t, permission.Member)
	all := batchOf(20, "all", []id.User{ada.ID})
	large.Store(true)
	c.Refused(t, 413, "chunk_too_large", chunk(0, 1), c.gateway.Secret, object{"events": all})
	large.Store(false)
	c.Must(t, 200, chunk(0, 1), c.gateway.Secret, object{"events": all[:10]})
	c.Must(t, 200, chunk(0, 2), c.gateway.Secret, object{"events": all[10:]})
	if n := c.counters(t, ada.ID)["2026-11 r"]; n != 20 {
		t.Errorf("%d counted", n)
	}
}
