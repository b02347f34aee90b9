package usage_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"roster/internal/id"
	"roster/internal/member/membertest"
	"roster/internal/permission"
	"roster/internal/table"
)

// keyed is a member with a live key and a test key.
type keyed struct {
	membertest.Member
	test   id.Key
	secret string
}

func (c company) keyed(t testing.TB, m membertest.Member) keyed {
	t.Helper()
	key, secret := membertest.AddTestKey(t, c.Roster, m.Organization, m.ID)
	return keyed{m, key, secret}
}

func TestATestKeyAuthorizesForASandbox(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, gateway := c.keyed(t, c.add(t, permission.Member)), c.keyed(t, c.gateway)
	if !strings.HasPrefix(ada.secret, "rk_test_") || !strings.HasPrefix(string(ada.test), "key_test_") {
		t.Errorf("%s %s", ada.secret, ada.test)
	}
	for _, ask := range []struct {
		credential string
		body       object
		test       bool
	}{
		{ada.secret, nil, true},
		{ada.Secret, nil, false},
		{ada.Secret, object{"key": ada.secret}, true},
		{ada.secret, object{"key": ada.Secret}, true},
		{gateway.Secret, object{"key": ada.secret}, true},
		{gateway.Secret, object{"key_id": ada.test}, true},
		{gateway.Secret, object{"key": ada.Secret}, false},
		{gateway.secret, object{"key": ada.Secret}, true},
		{gateway.secret, object{"user_id": ada.ID}, true},
		{gateway.Secret, object{"user_id": ada.ID}, false},
	} {
		if got := c.Must(t, 200, "POST /v1/authorize", ask.credential, ask.body); got.At("allowed") != true || (got.At("test") == true) != ask.test {
			t.Errorf("%v: %s", ask, got.Raw)
		}
	}
	c.report(t, ada.secret, event("e1", "2"))
	c.report(t, ada.Secret, event("e1", "5"))
	for secret, want := range map[string]struct {
		spent float64
		test  any
	}{ada.secret: {2, true}, ada.Secret: {5, nil}} {
		got := c.Must(t, 200, "GET /v1/key", secret, nil)
		if got.At("spend", "monthly_usd") != want.spent || got.At("spend", "daily_usd") != want.spent || got.At("key", "test") != want.test {
			t.Errorf("%s", got.Raw)
		}
	}
	membertest.Suspend(t, c.Roster, ada.Organization, ada.ID, c.owner.ID)
	c.Refused(t, 403, "member_suspended", "POST /v1/authorize", ada.secret, nil)
	c.Refused(t, 401, "invalid_key", "POST /v1/authorize", strings.Replace(ada.secret, "rk_test_", "rk_", 1), nil)
	c.Refused(t, 401, "invalid_key", "POST /v1/authorize", strings.Replace(ada.Secret, "rk_", "rk_test_", 1), nil)
}

func TestReportsLeaveTestKeysOut(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, bob := c.keyed(t, c.add(t, permission.Member)), c.keyed(t, c.add(t, permission.Member))
	names := map[id.User]string{ada.ID: "ada", bob.ID: "bob"}
	c.report(t, ada.Secret, event("1", "1"))
	c.report(t, ada.secret, event("2", "2"), event("3", "4"))
	c.report(t, bob.secret, event("4", "8"))
	c.report(t, c.gateway.Secret, event("late", "16", object{"key_id": bob.test}))
	for query, want := range map[string]struct {
		rows  []string
		tests float64
	}{
		"":                          {[]string{"ada 1 1000 200 1 [openai/gpt-4o]"}, 4},
		"user_id=" + string(ada.ID): {[]string{"ada 1 1000 200 1 [openai/gpt-4o]"}, 2},
		"user_id=" + string(bob.ID): {[]string{"bob 0 0 0 0 []"}, 2},
		"test=true":                 {[]string{"bob 2 2000 400 24 [openai/gpt-4o]", "ada 2 2000 400 6 [openai/gpt-4o]"}, 0},
		"test=true&start_date=2026-11-22&end_date=2026-11-22&user_id=" + string(ada.ID): {[]string{"ada 2 2000 400 6 [openai/gpt-4o]"}, 0},
	} {
		got := c.usage(t, query)
		if rows := rows(got, names); !slices.Equal(rows, want.rows) || got.At("usage", "excluded", "test", "requests") != want.tests {
			t.Errorf("%s: %s", query, got.Raw)
		}
	}
	if got := c.usage(t, "group_by=team"); got.At("usage", "excluded", "test", "requests") != 4. || got.At("usage", "totals", "requests") != 1. {
		t.Errorf("%s", got.Raw)
	}
	own := c.Must(t, 200, c.usagePath("test=true"), bob.Secret, nil)
	if rows := rows(own, names); !slices.Equal(rows, []string{"bob 2 2000 400 24 [openai/gpt-4o]"}) {
		t.Errorf("%s", own.Raw)
	}
}

// TestTestUsageNeverMovesALiveCounter: whoever reports what of whom, and how often,
// each event counts once, in the counters of its own kind and in no other.
func TestTestUsageNeverMovesALiveCounter(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	gateway := c.keyed(t, c.gateway)
	rapid.Check(t, func(rt *rapid.T) {
		people := []keyed{c.keyed(t, c.add(t, permission.Developer)), c.keyed(t, c.add(t, permission.Developer))}
		type told struct{ cost, scope, of string }
		seen := map[string]told{}                            // by space of ids and id
		want := map[string]int64{}                           // costs, by member and kind
		count := map[string]int64{}                          // requests, likewise
		prefix := string(people[0].ID[len(people[0].ID)-6:]) // ids of this check alone
		for range rapid.IntRange(1, 25).Draw(rt, "events") {
			of := rapid.SampledFrom(people).Draw(rt, "of")
			byGateway := rapid.Bool().Draw(rt, "by the gateway")
			throughTest := rapid.Bool().Draw(rt, "through a test key")
			reporter, space := of, string(of.ID)
			if byGateway {
				reporter, space = gateway, "gateway"
			}
			credential := reporter.Secret
			if throughTest {
				credential = reporter.secret
			}
			name := rapid.SampledFrom([]string{"key", "test key", "id", "test id", "user"}).Draw(rt, "named")
			named := map[string]object{
				"key": {"key": of.Secret}, "test key": {"key": of.secret}, "id": {"key_id": keyOf(of.Member.Member)}, "test id": {"key_id": of.test},
				"user": {"user_id": of.ID},
			}[name]
			test := throughTest || strings.HasPrefix(name, "test")
			e := told{
				rapid.SampledFrom([]string{"0", "1", "0.25"}).Draw(rt, "cost"),
				rapid.SampledFrom([]string{"organization", "organization", "personal"}).Draw(rt, "scope"),
				string(of.ID) + strings.TrimPrefix(strings.TrimPrefix(name, "test "), "user"),
			}
			eventID := fmt.Sprintf("%s-%d", prefix, rapid.IntRange(0, 8).Draw(rt, "id"))
			said := c.report(t, credential, event(eventID, e.cost, named, object{"connection_scope": e.scope}))[0]
			slot := fmt.Sprint(space, test, eventID)
			before, known := seen[slot]
			if !known {
				seen[slot] = e
				kind := fmt.Sprint(of.ID, test)
				count[kind]++
				if e.scope == "organization" {
					want[kind] += map[string]int64{"0": 0, "1": 1e9, "0.25": 25e7}[e.cost]
				}
			}
			switch {
			case !known && said != "recorded":
				rt.Fatalf("%s: a new event is %s", slot, said)
			case known && before.cost == e.cost && before.scope == e.scope && strings.HasPrefix(before.of, string(of.ID)):
				if said == "recorded" {
					rt.Fatalf("%s: recorded twice", slot)
				}
			case known && said != "rejected:conflict":
				rt.Fatalf("%s: other content is %s", slot, said)
			}
		}
		for _, m := range people {
			for test, prefix := range map[bool]string{false: "L#", true: "T#"} {
				got, kind := c.countersIn(t, m.ID, prefix), fmt.Sprint(m.ID, test)
				if got["2026-11 c"] != want[kind] || got["2026-11 r"]+got["2026-11 p"] != count[kind] {
					rt.Fatalf("%s: %v, want %d nano-USD of %d", kind, got, want[kind], count[kind])
				}
			}
		}
		for test, query := range map[bool]string{false: "user_id=", true: "test=true&user_id="} {
			got := c.usage(t, query+string(people[0].ID)).At("usage", "totals", "cost_usd")
			if cost := float64(want[fmt.Sprint(people[0].ID, test)]) / 1e9; got != cost {
				rt.Fatalf("test %t: the report says %v, want %v", test, got, cost)
			}
		}
	})
}

func TestTestUsageLeavesTheItemsOfLimitsAsTheyAre(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.keyed(t, c.add(t, permission.Member))
	c.report(t, ada.Secret, event("1", "1"))
	before := c.DumpItems(t)
	c.report(t, ada.secret, event("1", "1"), event("2", "2"))
	c.report(t, c.gateway.Secret, event("1", "3", object{"key": ada.secret}))
	after := c.DumpItems(t)
	for key, item := range before {
		if fmt.Sprint(after[key]) != fmt.Sprint(item) {
			t.Errorf("%v changed", key)
		}
	}
	var added []string
	for key := range maps.Keys(after) {
		if _, was := before[key]; !was {
			added = append(added, strings.Split(key.PK, "#")[0]+" "+key.SK)
		}
	}
	slices.Sort(added)
	if want := []string{"ET 1", "ETO 1", "ETO 2", "M T#2026-11"}; !slices.Equal(added, want) {
		t.Errorf("%q, want %q", added, want)
	}
}

func TestRecordingTestUsageCostsWhatOtherDoes(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, gateway := c.keyed(t, c.add(t, permission.Member)), c.keyed(t, c.gateway)
	team := c.team(t, 10)
	c.report(t, ada.secret, event("warm", "1"))
	c.report(t, gateway.secret, batchOf(10, "warm", team)...)
	for credential, call := range map[string]struct {
		events []object
		write  float64
	}{ada.secret: {[]object{event("single", "1")}, 6}, gateway.secret: {batchOf(45, "batch", team), 2.5 * 45}} {
		ctx, capacity := table.WithCapacity(t.Context())
		if got := c.CallContext(t, ctx, "POST /v1/usage", credential, object{"events": call.events}); got.Status != 200 {
			t.Fatal(string(got.Raw))
		}
		if _, write := capacity.Units(); write > call.write {
			t.Errorf("%d events: %.1f WRU, want %.1f", len(call.events), write, call.write)
		}
	}
}
