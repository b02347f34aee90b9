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
	"roster/internal/table"
	"roster/internal/usage"
)

// reconcile runs on a day of its own.
func (c company) reconcile(t testing.TB) (usage.Reconciliation, error) {
	t.Helper()
	c.Advance(25 * time.Hour)
	return usage.Reconciler{Env: c.Env}.Sweep(t.Context(), events.EventBridgeEvent{})
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
			switch rapid.IntRange(0, 4).Draw(rt, "step") {
			case 0:
				e := one(of(bob.ID))
				c.report(t, c.gateway.Secret, e, e)
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
			}
		}
		got, err := c.reconcile(t)
		if err != nil || len(got.Drifts) > 0 || got.Busy > 0 {
			rt.Fatalf("%+v, %v", got, err)
		}
	})
	if again, err := (usage.Reconciler{Env: c.Env}).Sweep(t.Context(), events.EventBridgeEvent{}); err != nil || again.Organizations != 0 {
		t.Errorf("the same day again: %+v, %v", again, err)
	}
	c.report(t, ada.Secret, event("now", "1"))
	month := c.Now().In(time.FixedZone("", 13*60*60)).Format("2006-01")
	c.Advance(-25 * time.Hour) // to the time at which it is recorded
	if got, err := c.reconcile(t); err != nil || got.Busy == 0 && got.Organizations > 0 {
		t.Errorf("just recorded: %+v, %v", got, err)
	}
	falsify := func(key table.Key, attribute string) func() {
		add := func(n int) {
			if err := c.Table.Transact(t.Context(), table.Write{Key: key, Update: "ADD #a :n", Names: map[string]string{"a": attribute}, Values: table.V{"n": n}}); err != nil {
				t.Fatal(err)
			}
		}
		add(1)
		return func() { add(-1) }
	}
	lane := pool.Pool{Organization: c.owner.Organization, Month: month}.LaneOf(0)
	for name, drift := range map[string]struct {
		key       table.Key
		attribute string
		user      id.User
	}{
		"a member's cost":     {table.MemberMonth(c.owner.Organization, ada.ID, month), "c", ada.ID},
		"a member's requests": {table.MemberMonth(c.owner.Organization, bob.ID, month), "r", bob.ID},
		"a pool":              {table.PoolLane(c.owner.Organization, "", month, lane.Number), "r", ""},
	} {
		restore := falsify(drift.key, drift.attribute)
		got, err := c.reconcile(t)
		if err == nil || len(got.Drifts) == 0 || got.Drifts[0].User != drift.user && got.Drifts[len(got.Drifts)-1].User != drift.user {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		restore()
	}
	if got, err := c.reconcile(t); err != nil || len(got.Drifts) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
