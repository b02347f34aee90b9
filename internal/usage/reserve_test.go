package usage_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/member/membertest"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
)

// limit changes somebody's limits, as an owner does.
func (c company) limit(t testing.TB, body object) rostertest.Response {
	t.Helper()
	return c.Must(t, 200, "PUT /api/organizations/"+string(c.owner.Organization)+"/spending-limits", c.owner.Secret, body)
}

const reserving = "POST /v1/reservations"

// hold reserves an amount, and returns the reservation's id; empty, it was refused for
// a limit.
func (c company) hold(t testing.TB, credential string, body object) string {
	t.Helper()
	got := c.Call(t, reserving, credential, body)
	switch {
	case got.Status == 429 && got.Code() == "limit_reached":
		return ""
	case got.Status != 200:
		t.Errorf("%s", got.Raw)
	}
	return got.String("reservation", "id")
}

func commitOf(reservation string) string { return "POST /v1/reservations/" + reservation + "/commit" }

func TestWhoHasReachedALimitIsRefusedUntilItResets(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.limit(t, object{"user_id": ada.ID, "monthly_limit": 10, "daily_limit": 4})
	c.report(t, ada.Secret, event("a", "1.5"))
	got := c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil)
	if got.At("remaining", "daily_usd") != 2.5 || got.At("remaining", "monthly_usd") != 8.5 {
		t.Errorf("%s", got.Raw)
	}
	c.report(t, ada.Secret, event("b", "2.75")) // what happened is recorded
	refused := c.Refused(t, 429, "limit_reached", "POST /v1/authorize", ada.Secret, nil)
	if refused.At("allowed") != false || refused.String("limit", "of") != "member" || refused.String("limit", "window") != "daily" ||
		refused.At("limit", "used_usd") != 4.25 || refused.String("limit", "set_by") != string(c.owner.ID) ||
		refused.String("limit", "resets_at") != "2026-11-23T00:00:00Z" || refused.Header.Get("Retry-After") != "50400" || refused.Header.Get("X-Should-Retry") != "false" {
		t.Errorf("%s %s", refused.Raw, refused.Header)
	}
	if status := c.Must(t, 200, "GET /v1/key", ada.Secret, nil); status.At("allowed") != false || status.String("code") != "limit_reached" {
		t.Errorf("%s", status.Raw)
	}
	c.Must(t, 200, "POST /v1/authorize", c.owner.Secret, nil) // nobody else is concerned
	c.Advance(14 * time.Hour)
	got = c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil)
	if got.At("remaining", "daily_usd") != 4.0 || got.At("remaining", "monthly_usd") != 5.75 {
		t.Errorf("the day after: %s", got.Raw)
	}
	c.report(t, ada.Secret, event("c", "6"))
	c.limit(t, object{"user_id": ada.ID, "daily_limit": nil})
	if refused = c.Refused(t, 429, "limit_reached", "POST /v1/authorize", ada.Secret, nil); refused.String("limit", "window") != "monthly" {
		t.Errorf("%s", refused.Raw)
	}
	c.limit(t, object{"user_id": ada.ID, "monthly_limit": "10.26"})
	c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil)
	c.limit(t, object{"user_id": ada.ID, "monthly_limit": 0})
	c.Refused(t, 429, "limit_reached", "POST /v1/authorize", ada.Secret, nil)
	c.limit(t, object{"user_id": ada.ID, "monthly_limit": "inherit"})
	c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil)
	c.setOrganization(t, "default_monthly_limit", 5_000_000_000)
	c.Advance(access.GateTTL)
	if refused = c.Refused(t, 429, "limit_reached", "POST /v1/authorize", ada.Secret, nil); refused.String("limit", "origin") != "organization" || refused.At("limit", "set_by") != nil {
		t.Errorf("%s", refused.Raw)
	}
	c.setOrganization(t, "limit_mode", "observe")
	c.Advance(access.GateTTL)
	if got = c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil); got.At("remaining", "monthly_usd") != 0.0 {
		t.Errorf("%s", got.Raw)
	}
}

func TestAKeysLimitBindsItAlone(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	key := keyOf(ada.Member)
	limits := c.limit(t, object{"key_id": key, "daily_limit": 1})
	if limits.At("limits", "daily_limit") != 1.0 || limits.At("limits", "monthly_limit") != nil || limits.String("limits", "key_id") != string(key) {
		t.Errorf("%s", limits.Raw)
	}
	c.report(t, c.gateway.Secret, event("other", "5", of(ada.ID))) // through no key
	c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil)
	c.report(t, c.gateway.Secret, event("own", "1", object{"key_id": key}))
	refused := c.Refused(t, 429, "limit_reached", "POST /v1/authorize", ada.Secret, nil)
	if refused.String("limit", "of") != "key" || refused.At("limit", "used_usd") != 1.0 {
		t.Errorf("%s", refused.Raw)
	}
	c.Must(t, 200, "POST /v1/authorize", c.gateway.Secret, of(ada.ID))
	c.Advance(14 * time.Hour)
	if c.hold(t, ada.Secret, object{"estimated_cost_usd": 1}) == "" || c.hold(t, ada.Secret, object{"estimated_cost_usd": "0.000000001"}) != "" {
		t.Error("the key's limit does not bind what it reserves")
	}
	c.Must(t, 200, reserving, c.gateway.Secret, object{"user_id": ada.ID, "estimated_cost_usd": 3})
}

// TestAKeysReservationStaysTheKeys, whoever settles it: a gateway that names the member
// alone, too.
func TestAKeysReservationStaysTheKeys(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.limit(t, object{"key_id": keyOf(ada.Member), "monthly_limit": 5})
	first, second := c.hold(t, ada.Secret, object{"estimated_cost_usd": 3}), c.hold(t, ada.Secret, object{"estimated_cost_usd": 2})
	c.Must(t, 200, commitOf(first), c.gateway.Secret, object{"cost_usd": 3})
	c.report(t, c.gateway.Secret, event("e", "2", of(ada.ID), object{"reservation_id": second}))
	refused := c.Refused(t, 429, "limit_reached", "POST /v1/authorize", ada.Secret, nil)
	if refused.String("limit", "of") != "key" || refused.At("limit", "used_usd") != 5.0 {
		t.Errorf("%s", refused.Raw)
	}
}

func TestStrictLimitsTakeReservations(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.setOrganization(t, "limit_mode", "strict")
	ada := c.add(t, permission.Member)
	c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil) // no limit, no reservation
	c.limit(t, object{"user_id": ada.ID, "monthly_limit": 1})
	c.Refused(t, 403, "reservation_required", "POST /v1/authorize", ada.Secret, nil)
	c.Must(t, 200, reserving, ada.Secret, object{"estimated_cost_usd": 1})
}

func TestAReservationIsSettledOnce(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.limit(t, object{"user_id": ada.ID, "monthly_limit": 10, "daily_limit": 9})
	left := func(want float64) {
		t.Helper()
		if got := c.Call(t, "GET /v1/key", ada.Secret, nil); got.At("remaining", "monthly_usd") != want {
			t.Errorf("%s, want %v left", got.Raw, want)
		}
	}
	body := object{"id": "call-1", "estimated_cost_usd": 3, "model": "openai/gpt-4o", "expires_in_s": 60}
	first := c.Must(t, 200, reserving, ada.Secret, body)
	if again := c.Must(t, 200, reserving, ada.Secret, body); string(again.Raw) != string(first.Raw) {
		t.Errorf("%s\n%s", first.Raw, again.Raw)
	}
	if first.At("reservation", "amount_usd") != 3.0 || first.String("reservation", "expires_at") != "2026-11-22T10:01:00Z" || first.At("remaining", "daily_usd") != 6.0 {
		t.Errorf("%s", first.Raw)
	}
	c.Refused(t, 409, "reservation_exists", reserving, ada.Secret, object{"id": "call-1", "estimated_cost_usd": 4, "model": "openai/gpt-4o"})
	left(7)
	reservation := first.String("reservation", "id")
	// Less than was held, and once, whoever says it and how.
	c.Must(t, 200, commitOf(reservation), ada.Secret, object{"cost_usd": "1.25", "output_tokens": 7})
	left(8.75)
	for range 2 {
		if got := c.Must(t, 200, commitOf(reservation), c.gateway.Secret, object{"cost_usd": "1.5"}); got.String("reservation", "status") != "duplicate" {
			t.Errorf("%s", got.Raw)
		}
	}
	if got := c.report(t, c.gateway.Secret, event("e", "2", of(ada.ID), object{"reservation_id": reservation})); got[0] != "duplicate" {
		t.Errorf("%v", got)
	}
	c.Must(t, 200, "DELETE /v1/reservations/"+reservation, ada.Secret, nil)
	left(8.75)
	if counters := c.counters(t, ada.ID); counters["2026-11 c"] != 1_250_000_000 || counters["2026-11 r:openai/gpt-4o"] != 1 || counters["2026-11 o22"] != 7 {
		t.Errorf("%v", counters)
	}
	// By an event; more than was held.
	second := c.hold(t, ada.Secret, object{"estimated_cost_usd": 2})
	if got := c.report(t, ada.Secret, event("f", "2.5", object{"reservation_id": second})); got[0] != "recorded" {
		t.Errorf("%v", got)
	}
	left(6.25)
	// Given back, twice.
	third := c.hold(t, ada.Secret, object{"estimated_cost_usd": 2})
	for _, want := range []float64{2, 0} {
		if got := c.Must(t, 200, "DELETE /v1/reservations/"+third, ada.Secret, nil); got.At("reservation", "amount_usd") != want {
			t.Errorf("%s", got.Raw)
		}
	}
	left(6.25)
	// Over, and booked late all the same.
	c.limit(t, object{"user_id": ada.ID, "daily_limit": nil})
	fourth := c.hold(t, ada.Secret, object{"estimated_cost_usd": "6.25", "expires_in_s": 1})
	if c.hold(t, ada.Secret, object{"estimated_cost_usd": "0.01"}) != "" {
		t.Error("more is held than is left")
	}
	c.Advance(2 * time.Second)
	left(6.25)
	fifth := c.hold(t, ada.Secret, object{"estimated_cost_usd": 4}) // takes the place of the fourth
	for _, status := range []string{"recorded", "duplicate"} {
		if got := c.Must(t, 200, commitOf(fourth), ada.Secret, object{"cost_usd": 1}); got.At("reservation", "late") != true || got.At("reservation", "status") != status {
			t.Errorf("it was late: %s", got.Raw)
		}
	}
	left(1.25)
	if got := c.Must(t, 200, commitOf(fifth), ada.Secret, object{"input_tokens": 1000, "output_tokens": 10, "model": "openai/gpt-4o"}); got.At("reservation", "late") != nil {
		t.Errorf("it was not late: %s", got.Raw)
	}
	if got := c.Call(t, "GET /v1/key", ada.Secret, nil); got.At("remaining", "monthly_usd").(float64) <= 5 {
		t.Errorf("%s", got.Raw)
	}
	late := 0
	for _, item := range c.DumpItems(t) {
		if item["late"] == true {
			late++
		}
	}
	if late != 1 {
		t.Errorf("%d late events", late)
	}
}

// TestANameMayBeReservedAgain once its reservation is over: it takes the place of that.
func TestANameMayBeReservedAgain(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.limit(t, object{"user_id": ada.ID, "monthly_limit": 10})
	body := object{"id": "again", "estimated_cost_usd": 8, "expires_in_s": 1}
	first := c.hold(t, ada.Secret, body)
	c.hold(t, ada.Secret, object{"estimated_cost_usd": 1, "expires_in_s": 1})
	c.Advance(2 * time.Second)
	body["estimated_cost_usd"] = 9
	got := c.Must(t, 200, reserving, ada.Secret, body)
	if got.String("reservation", "id") != first || got.At("remaining", "monthly_usd") != 1.0 {
		t.Errorf("%s", got.Raw)
	}
	c.Must(t, 200, commitOf(first), ada.Secret, object{"cost_usd": 9})
	if counters := c.counters(t, ada.ID); counters["2026-11 c"] != 9_000_000_000 {
		t.Errorf("%v", counters)
	}
}

// TestASettledReservationStaysSettled, however much later it is reported again.
func TestASettledReservationStaysSettled(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	reservation := c.hold(t, ada.Secret, object{"estimated_cost_usd": 1})
	c.Must(t, 200, commitOf(reservation), ada.Secret, object{"cost_usd": 1})
	for _, days := range []int{1, 4, 25} {
		c.Advance(time.Duration(days) * 24 * time.Hour)
		if got := c.Must(t, 200, commitOf(reservation), ada.Secret, object{"cost_usd": 1}); got.String("reservation", "status") != "duplicate" {
			t.Errorf("%d days later: %s", days, got.Raw)
		}
		if got := c.report(t, ada.Secret, event(fmt.Sprint("e", days), "1", object{"reservation_id": reservation})); got[0] != "duplicate" {
			t.Errorf("%d days later: %v", days, got)
		}
	}
	c.Advance(10 * 24 * time.Hour)
	c.Refused(t, 422, "occurred_too_early", commitOf(reservation), ada.Secret, object{"cost_usd": 1})
	ahead := id.NewReservation(ada.ID, c.Now().Add(48*time.Hour), "forged", false)
	c.Refused(t, 422, "occurred_in_future", commitOf(string(ahead)), ada.Secret, object{"cost_usd": 1})
	if got := c.report(t, ada.Secret, event("forged", "1", object{"reservation_id": ahead})); got[0] != "rejected:occurred_in_future" {
		t.Errorf("%v", got)
	}
}

func TestWhoMaySettleAReservation(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, eve := c.add(t, permission.Member), c.add(t, permission.Member)
	c.limit(t, object{"user_id": ada.ID, "monthly_limit": 10})
	reservation := c.hold(t, ada.Secret, object{"estimated_cost_usd": 10})
	c.Refused(t, 403, "cannot_act_for_others", "DELETE /v1/reservations/"+reservation, eve.Secret, nil)
	c.Refused(t, 403, "cannot_act_for_others", commitOf(reservation), eve.Secret, object{"cost_usd": 0})
	c.Refused(t, 403, "cannot_act_for_others", reserving, eve.Secret, object{"user_id": ada.ID, "estimated_cost_usd": 1})
	// An event of her own that names it ends nothing of his.
	c.report(t, eve.Secret, event("e", "1", object{"reservation_id": reservation}))
	if c.hold(t, ada.Secret, object{"estimated_cost_usd": 1}) != "" {
		t.Error("a foreign event ended the reservation")
	}
	other := newCompany(t)
	other.Must(t, 200, "DELETE /v1/reservations/"+reservation, other.gateway.Secret, nil)
	if c.hold(t, ada.Secret, object{"estimated_cost_usd": 1}) != "" {
		t.Error("another organization ended the reservation")
	}
	c.Must(t, 200, "DELETE /v1/reservations/"+reservation, c.gateway.Secret, nil)
	if c.hold(t, c.gateway.Secret, object{"key": ada.Secret, "estimated_cost_usd": 10}) == "" {
		t.Error("what was given back is not there")
	}
}

func TestEstimatesByTokens(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.setPrices(t, `{"prices":{"acme/one":{"input_cost_per_token":"0.001","output_cost_per_token":"0.01","max_output_tokens":500}}}`)
	ada := c.add(t, permission.Member)
	asked := object{"model": "acme/one", "input_tokens": 1000, "max_output_tokens": 100}
	if got := c.Must(t, 200, reserving, ada.Secret, asked); got.At("reservation", "amount_usd") != 2.0 || got.At("max_output_tokens") != 500.0 {
		t.Errorf("%s", got.Raw)
	}
	c.limit(t, object{"user_id": ada.ID, "monthly_limit": 6}) // of which 2 are held
	if got := c.Must(t, 200, reserving, ada.Secret, asked); got.At("max_output_tokens") != 300.0 {
		t.Errorf("%s", got.Raw)
	}
	asked["max_output_tokens"] = 101
	refused := c.Refused(t, 429, "limit_reached", reserving, ada.Secret, asked)
	if refused.At("max_output_tokens") != 100.0 || refused.At("requested_usd") != 2.01 || refused.At("limit", "remaining_usd") != 2.0 {
		t.Errorf("%s", refused.Raw)
	}
	c.Refused(t, 422, "model_unpriced", reserving, ada.Secret, object{"model": "acme/two", "input_tokens": 1, "max_output_tokens": 1})
}

// firstTry reports whether the SDK makes a call for the first time: all three of its tries
// are not to be lost.
func firstTry(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Amz-Sdk-Request"), "attempt=1")
}

// TestNobodyOvershootsAtOnce: of 200 at once, as many get a reservation as there is
// room for, whatever the limit is changed to meanwhile; answers are lost on the way, and
// calls are made again.
func TestNobodyOvershootsAtOnce(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	c := newCompanyWith(t, func(next http.RoundTripper) http.RoundTripper {
		return rostertest.RoundTrip(func(r *http.Request) (*http.Response, error) {
			answer, err := next.RoundTrip(r)
			if err == nil && strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".UpdateItem") && firstTry(r) && calls.Add(1)%17 == 0 {
				answer.Body.Close()
				return nil, fmt.Errorf("the answer is lost")
			}
			return answer, err
		})
	})
	ada := c.add(t, permission.Member)
	c.limit(t, object{"user_id": ada.ID, "monthly_limit": 50})
	var (
		all     sync.WaitGroup
		granted atomic.Int64
	)
	for i := range 200 {
		all.Go(func() {
			reservation := c.hold(t, c.gateway.Secret, object{"user_id": ada.ID, "id": fmt.Sprint("call ", i)[5:], "estimated_cost_usd": 1})
			if reservation == "" {
				return
			}
			granted.Add(1)
			switch i % 3 {
			case 0:
				c.Must(t, 200, commitOf(reservation), c.gateway.Secret, object{"cost_usd": 1})
			case 1:
				c.report(t, c.gateway.Secret, event(fmt.Sprint("e", i), "1", of(ada.ID), object{"reservation_id": reservation}))
			}
		})
	}
	all.Wait()
	if granted.Load() != 50 {
		t.Errorf("%d of 50 were granted", granted.Load())
	}
	if got := c.Call(t, "GET /v1/key", ada.Secret, nil); got.At("remaining", "monthly_usd") != 0.0 {
		t.Errorf("%s", got.Raw)
	}
}

// TestHistoriesOfReservations plays reservations that are repeated, settled in each way,
// given back, left to expire, and limits that change meanwhile: the counters are the sum
// of the events, what is left is the limit less what was spent and is held, and nothing
// exceeds the limit that there is but by what was not reserved.
func TestHistoriesOfReservations(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	rapid.Check(t, func(rt *rapid.T) { newHistory(t, c).play(rt) })
}

// history is what a member's reservations came to, in hundredths of a dollar.
type history struct {
	company
	t     *testing.T
	ada   membertest.Member
	limit int64 // none where negative
	spent int64
	held  map[string]promise
	names int
}

type promise struct {
	amount  int64
	expires time.Time
}

func newHistory(t *testing.T, c company) *history {
	return &history{company: c, t: t, ada: c.add(t, permission.Member), limit: -1, held: map[string]promise{}}
}

func usd(cents int64) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

func (h *history) live() (sum int64) {
	for _, p := range h.held {
		if h.Now().Before(p.expires) {
			sum += p.amount
		}
	}
	return sum
}

func (h *history) play(rt *rapid.T) {
	pick := func() string {
		if len(h.held) == 0 {
			rt.Skip("nothing is reserved")
		}
		ids := make([]string, 0, len(h.held))
		for reservation := range h.held {
			ids = append(ids, reservation)
		}
		return rapid.SampledFrom(slices.Sorted(slices.Values(ids))).Draw(rt, "reservation")
	}
	settle := func(reservation string, cents int64, by func()) {
		by()
		by()
		h.spent += cents
		delete(h.held, reservation)
	}
	rt.Repeat(map[string]func(*rapid.T){
		"reserve": func(rt *rapid.T) {
			cents := rapid.Int64Range(0, 300).Draw(rt, "cents")
			seconds := rapid.Int64Range(1, 60).Draw(rt, "seconds")
			h.names++
			body := object{"id": fmt.Sprint(h.ada.ID, h.names), "estimated_cost_usd": usd(cents), "expires_in_s": seconds}
			room := h.limit - h.spent - h.live()
			fits := h.limit < 0 || cents <= room && room > 0
			reservation := h.hold(h.t, h.ada.Secret, body)
			if (reservation != "") != fits {
				rt.Fatalf("%d of a limit of %d, %d spent, %d held: %q", cents, h.limit, h.spent, h.live(), reservation)
			}
			if reservation != "" {
				h.held[reservation] = promise{cents, h.Now().Add(time.Duration(seconds) * time.Second)}
				if again := h.hold(h.t, h.ada.Secret, body); again != reservation {
					rt.Fatalf("the same again: %q", again)
				}
			}
		},
		"commit": func(rt *rapid.T) {
			reservation, cents := pick(), rapid.Int64Range(0, 300).Draw(rt, "cents")
			settle(reservation, cents, func() {
				h.Must(h.t, 200, commitOf(reservation), h.ada.Secret, object{"cost_usd": usd(cents)})
			})
		},
		"report": func(rt *rapid.T) {
			reservation, cents := pick(), rapid.Int64Range(0, 300).Draw(rt, "cents")
			settle(reservation, cents, func() {
				h.report(h.t, h.gateway.Secret, event(fmt.Sprint("r", reservation), usd(cents), of(h.ada.ID), object{"reservation_id": reservation}))
			})
		},
		"release": func(rt *rapid.T) {
			reservation := pick()
			settle(reservation, 0, func() { h.Must(h.t, 200, "DELETE /v1/reservations/"+reservation, h.ada.Secret, nil) })
		},
		"unreserved": func(rt *rapid.T) {
			cents := rapid.Int64Range(0, 100).Draw(rt, "cents")
			h.names++
			h.report(h.t, h.ada.Secret, event(fmt.Sprint("u", h.names), usd(cents)))
			h.spent += cents
		},
		"limit": func(rt *rapid.T) {
			h.limit = rapid.Int64Range(-1, 1500).Draw(rt, "limit")
			var limit any
			if h.limit >= 0 {
				limit = usd(h.limit)
			}
			h.company.limit(h.t, object{"user_id": h.ada.ID, "monthly_limit": limit})
		},
		"wait": func(rt *rapid.T) { h.Advance(time.Duration(rapid.Int64Range(1, 30).Draw(rt, "seconds")) * time.Second) },
		"": func(rt *rapid.T) {
			got := h.Must(h.t, 200, "GET /v1/key", h.ada.Secret, nil)
			if spent := got.At("spend", "monthly_usd"); spent != float64(h.spent)/100 {
				rt.Fatalf("%v spent, want %v", spent, h.spent)
			}
			want := orNil(h.limit >= 0, float64(max(0, h.limit-h.spent-h.live()))/100)
			if left := got.At("remaining", "monthly_usd"); left != want {
				rt.Fatalf("%v left, want %v of %d: %d spent, %d held", left, want, h.limit, h.spent, h.live())
			}
		},
	})
}

func TestReservationsCost(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, bob := c.add(t, permission.Member), c.add(t, permission.Member)
	for _, m := range []membertest.Member{ada, bob} {
		c.ten(t, m.ID)
		c.limit(t, object{"user_id": m.ID, "monthly_limit": 1000, "daily_limit": 100})
	}
	c.workMonth(t, bob.ID)
	for i := range 3 { // which seal the days that are over
		c.report(t, bob.Secret, event(fmt.Sprint("sealing-", i), "0.000123"))
	}
	for name, of := range map[string]struct {
		membertest.Member
		calls int // in flight
		units float64
	}{
		"an empty month": {ada, 12, 1},
		"a busy month":   {bob, 16, 2},
	} {
		var last string
		for i := range of.calls {
			ctx, capacity := table.WithCapacity(t.Context())
			got := c.CallContext(t, ctx, reserving, of.Secret, object{"estimated_cost_usd": "0.25", "model": "openai/gpt-4o"})
			if read, write := capacity.Units(); got.Status != 200 || read > 1 || write > of.units {
				t.Errorf("%s, the %d. reservation: %s %v", name, i+1, got.Raw, capacity.Calls())
			}
			last = got.String("reservation", "id")
		}
		ctx, capacity := table.WithCapacity(t.Context())
		c.CallContext(t, ctx, commitOf(last), of.Secret, object{"cost_usd": "0.2"})
		if read, write := capacity.Units(); read > 2 || write > 5+2*of.units {
			t.Errorf("%s, a commit: %v", name, capacity.Calls())
		}
	}
}

func TestATestKeyReservesApart(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.limit(t, object{"user_id": ada.ID, "monthly_limit": 0})
	k := c.keyed(t, ada)
	got := c.Must(t, 200, reserving, k.secret, object{"estimated_cost_usd": 5})
	reservation := got.String("reservation", "id")
	if !strings.HasPrefix(reservation, "res_test_") || got.At("remaining", "monthly_usd") != nil {
		t.Errorf("%s", got.Raw)
	}
	c.Must(t, 200, commitOf(reservation), c.gateway.Secret, object{"cost_usd": 5})
	if real, apart := c.countersIn(t, ada.ID, "L#")["2026-11 c"], c.countersIn(t, ada.ID, "T#")["2026-11 c"]; real != 0 || apart != 5_000_000_000 {
		t.Errorf("%d counted with others, %d apart", real, apart)
	}
}

// TestAReservationCountsInTheDayOfItsMaking, in the zone of the organization, also when
// it is settled after midnight, and after the month is over.
func TestAReservationCountsInTheDayOfItsMaking(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.setOrganization(t, "time_zone", "Pacific/Kiritimati")
	ada := c.add(t, permission.Member)
	c.limit(t, object{"user_id": ada.ID, "monthly_limit": 5, "daily_limit": 5})
	c.Advance(8*24*time.Hour - time.Minute) // 23:59 of the 30th there
	reservation := c.hold(t, ada.Secret, object{"estimated_cost_usd": 5, "expires_in_s": 600})
	if day := id.Reservation(reservation).Day().Format(time.DateOnly); day != "2026-11-30" {
		t.Fatalf("the reservation is of %s", day)
	}
	c.Advance(2 * time.Minute)
	if c.hold(t, ada.Secret, object{"estimated_cost_usd": 5}) == "" {
		t.Error("the new month has not all of its limit")
	}
	c.report(t, ada.Secret, event("e", "4", object{"reservation_id": reservation}))
	if counters := c.counters(t, ada.ID); counters["2026-11 c30"] != 4_000_000_000 || counters["2026-12 c01"] != 5_000_000_000 {
		t.Errorf("%v", counters)
	}
}

// orNil is a value, or nothing.
func orNil(is bool, value any) any {
	if !is {
		return nil
	}
	return value
}
