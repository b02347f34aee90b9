package usage_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/money"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
)

func reportRows(report rostertest.Response, list string) (rows []object) {
	all, _ := report.At("usage", list).([]any)
	for _, row := range all {
		rows = append(rows, row.(object))
	}
	return rows
}

// cost is an amount as a report shows it.
func cost(t testing.TB, shown any) money.Amount {
	t.Helper()
	n, err := money.Parse(fmt.Sprintf("%.9f", shown))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestUsageByWhateverItIsAskedFor(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, bob := c.add(t, permission.Member), c.add(t, permission.Member)
	c.report(t, ada.Secret, event("1", "2"), event("2", "1", object{"model": "anthropic/claude"}), event("3", "4", at("2026-11-20T10:00:00Z")))
	c.report(t, c.gateway.Secret, event("4", "8", of(bob.ID)), event("5", "16", of(ada.ID), at("2026-10-31T10:00:00Z")))
	for query, want := range map[string]string{
		"group_by=model": "by_model: model=openai/gpt-4o requests=3 cost_usd=14; model=anthropic/claude requests=1 cost_usd=1;",
		"group_by=model&sort=name&start_date=2026-10-01": "by_model: model=anthropic/claude requests=1 cost_usd=1; model=openai/gpt-4o requests=4 cost_usd=30;",
		"group_by=day":                   "by_day: date=2026-11-20 requests=1 cost_usd=4; date=2026-11-22 requests=3 cost_usd=11;",
		"group_by=day&sort=cost&limit=1": "by_day: date=2026-11-22 requests=3 cost_usd=11;",
		"group_by=day&start_date=2026-10-31&end_date=2026-11-20": "by_day: date=2026-10-31 requests=1 cost_usd=16; date=2026-11-20 requests=1 cost_usd=4;",
		"group_by=month&start_date=2026-10-01":                   "by_month: month=2026-10 requests=1 cost_usd=16; month=2026-11 requests=4 cost_usd=15;",
		"group_by=month&user_id=" + string(bob.ID):               "by_month: month=2026-11 requests=1 cost_usd=8;",
		"group_by=key": fmt.Sprintf("by_key: user_id=%s requests=1 cost_usd=8; user_id=%s key_id=%s requests=3 cost_usd=7;", bob.ID, ada.ID, keyOf(ada.Member)),
	} {
		got := c.usage(t, query)
		list := want[:slices.Index([]byte(want), ':')]
		text := list + ":"
		for _, row := range reportRows(got, list) {
			for _, name := range []string{"model", "date", "month", "user_id", "key_id", "requests", "cost_usd"} {
				if row[name] != nil {
					text += fmt.Sprintf(" %s=%v", name, row[name])
				}
			}
			text += ";"
		}
		if text != want {
			t.Errorf("%s\n got %s\nwant %s", query, text, want)
		}
	}
	for _, query := range []string{"group_by=model&start_date=2026-11-02", "group_by=key&end_date=2026-11-29"} {
		c.Refused(t, 422, "invalid_input", c.usagePath(query), c.owner.Secret, nil)
	}
}

// TestEveryGroupingHasTheSameSum, to the last billionth of a dollar, whoever used what
// models through which keys; beyond the models that have a name, too.
func TestEveryGroupingHasTheSameSum(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	red := membertest.AddTeam(t, c.Roster, c.owner.Organization)
	var total money.Amount
	requests, n := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		ada := c.add(t, permission.Member)
		if rapid.Bool().Draw(rt, "in a team") {
			c.change(t, ada.ID, func(m *member.Member) { m.Teams = in(red) })
		}
		var events []object
		for range rapid.IntRange(1, 30).Draw(rt, "events") {
			n++
			amount := rapid.SampledFrom([]string{"0", "0.000000001", "0.123456789", "3"}).Draw(rt, "cost")
			e := event(fmt.Sprint("e-", n), amount, of(ada.ID), at(rapid.SampledFrom([]string{
				"2026-10-31T23:00:00Z", "2026-11-01T00:00:00Z", "2026-11-21T10:00:00Z", "2026-11-22T10:00:00Z",
			}).Draw(rt, "at")), object{"model": fmt.Sprint("m/", rapid.IntRange(1, 30).Draw(rt, "model"))})
			if rapid.Bool().Draw(rt, "through a key") {
				delete(e, "user_id")
				e["key_id"] = keyOf(ada.Member)
			}
			events = append(events, e)
			parsed, err := money.Parse(amount)
			if err != nil {
				rt.Fatal(err)
			}
			total, requests = total.Plus(parsed), requests+1
		}
		c.report(t, c.gateway.Secret, events...)
		for by, list := range map[string]string{"user": "by_member", "model": "by_model", "key": "by_key", "day": "by_day", "month": "by_month"} {
			got := c.usage(t, "start_date=2026-10-01&group_by="+by)
			var sum money.Amount
			calls := 0.0
			for _, row := range reportRows(got, list) {
				sum, calls = sum.Plus(cost(t, row["cost_usd"])), calls+row["requests"].(float64)
			}
			if sum != total || int(calls) != requests || cost(t, got.At("usage", "totals", "cost_usd")) != total {
				rt.Fatalf("by %s: %s in %v calls, not %s in %d: %v", by, sum, calls, total, requests, got.At("usage", "totals"))
			}
		}
		if byTeam := c.usage(t, "start_date=2026-10-01&group_by=team"); cost(t, byTeam.At("usage", "totals", "cost_usd")) != total || byTeam.At("usage", "totals", "requests") != float64(requests) {
			rt.Fatalf("by team: not %s in %d: %s", total, requests, byTeam.Raw)
		}
	})
}

// TestTheHighestAreFoundWithoutTheOthers: ten of sixty for less than six units
// beside the caller's authentication.
func TestTheHighestAreFoundWithoutTheOthers(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	team := c.team(t, 60)
	var events []object
	var total money.Amount
	for i, user := range team {
		amount := money.Amount(i+1) * money.USD
		total += amount
		events = append(events, event(fmt.Sprint(i), amount.String(), of(user)))
	}
	c.report(t, c.gateway.Secret, events...)
	c.Arrange(t)
	c.report(t, c.gateway.Secret, event("late", "2.5", of(team[50]))) // which the list does not know yet
	ctx, capacity := table.WithCapacity(t.Context())
	got := c.CallContext(t, ctx, c.usagePath("group_by=user&sort=cost&limit=10"), c.owner.Secret, nil)
	var users []id.User
	for _, row := range reportRows(got, "by_member") {
		users = append(users, id.User(row["user_id"].(string)))
	}
	want := []id.User{team[59], team[58], team[57], team[56], team[55], team[54], team[53], team[50], team[52], team[51]}
	if !slices.Equal(users, want) || cost(t, got.At("usage", "totals", "cost_usd")) != total+5*money.USD/2 || got.At("usage", "totals", "members") != nil {
		t.Errorf("%s", got.Raw)
	}
	if read, _ := capacity.Units(); read > 2+6 {
		t.Errorf("%v units: %v", read, capacity.Calls())
	}
}

// TestWhoIsOnlyChargedIsAmongTheHighest, though a charge is no request.
func TestWhoIsOnlyChargedIsAmongTheHighest(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, bob := c.add(t, permission.Member), c.add(t, permission.Member)
	c.report(t, c.gateway.Secret, event("1", "1", of(bob.ID)))
	c.Must(t, 201, "POST /api/organizations/"+string(c.owner.Organization)+"/usage/adjustments", c.owner.Secret, object{
		"id": "charge", "user_id": ada.ID, "charge_usd": 5, "reason": "A call that was not reported",
	})
	c.Arrange(t)
	got := c.usage(t, "group_by=user&sort=cost&limit=1")
	rows := reportRows(got, "by_member")
	if len(rows) != 1 || rows[0]["user_id"] != string(ada.ID) || cost(t, rows[0]["cost_usd"]) != 5*money.USD || cost(t, got.At("usage", "totals", "cost_usd")) != 6*money.USD {
		t.Errorf("%s", got.Raw)
	}
}

func TestWhoseMonthIsForecast(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	red, blue := membertest.AddTeam(t, c.Roster, c.owner.Organization), membertest.AddTeam(t, c.Roster, c.owner.Organization)
	ada, bob := c.addTo(t, red), c.add(t, permission.Member)
	c.limit(t, object{"team_id": red, "monthly_limit": 100})
	c.limit(t, object{"user_id": ada.ID, "monthly_limit": 12})
	c.report(t, c.gateway.Secret, event("1", "5", of(ada.ID), at("2026-11-22T00:00:00Z")), event("2", "10", of(bob.ID), at("2026-11-22T00:00:00Z")))
	path := "GET /api/organizations/" + string(c.owner.Organization) + "/usage/forecast"
	for query, want := range map[string]string{
		"?user_id=" + string(ada.ID): "5 12 108 2026-11-23",
		"?team_id=" + string(red):    "5 100 108 2026-11-30",
		"":                           "15 <nil> 324 <nil>",
	} {
		got := c.Must(t, 200, path+query, c.owner.Secret, nil)
		of := func(name string) any { return got.At("forecast", name) }
		projected, _ := of("projected_usd").(float64)
		if is := fmt.Sprintf("%v %v %.0f %v", of("spent_usd"), of("monthly_limit"), projected, of("limit_reached_on")); is != want {
			t.Errorf("%s: %s, not %s", query, is, want)
		}
	}
	if got := c.Must(t, 200, path, ada.Secret, nil); got.String("forecast", "user_id") != string(ada.ID) {
		t.Errorf("%s", got.Raw)
	}
	c.Refused(t, 403, "permission_denied", path+"?user_id="+string(bob.ID), ada.Secret, nil)
	c.Refused(t, 422, "invalid_input", path+"?team_id="+string(blue), c.owner.Secret, nil)
	c.Refused(t, 422, "invalid_input", path+"?team_id="+string(blue)+"&user_id="+string(ada.ID), c.owner.Secret, nil)
	c.Refused(t, 404, "member_not_found", path+"?user_id="+string(id.NewUser(c.Now())), c.owner.Secret, nil)
}

// TestMetadataGroupingsSumUp, whenever members change theirs, in any time zone: what they
// used on a day has the value with which the day began or, if there was none, ended.
func TestMetadataGroupingsSumUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := newCompany(t)
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{"Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York", "Asia/Kathmandu"}).Draw(rt, "zone"))
		if err != nil {
			rt.Fatal(err)
		}
		c.setOrganization(t, "time_zone", zone.String())
		type change struct {
			at         time.Time
			department string
		}
		members := []id.User{c.add(t, permission.Member).ID, c.add(t, permission.Member).ID}
		changes, used := map[id.User][]change{}, map[id.User][]time.Time{}
		for n := range rapid.IntRange(1, 14).Draw(rt, "steps") {
			ada := rapid.SampledFrom(members).Draw(rt, "member")
			switch rapid.IntRange(0, 2).Draw(rt, "step") {
			case 0:
				c.report(t, c.gateway.Secret, event(fmt.Sprint("e-", n), "0.7", of(ada)))
				used[ada] = append(used[ada], c.Now())
			case 1:
				department := rapid.SampledFrom([]string{"Research", "Sales", "Legal"}).Draw(rt, "department")
				c.change(t, ada, func(m *member.Member) { m.Metadata = member.Metadata(`{"department":"` + department + `"}`) })
				changes[ada] = append(changes[ada], change{c.Now(), department})
			case 2:
				c.Advance(time.Duration(rapid.IntRange(1, 30).Draw(rt, "hours")) * time.Hour)
			}
		}
		want := map[string]money.Amount{}
		for user, times := range used {
			for _, at := range times {
				year, month, day := at.In(zone).Date()
				value := func(until time.Time) (last string) {
					for _, one := range changes[user] {
						if !one.at.After(until) {
							last = one.department
						}
					}
					return last
				}
				of := value(time.Date(year, month, day, 0, 0, 0, 0, zone))
				if of == "" {
					of = value(time.Date(year, month, day+1, 0, 0, 0, -1, zone))
				}
				want[of] += 700_000_000
			}
		}
		report := c.usage(t, "group_by=metadata.department&start_date=2026-11-01&end_date=2026-12-31")
		got := map[string]money.Amount{}
		for _, row := range reportRows(report, "by_metadata") {
			got[row["value"].(string)] = cost(t, row["cost_usd"])
		}
		if !maps.Equal(got, want) {
			rt.Fatalf("%v, not %v: %v", got, want, changes)
		}
	})
}
