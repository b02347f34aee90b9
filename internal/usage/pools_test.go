package usage_test

import (
	"context"
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
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/money"
	"roster/internal/permission"
	"roster/internal/pool"
	"roster/internal/rostertest"
	"roster/internal/table"
)

// addTo adds a member who is in teams.
func (c company) addTo(t testing.TB, teams ...id.Team) membertest.Member {
	t.Helper()
	m := c.add(t, permission.Member)
	c.change(t, m.ID, func(m *member.Member) { m.Teams = in(teams...) })
	return m
}

func in(teams ...id.Team) map[id.Team]access.TeamRole {
	all := map[id.Team]access.TeamRole{}
	for _, team := range teams {
		all[team] = access.TeamUser
	}
	return all
}

// pool reads what a team or, without one, the organization has spent in a month, and what
// is held.
func (c company) pool(t testing.TB, team id.Team, month string) pool.State {
	t.Helper()
	s, err := pool.Pool{Organization: c.owner.Organization, Team: team, Month: month}.Read(t.Context(), c.Table, c.Now())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestATeamsLimitBindsItsMembersTogether(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	red := membertest.AddTeam(t, c.Roster, c.owner.Organization)
	ada, bob, eve := c.addTo(t, red), c.addTo(t, red), c.add(t, permission.Member)
	c.limit(t, object{"team_id": red, "monthly_limit": 10, "daily_limit": 8})
	if got := c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil); got.At("remaining", "daily_usd") != 8.0 || got.At("remaining", "monthly_usd") != 10.0 {
		t.Errorf("%s", got.Raw)
	}
	first := c.hold(t, ada.Secret, object{"estimated_cost_usd": 5})
	c.report(t, bob.Secret, event("b", "2.5"))
	refused := c.Refused(t, 429, "limit_reached", reserving, bob.Secret, object{"estimated_cost_usd": 1})
	if refused.String("limit", "of") != "team" || refused.String("limit", "team_id") != string(red) || refused.String("limit", "window") != "daily" ||
		refused.At("limit", "remaining_usd") != 0.5 || refused.At("limit", "used_usd") != 7.5 || refused.String("limit", "set_by") != string(c.owner.ID) ||
		refused.String("limit", "resets_at") != "2026-11-23T00:00:00Z" || refused.Header.Get("X-Should-Retry") != "false" {
		t.Errorf("%s", refused.Raw)
	}
	if c.hold(t, eve.Secret, object{"estimated_cost_usd": 100}) == "" {
		t.Error("who is in no team is bound by its limit")
	}
	second := c.hold(t, bob.Secret, object{"estimated_cost_usd": "0.5"})
	c.Advance(access.GateTTL)
	for _, m := range []membertest.Member{ada, bob} {
		if refused := c.Refused(t, 429, "limit_reached", "POST /v1/authorize", m.Secret, nil); refused.String("limit", "of") != "team" {
			t.Errorf("%s", refused.Raw)
		}
		if status := c.Must(t, 200, "GET /v1/key", m.Secret, nil); status.String("code") != "limit_reached" || status.At("remaining", "daily_usd") != 0.0 {
			t.Errorf("%s", status.Raw)
		}
	}
	c.Must(t, 200, "DELETE /v1/reservations/"+first, ada.Secret, nil)
	c.Must(t, 200, commitOf(second), c.gateway.Secret, object{"cost_usd": "0.25"})
	c.Advance(access.GateTTL)
	if got := c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil); got.At("remaining", "daily_usd") != 5.25 || got.At("remaining", "monthly_usd") != 7.25 {
		t.Errorf("%s", got.Raw)
	}
	c.Advance(14 * time.Hour)
	if got := c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil); got.At("remaining", "daily_usd") != 8.0 || got.At("remaining", "monthly_usd") != 7.25 {
		t.Errorf("the day after: %s", got.Raw)
	}
	if c.hold(t, ada.Secret, object{"estimated_cost_usd": "7.26"}) != "" || c.hold(t, ada.Secret, object{"estimated_cost_usd": "7.25"}) == "" {
		t.Error("the month's limit is not what it was")
	}
}

// TestAHoldStaysWithItsTeam, whatever team its member is in when it is settled; and what
// two teams and the organization limit is held in each, or in none.
func TestAHoldStaysWithItsTeam(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	red, blue := membertest.AddTeam(t, c.Roster, c.owner.Organization), membertest.AddTeam(t, c.Roster, c.owner.Organization)
	ada := c.addTo(t, red)
	for _, limits := range []object{{"team_id": red, "monthly_limit": 10}, {"team_id": blue, "monthly_limit": 5}, {"monthly_limit": 100}} {
		c.limit(t, limits)
	}
	first := c.hold(t, ada.Secret, object{"estimated_cost_usd": 4})
	c.change(t, ada.ID, func(m *member.Member) { m.Teams = in(blue) })
	c.Must(t, 200, commitOf(first), ada.Secret, object{"cost_usd": 3})
	if got := c.pool(t, red, "2026-11").Month; got.Cost != 3*money.USD || got.Held != 0 || got.Requests != 1 {
		t.Errorf("red: %+v", got)
	}
	c.change(t, ada.ID, func(m *member.Member) { m.Teams = in(red, blue) })
	if c.hold(t, ada.Secret, object{"estimated_cost_usd": 3}) != "" {
		t.Error("more than a team has left is held") // it was in blue that the call was made
	}
	for team, want := range map[id.Team]money.Amount{red: 3, blue: 3, "": 3} {
		if got := c.pool(t, team, "2026-11").Month; got.Cost != want*money.USD || got.Held != 0 {
			t.Errorf("%q: %+v", team, got)
		}
	}
	last := c.hold(t, ada.Secret, object{"estimated_cost_usd": 2})
	c.report(t, c.gateway.Secret, event("over a connection of her own", "2", of(ada.ID), object{"reservation_id": last, "connection_scope": "personal", "id": "own"}))
	for _, team := range []id.Team{red, blue, ""} {
		if got := c.pool(t, team, "2026-11").Month; got.Cost != 3*money.USD || got.Held != 0 || got.Requests != 1 {
			t.Errorf("%q: %+v", team, got)
		}
	}
}

// TestALimitBindsWhenItsPutReturns: a lowered one, and a first one, which knows of what
// was spent before.
func TestALimitBindsWhenItsPutReturns(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	red := membertest.AddTeam(t, c.Roster, c.owner.Organization)
	ada, bob := c.addTo(t, red), c.addTo(t, red)
	c.report(t, c.gateway.Secret, event("a", "4", of(ada.ID)), event("b", "3", of(bob.ID)), event("earlier", "50", of(bob.ID), at("2026-10-31T10:00:00Z")))
	for _, step := range []struct {
		monthly any
		left    string
	}{{20, "13"}, {"7.5", "0.5"}, {100, "93"}, {nil, "993"}, {8, "1"}} {
		for _, of := range []object{{"team_id": red}, {}} {
			of["monthly_limit"] = step.monthly
			c.limit(t, of)
			if step.monthly == nil {
				c.Advance(access.GateTTL) // what is taken away may be known later
			}
			got := c.hold(t, ada.Secret, object{"estimated_cost_usd": step.left})
			if got == "" || step.monthly != nil && c.hold(t, bob.Secret, object{"estimated_cost_usd": "0.000000001"}) != "" {
				t.Errorf("after %v, not %s are left", of, step.left)
			}
			if got != "" {
				c.Must(t, 200, "DELETE /v1/reservations/"+got, ada.Secret, nil)
			}
			if step.monthly != nil {
				of["monthly_limit"] = 1000
				c.limit(t, of)
			}
		}
	}
	path := "GET /api/organizations/" + string(c.owner.Organization) + "/spending-limits"
	if got := c.Must(t, 200, path+"?team_id="+string(red), ada.Secret, nil); got.At("limits", "spend", "monthly_usd") != 7.0 || got.At("limits", "remaining", "monthly_usd") != 993.0 {
		t.Errorf("%s", got.Raw)
	}
}

// TestWhatAPoolHoldsExpires, also what a call held that vanished on the way.
func TestWhatAPoolHoldsExpires(t *testing.T) {
	t.Parallel()
	var writes atomic.Int64
	writes.Store(-1 << 40)
	c := newCompanyWith(t, func(next http.RoundTripper) http.RoundTripper {
		return rostertest.RoundTrip(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".UpdateItem") && writes.Add(1) > 1 { // the pool's comes first
				return rostertest.Exception("AccessDeniedException", ""), nil
			}
			return next.RoundTrip(r)
		})
	})
	ada := c.add(t, permission.Member)
	c.limit(t, object{"monthly_limit": 10})
	writes.Store(0)
	if got := c.Call(t, reserving, ada.Secret, object{"estimated_cost_usd": 6, "expires_in_s": 60}); got.Status < 500 {
		t.Fatalf("%s", got.Raw)
	}
	writes.Store(-1 << 40)
	if got := c.pool(t, "", "2026-11").Month.Held; got != 6*money.USD {
		t.Errorf("%s held", got)
	}
	if c.hold(t, ada.Secret, object{"estimated_cost_usd": 5}) != "" {
		t.Error("what may have been reserved is not held")
	}
	c.Advance(time.Minute)
	if c.hold(t, ada.Secret, object{"estimated_cost_usd": 10}) == "" {
		t.Error("what nobody has is held still")
	}
}

// TestNobodyOvershootsAPoolAtOnce: 200 callers of twenty members, in a team and in an
// organization, while answers are lost, callers vanish, and the limit is changed.
func TestNobodyOvershootsAPoolAtOnce(t *testing.T) {
	t.Parallel()
	for _, of := range []string{"team", "organization"} {
		t.Run(of, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			c := newCompanyWith(t, func(next http.RoundTripper) http.RoundTripper {
				return rostertest.RoundTrip(func(r *http.Request) (*http.Response, error) {
					answer, err := next.RoundTrip(r)
					if err == nil && strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".UpdateItem") && firstTry(r) && calls.Add(1)%23 == 0 {
						answer.Body.Close()
						return nil, fmt.Errorf("the answer is lost")
					}
					return answer, err
				})
			})
			red := membertest.AddTeam(t, c.Roster, c.owner.Organization)
			var members []membertest.Member
			for range 20 {
				members = append(members, c.addTo(t, red))
			}
			limited, team := object{}, id.Team("")
			if of == "team" {
				limited["team_id"], team = red, red
			}
			set := func(monthly int) {
				body := object{"monthly_limit": monthly}
				for name, value := range limited {
					body[name] = value
				}
				c.limit(t, body)
			}
			set(150)
			var (
				all         sync.WaitGroup
				cost, spent atomic.Int64
			)
			for i := range 200 {
				all.Go(func() {
					ada := members[i%len(members)]
					body := object{"user_id": ada.ID, "id": fmt.Sprint("call-", i), "estimated_cost_usd": 1}
					reservation := c.hold(t, c.gateway.Secret, body)
					if reservation == "" {
						return
					}
					if again := c.hold(t, c.gateway.Secret, body); again != reservation {
						t.Errorf("%s, and again %q", reservation, again)
					}
					switch i % 4 {
					case 0: // vanishes
						cost.Add(1)
					case 1:
						c.Must(t, 200, "DELETE /v1/reservations/"+reservation, c.gateway.Secret, nil)
					default:
						for range 2 {
							c.Must(t, 200, commitOf(reservation), c.gateway.Secret, object{"cost_usd": 1})
						}
						cost.Add(1)
						spent.Add(1)
					}
				})
			}
			all.Go(func() {
				for _, monthly := range []int{80, 120, 100} {
					set(monthly)
				}
			})
			all.Wait()
			got := c.pool(t, team, "2026-11").Month
			if got.Cost != money.Amount(spent.Load())*money.USD || got.Held < money.Amount(cost.Load()-spent.Load())*money.USD {
				t.Errorf("%+v; %d were spent, %d are held", got, spent.Load(), cost.Load()-spent.Load())
			}
			if got.Cost+got.Held > 150*money.USD {
				t.Errorf("%s are spent and held", got.Cost+got.Held)
			}
			left := max(0, 100*money.USD-got.Cost-got.Held)
			for n := money.Amount(0); ; n += money.USD {
				if c.hold(t, members[0].Secret, object{"estimated_cost_usd": 1}) == "" {
					if n != left {
						t.Errorf("%s could be reserved of %s", n, left)
					}
					break
				}
			}
		})
	}
}

// TestPoolsAreTheSumOfTheEvents: whatever becomes of reservations, the pools have what
// the members have.
func TestPoolsAreTheSumOfTheEvents(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	red, blue := membertest.AddTeam(t, c.Roster, c.owner.Organization), membertest.AddTeam(t, c.Roster, c.owner.Organization)
	for _, limits := range []object{{"team_id": red, "monthly_limit": 1_000_000, "daily_limit": 1_000_000}, {"monthly_limit": 1_000_000}} {
		c.limit(t, limits)
	}
	want := map[id.Team]pool.Usage{}
	events := 0
	rapid.Check(t, func(rt *rapid.T) {
		teams := rapid.SampledFrom([][]id.Team{{}, {red}, {blue}, {red, blue}}).Draw(rt, "teams")
		ada := c.addTo(t, teams...)
		var open []string
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			reservation := ""
			if len(open) > 0 {
				reservation = rapid.SampledFrom(open).Draw(rt, "reservation")
			}
			cost := rapid.SampledFrom([]string{"0", "0.000000001", "1.5", "7"}).Draw(rt, "cost")
			settled := 0
			switch step := rapid.IntRange(0, 5).Draw(rt, "step"); {
			case step < 2:
				open = append(open, c.hold(t, ada.Secret, object{"estimated_cost_usd": 2, "expires_in_s": rapid.IntRange(1, 100).Draw(rt, "expiry")}))
			case step == 2:
				c.Advance(20 * time.Second)
			case step == 3 && reservation != "":
				c.Must(t, 200, "DELETE /v1/reservations/"+reservation, ada.Secret, nil)
			case step == 4 && reservation != "":
				if got := c.Must(t, 200, commitOf(reservation), ada.Secret, object{"cost_usd": cost}); got.String("reservation", "status") == "recorded" {
					settled = 1
				}
			default:
				var batch []object
				for _, r := range append([]string{""}, open...) {
					events++
					e := event(fmt.Sprint("e-", events), cost)
					if r != "" {
						e["reservation_id"] = r
					}
					batch = append(batch, e)
				}
				for _, outcome := range c.report(t, ada.Secret, batch...) {
					if outcome == "recorded" {
						settled++
					}
				}
				open = nil
			}
			amount, err := money.Parse(cost)
			if err != nil {
				rt.Fatal(err)
			}
			for _, team := range append([]id.Team{""}, teams...) {
				want[team] = want[team].Plus(pool.Usage{Cost: amount * money.Amount(settled), Requests: int64(settled)})
			}
		}
		for _, team := range []id.Team{"", red} {
			got := c.pool(t, team, "2026-11")
			if got.Month.Cost != want[team].Cost || got.Month.Requests != want[team].Requests || got.Days[22].Cost != want[team].Cost {
				rt.Fatalf("%q: %+v, not %+v", team, got, want[team])
			}
		}
	})
	if got := c.pool(t, blue, "2026-11"); got.Month != (pool.Sums{}) {
		t.Errorf("a team without limit has a pool: %+v", got)
	}
}

// TestPoolsCost: a unit for each that binds a reservation, and two for each of a limited
// team with what is recorded.
func TestPoolsCost(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	red := membertest.AddTeam(t, c.Roster, c.owner.Organization)
	ada := c.addTo(t, red)
	c.ten(t, ada.ID)
	for _, limits := range []object{{"team_id": red, "monthly_limit": 1000}, {"monthly_limit": 2000}, {"user_id": ada.ID, "daily_limit": 500}} {
		c.limit(t, limits)
	}
	c.report(t, ada.Secret, event("first", "1"))
	units := func(request string, body any) (float64, float64, rostertest.Response) {
		ctx, capacity := table.WithCapacity(t.Context())
		got := c.CallContext(t, ctx, request, ada.Secret, body)
		if got.Status != 200 {
			t.Fatalf("%s", got.Raw)
		}
		read, write := capacity.Units()
		return read, write, got
	}
	c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil) // the limits of pools are known for a moment
	if read, write, _ := units("POST /v1/authorize", nil); read != 1 || write != 0 {
		t.Errorf("authorize: %v, %v", read, write)
	}
	read, write, got := units(reserving, object{"estimated_cost_usd": 1})
	if read > 2 || write != 3 { // and, for a moment, how pools stand
		t.Errorf("reserve: %v, %v", read, write)
	}
	if read, write, _ = units(commitOf(got.String("reservation", "id")), object{"cost_usd": 1}); read > 2 || write != 8 {
		t.Errorf("commit: %v, %v", read, write)
	}
	if _, write, _ = units("POST /v1/usage", object{"events": []object{event("e", "1")}}); write != 8 {
		t.Errorf("event: %v", write)
	}
	if _, write, got = units(reserving, object{"estimated_cost_usd": 1}); write != 3 {
		t.Errorf("reserve again: %v", write)
	}
	if _, write, _ = units("DELETE /v1/reservations/"+got.String("reservation", "id"), nil); write != 3 {
		t.Errorf("release: %v", write)
	}
}

// TestManyTeamsAtTheLimitOfATransaction: reservations of whoever is in as many limited
// teams as one may be in, settled in one request.
func TestManyTeamsAtTheLimitOfATransaction(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	var teams []id.Team
	for range member.MaxTeams {
		teams = append(teams, membertest.AddTeam(t, c.Roster, c.owner.Organization))
	}
	settings := pool.Settings{Version: 1, Organization: &pool.Setting{Version: 1}, Teams: map[id.Team]pool.Setting{}}
	settings.Organization.MonthlyLimit = new("100000")
	for _, team := range teams {
		settings.Teams[team] = pool.Setting{Chosen: settings.Organization.Chosen, Version: 1}
	}
	if err := c.Table.Transact(context.Background(), table.Write{Key: table.PoolSettings(c.owner.Organization), Put: settings}); err != nil {
		t.Fatal(err)
	}
	ada, bob := c.addTo(t, teams...), c.addTo(t, teams[:3]...)
	var events []object
	for i, m := range []membertest.Member{ada, bob} {
		for n := range 40 {
			e := event(fmt.Sprint(i, "-", n), "1", of(m.ID))
			if n < 20 {
				e["reservation_id"] = c.hold(t, m.Secret, object{"estimated_cost_usd": 1})
			}
			events = append(events, e)
		}
	}
	if got := c.report(t, c.gateway.Secret, events...); slices.ContainsFunc(got, func(o string) bool { return o != "recorded" }) {
		t.Errorf("%v", got)
	}
	for team, want := range map[id.Team]money.Amount{teams[0]: 80, teams[49]: 40, "": 80} {
		if got := c.pool(t, team, "2026-11").Month; got.Cost != want*money.USD || got.Held != 0 {
			t.Errorf("%q: %+v", team, got)
		}
	}
}
