package usage_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"roster/internal/id"
	"roster/internal/member/membertest"
	"roster/internal/permission"
	"roster/internal/pool"
	"roster/internal/spent"
	"roster/internal/table"
	"roster/internal/usage"
)

// reconcile compares the company a day later.
func (c company) reconcile(t testing.TB) (usage.Reconciliation, error) {
	t.Helper()
	c.Advance(25 * time.Hour)
	return usage.Reconciler{Env: c.Env}.Sweep(t.Context(), events.EventBridgeEvent{
		Detail: fmt.Appendf(nil, `{"organization":%q}`, c.owner.Organization),
	})
}

// TestEachOrganizationIsReconciledOnceAWeek, also where the function ran on the last day alone.
func TestEachOrganizationIsReconciledOnceAWeek(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	const others = 3
	for range others {
		membertest.Found(t, c.Roster)
	}
	for week, runs := range [][7]int{{2, 2, 2, 2, 2, 2, 2}, {6: 9}, {1, 1, 1, 1, 1, 1, 1}} {
		seen := 0
		for _, n := range runs {
			for range n {
				got, err := usage.Reconciler{Env: c.Env}.Sweep(t.Context(), events.EventBridgeEvent{Detail: []byte("{}")})
				if err != nil {
					t.Fatal(err)
				}
				seen += got.Organizations
			}
			c.Advance(24 * time.Hour)
		}
		if seen < others+1 || seen > others+2 { // tests may have an organization of their own
			t.Errorf("week %d: %d", week, seen)
		}
	}
}

// TestCountersAreReconciledWithEvents: whatever was reported, and however, there is no
// drift; and what somebody falsified is found.
func TestCountersAreReconciledWithEvents(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	red := membertest.AddTeam(t, c.Roster, c.owner.Organization)
	c.setOrganization(t, "time_zone", "Pacific/Apia")
	c.limit(t, object{"team_id": red, "monthly_limit": 1_000_000})
	ada, bob := c.addTo(t, red), c.add(t, permission.Member)
	test := c.keyed(t, ada)
	n, sequence := 0, 0
	var adjustable []string // events of bob, which cost something
	rapid.Check(t, func(rt *rapid.T) {
		one := func(more ...object) object {
			n++
			more = append(more, object{
				"model":            fmt.Sprint("m/", rapid.IntRange(1, 30).Draw(rt, "model")),
				"connection_scope": rapid.SampledFrom([]string{"organization", "organization", "personal"}).Draw(rt, "scope"),
				"occurred_at":      c.Now().Add(-time.Duration(rapid.IntRange(0, 30*24).Draw(rt, "hours")) * time.Hour).Format(time.RFC3339),
			})
			return event(fmt.Sprint("e-", n), rapid.SampledFrom([]string{"0", "0.000000001", "7.5"}).Draw(rt, "cost"), more...)
		}
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			switch rapid.IntRange(0, 6).Draw(rt, "step") {
			case 0:
				e := one(of(bob.ID))
				c.report(t, c.gateway.Secret, e, e)
				if e["connection_scope"] == "organization" && e["cost_usd"] == "7.5" {
					adjustable = append(adjustable, e["id"].(string))
				}
			case 1:
				own := one()
				own["connection_scope"] = "organization"
				c.report(t, ada.Secret, own)
			case 2:
				sequence++
				c.Must(t, 200, chunk(0, sequence), c.gateway.Secret, object{"events": []object{one(of(ada.ID)), one(of(bob.ID))}})
			case 3:
				held := c.hold(t, ada.Secret, object{"estimated_cost_usd": 2})
				if rapid.Bool().Draw(rt, "commit") {
					c.Must(t, 200, commitOf(held), ada.Secret, object{"cost_usd": 3})
				}
			case 4:
				e := event(fmt.Sprint("test-", n), "1")
				n++
				c.report(t, test.secret, e)
			case 5:
				held := c.hold(t, ada.Secret, object{"estimated_cost_usd": 2})
				c.report(t, c.gateway.Secret, one(of(ada.ID), object{"reservation_id": held, "occurred_at": c.Now().Format(time.RFC3339)}))
			case 6:
				n++
				adjustment := object{"id": fmt.Sprint("a-", n), "reason": "It failed.", rapid.SampledFrom([]string{"refund_usd", "charge_usd"}).Draw(rt, "by"): "0.000000001"}
				switch {
				case len(adjustable) > 0 && rapid.Bool().Draw(rt, "of an event"):
					adjustment["event_id"] = rapid.SampledFrom(adjustable).Draw(rt, "event")
				case adjustment["charge_usd"] != nil:
					adjustment["user_id"] = ada.ID
				default:
					continue
				}
				for range 2 {
					c.Must(t, 201, c.adjusting(), c.owner.Secret, adjustment)
				}
			}
		}
		got, err := c.reconcile(t)
		if err != nil || len(got.Drifts) > 0 || got.Busy > 0 {
			rt.Fatalf("%+v, %v", got, err)
		}
	})
	c.report(t, ada.Secret, event("now", "1"))
	month := c.Now().In(time.FixedZone("", 13*60*60)).Format("2006-01")
	c.Advance(-25 * time.Hour) // to the time at which it is recorded
	if got, err := c.reconcile(t); err != nil || got.Busy == 0 && got.Organizations > 0 {
		t.Errorf("just recorded: %+v, %v", got, err)
	}
	add := func(key table.Key, attribute string, n int) {
		if err := c.Table.Transact(t.Context(), table.Write{Key: key, Update: "ADD #a :n", Names: map[string]string{"a": attribute}, Values: table.V{"n": n}}); err != nil {
			t.Fatal(err)
		}
	}
	lane := pool.Pool{Organization: c.owner.Organization, Month: month}.LaneOf(0)
	ofAda, ofBob := table.MemberMonth(c.owner.Organization, ada.ID, month), table.MemberMonth(c.owner.Organization, bob.ID, month)
	for name, drift := range map[string]struct {
		key   table.Key
		wrong map[string]int
		user  id.User
	}{
		"a member's cost":               {ofAda, map[string]int{"c": 1}, ada.ID},
		"a member's requests":           {ofBob, map[string]int{"r": 1}, bob.ID},
		"one model in place of another": {ofAda, map[string]int{"r:no/such": 1, "r:openai/gpt-4o": -1}, ada.ID},
		"a key's requests":              {ofAda, map[string]int{"r^" + spent.KeyMark(keyOf(ada.Member)): 1}, ada.ID},
		"a key's cost":                  {ofAda, map[string]int{"c^" + spent.KeyMark(keyOf(ada.Member)): -1}, ada.ID},
		"a pool":                        {table.PoolLane(c.owner.Organization, "", month, lane.Number), map[string]int{"r": 1}, ""},
	} {
		for attribute, n := range drift.wrong {
			add(drift.key, attribute, n)
		}
		got, err := c.reconcile(t)
		if err == nil || len(got.Drifts) == 0 || got.Drifts[0].User != drift.user && got.Drifts[len(got.Drifts)-1].User != drift.user {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		for attribute, n := range drift.wrong {
			add(drift.key, attribute, -n)
		}
	}
	if got, err := c.reconcile(t); err != nil || len(got.Drifts) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
