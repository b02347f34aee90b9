package usage_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"roster/internal/id"
	"roster/internal/member/membertest"
	"roster/internal/money"
	"roster/internal/permission"
	"roster/internal/table"
)

func (c company) adjusting() string {
	return "POST /api/organizations/" + string(c.owner.Organization) + "/usage/adjustments"
}

func adjustment(name string, more ...object) object {
	all := object{"id": name, "reason": "The provider refunded it"}
	for _, m := range more {
		for name, value := range m {
			all[name] = value
		}
	}
	return all
}

// TestAnAdjustmentOutlivesItsEvent: the same again is a repeat, when the event is kept no more.
func TestAnAdjustmentOutlivesItsEvent(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.report(t, c.gateway.Secret, event("e", "5", of(c.owner.ID)))
	refund := adjustment("a", object{"event_id": "e", "refund_usd": 2})
	c.Must(t, 201, c.adjusting(), c.owner.Secret, refund)
	if err := c.Table.Transact(t.Context(), table.Write{Key: table.UsageEvent(c.owner.Organization, "e"), Delete: true}); err != nil {
		t.Fatal(err)
	}
	if again := c.Must(t, 201, c.adjusting(), c.owner.Secret, refund); again.String("adjustment", "status") != "duplicate" {
		t.Errorf("%s", again.Raw)
	}
	c.Refused(t, 409, "conflict", c.adjusting(), c.owner.Secret, adjustment("a", object{"event_id": "e", "refund_usd": 1}))
	c.Refused(t, 404, "event_not_found", c.adjusting(), c.owner.Secret, adjustment("b", object{"event_id": "e", "refund_usd": 2}))
}

func TestAnEventIsRefundedByACounterEvent(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	red := membertest.AddTeam(t, c.Roster, c.owner.Organization)
	c.limit(t, object{"team_id": red, "monthly_limit": 100})
	ada := c.addTo(t, red)
	c.limit(t, object{"key_id": keyOf(ada.Member), "monthly_limit": 5})
	c.report(t, ada.Secret, event("own", "5", at("2026-11-20T12:00:00Z")), event("personal", "1"))
	c.report(t, c.gateway.Secret, event("shared", "3", of(ada.ID)))
	c.Refused(t, 429, "limit_reached", "POST /v1/authorize", ada.Secret, nil)
	ofOwn := object{"event_id": "own", "user_id": ada.ID}
	got := c.Must(t, 201, c.adjusting(), c.owner.Secret, adjustment("a", ofOwn, object{"refund_usd": 2}))
	if got.String("adjustment", "counted_on") != "2026-11-20" || got.String("adjustment", "status") != "recorded" || got.At("adjustment", "refund_usd") != 2.0 {
		t.Errorf("%s", got.Raw)
	}
	if again := c.Must(t, 201, c.adjusting(), c.owner.Secret, adjustment("a", ofOwn, object{"refund_usd": 2})); again.String("adjustment", "status") != "duplicate" {
		t.Errorf("%s", again.Raw)
	}
	c.Refused(t, 409, "conflict", c.adjusting(), c.owner.Secret, adjustment("a", ofOwn, object{"refund_usd": 1}))
	c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil) // it counts for the key, too
	counters := c.counters(t, ada.ID)
	for name, n := range map[string]int64{"2026-11 c": 7_000_000_000, "2026-11 c20": 3_000_000_000, "2026-11 r": 3, "2026-11 c:openai/gpt-4o": 7_000_000_000} {
		if counters[name] != n {
			t.Errorf("%s: %d, not %d", name, counters[name], n)
		}
	}
	for _, team := range []id.Team{"", red} {
		if got := c.pool(t, team, "2026-11"); got.Month.Cost != 7*money.USD || got.Month.Requests != 3 || got.Days[20].Cost != 3*money.USD {
			t.Errorf("%q: %+v", team, got)
		}
	}
	// No more is refunded than it cost, and what was charged besides.
	c.Refused(t, 422, "invalid_input", c.adjusting(), c.owner.Secret, adjustment("b", ofOwn, object{"refund_usd": "3.000000001"}))
	c.Must(t, 201, c.adjusting(), c.owner.Secret, adjustment("c", ofOwn, object{"charge_usd": 1}))
	c.Must(t, 201, c.adjusting(), c.owner.Secret, adjustment("d", ofOwn, object{"refund_usd": 4}))
	c.Refused(t, 422, "invalid_input", c.adjusting(), c.owner.Secret, adjustment("e", ofOwn, object{"refund_usd": "0.000000001"}))
	path := fmt.Sprintf("GET /api/organizations/%s/usage/events?event_id=own&user_id=%s", c.owner.Organization, ada.ID)
	shown := c.Must(t, 200, path, c.owner.Secret, nil).At("events").([]any)[0].(object)
	if shown["cost_usd"] != 5.0 || shown["refunded_usd"] != 5.0 {
		t.Errorf("%v", shown)
	}
	// What a reservation was settled with is found by that.
	held := c.hold(t, ada.Secret, object{"estimated_cost_usd": "0.5"})
	c.Must(t, 200, commitOf(held), ada.Secret, object{"cost_usd": "0.5"})
	ofHeld := object{"reservation_id": held, "refund_usd": "0.5"}
	c.Must(t, 201, c.adjusting(), c.owner.Secret, adjustment("held", ofHeld))
	c.Refused(t, 422, "invalid_input", c.adjusting(), c.owner.Secret, adjustment("held again", ofHeld, object{"id": "held-again"}))
	c.Refused(t, 404, "event_not_found", c.adjusting(), c.owner.Secret, adjustment("other", ofHeld, object{"user_id": c.owner.ID}))
	c.Refused(t, 422, "invalid_input", c.adjusting(), c.owner.Secret, adjustment("both", ofHeld, object{"event_id": "own"}))
	// Without an event, it is of the current day.
	c.Must(t, 201, c.adjusting(), c.owner.Secret, adjustment("f", of(ada.ID), object{"refund_usd": "1.5"}))
	c.Refused(t, 422, "invalid_input", c.adjusting(), c.owner.Secret, adjustment("g", of(ada.ID), object{"refund_usd": 3}))
	report := c.usage(t, "")
	if report.At("usage", "totals", "cost_usd") != 2.5 || report.At("usage", "totals", "requests") != 4.0 {
		t.Errorf("%s", report.Raw)
	}
	if got, err := c.reconcile(t); err != nil || len(got.Drifts) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatIsNotAdjusted(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.report(t, c.gateway.Secret, event("personal", "1", of(ada.ID), object{"connection_scope": "personal"}), event("e", "1", of(ada.ID)))
	for pointer, body := range map[string]object{
		"/event_id":   {"refund_usd": 1},
		"/refund_usd": {"event_id": "e"},
		"/charge_usd": {"event_id": "e", "charge_usd": 0},
		"/reason":     {"event_id": "e", "charge_usd": 1, "reason": ""},
	} {
		got := c.Call(t, c.adjusting(), c.owner.Secret, adjustment("x", body))
		if errors, _ := got.At("errors").([]any); got.Status != 422 || len(errors) != 1 || errors[0].(object)["pointer"] != pointer {
			t.Errorf("%s: %s", pointer, got.Raw)
		}
	}
	c.Refused(t, 404, "event_not_found", c.adjusting(), c.owner.Secret, adjustment("x", object{"event_id": "none", "refund_usd": 1}))
	c.Refused(t, 404, "event_not_found", c.adjusting(), c.owner.Secret, adjustment("x", object{"event_id": "e", "user_id": c.owner.ID, "refund_usd": 1}))
	c.Refused(t, 404, "member_not_found", c.adjusting(), c.owner.Secret, adjustment("x", object{"user_id": id.NewUser(c.Now()), "charge_usd": 1}))
	c.Refused(t, 409, "event_not_charged", c.adjusting(), c.owner.Secret, adjustment("x", object{"event_id": "personal", "refund_usd": 1}))
	c.Refused(t, 403, "permission_denied", c.adjusting(), ada.Secret, adjustment("x", object{"event_id": "e", "refund_usd": 1}))
	admin := c.add(t, permission.Admin)
	c.Refused(t, 403, "permission_denied", c.adjusting(), admin.Secret, adjustment("x", object{"event_id": "e", "refund_usd": 1}))
}

// TestManyRefundsAtOnce come to no more than what the event cost.
func TestManyRefundsAtOnce(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.report(t, c.gateway.Secret, event("e", "5", of(ada.ID)), event("other", "100", of(ada.ID)))
	var (
		all      sync.WaitGroup
		refunded atomic.Int64
	)
	for i := range 12 {
		all.Go(func() {
			for range 2 { // as who has not heard the first answer
				got := c.Call(t, c.adjusting(), c.owner.Secret, adjustment(fmt.Sprint("r-", i), object{"event_id": "e", "refund_usd": 1}))
				if got.Status == 201 && got.String("adjustment", "status") == "recorded" {
					refunded.Add(1)
				} else if got.Status != 201 && got.Status != 422 && got.Status != 503 {
					t.Errorf("%s", got.Raw)
				}
			}
		})
	}
	all.Wait()
	if cost := c.counters(t, ada.ID)["2026-11 c"]; refunded.Load() != 5 || cost != 100_000_000_000 {
		t.Errorf("%d refunds, %d left", refunded.Load(), cost)
	}
	c.Advance(40 * 24 * time.Hour)
	c.Refused(t, 422, "invalid_input", c.adjusting(), c.owner.Secret, adjustment("late", object{"event_id": "e", "refund_usd": 1}))
	got := c.Must(t, 201, c.adjusting(), c.owner.Secret, adjustment("late", object{"event_id": "other", "refund_usd": 1}))
	if got.String("adjustment", "counted_on") != "2027-01-01" {
		t.Errorf("%s", got.Raw)
	}
}
