package usage_test

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/arrange"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/permission"
	"roster/internal/table"
	"roster/internal/usage"
)

// reported is an event of a history: its cost, in cents, is its number.
type reported struct {
	number   int
	user     id.User
	day      string
	model    string
	key      id.Key
	personal bool
}

// listed walks through a list page by page, and returns the numbers of the events.
func (c company) listed(t testing.TB, credential, query string, limit int) (numbers []int) {
	t.Helper()
	day, at := "9999", time.Time{}
	for cursor := ""; ; {
		page := fmt.Sprintf("%s&limit=%d", query, limit)
		if cursor != "" {
			page += "&cursor=" + url.QueryEscape(cursor)
		}
		got := c.Must(t, 200, c.eventsPath(page), credential, nil)
		rows, _ := got.At("events").([]any)
		if len(rows) > limit {
			t.Fatalf("a page of %d rows, not %d", len(rows), limit)
		}
		for _, row := range rows {
			e := row.(object)
			on := e["counted_on"].(string)
			recorded, err := time.Parse(time.RFC3339, e["recorded_at"].(string))
			if err != nil || on > day || on == day && recorded.After(at) {
				t.Errorf("%s %v stands behind %s %v: %v", on, recorded, day, at, err)
			}
			day, at = on, recorded
			numbers = append(numbers, int(e["cost_usd"].(float64)*100+0.5))
		}
		if cursor, _ = got.At("next_cursor").(string); cursor == "" {
			return numbers
		}
	}
}

// TestEventsOfAMemberAreListed with each once, by day, model and key, however they were
// reported and however often and in whatever order the stream tells of them.
func TestEventsOfAMemberAreListed(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.setOrganization(t, "time_zone", "Pacific/Auckland")
	zone, err := time.LoadLocation("Pacific/Auckland")
	if err != nil {
		t.Fatal(err)
	}
	chunk, number := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		users := []membertest.Member{c.add(t, permission.Member), c.add(t, permission.Member)}
		var all []reported
		for range rapid.IntRange(1, 8).Draw(rt, "calls") {
			var batch []object
			for range rapid.IntRange(1, 7).Draw(rt, "events") {
				number++
				u := users[rapid.IntRange(0, 1).Draw(rt, "user")]
				at := c.Now().Add(-time.Duration(rapid.IntRange(0, 5*24).Draw(rt, "hours ago")) * time.Hour)
				e := reported{number, u.ID, at.In(zone).Format(time.DateOnly), rapid.SampledFrom([]string{"a/one", "b/two"}).Draw(rt, "model"), "", rapid.IntRange(0, 5).Draw(rt, "personal") == 0}
				said := object{"id": fmt.Sprint("e", number), "model": e.model, "input_tokens": 1, "output_tokens": 1, "cost_usd": fmt.Sprintf("%d.%02d", number/100, number%100), "occurred_at": at.Format(time.RFC3339)}
				if e.personal {
					said["connection_scope"] = "personal"
				}
				if rapid.Bool().Draw(rt, "by key") {
					e.key = keyOf(u.Member)
					said["key_id"] = e.key
				} else {
					said["user_id"] = u.ID
				}
				all, batch = append(all, e), append(batch, said)
			}
			if rapid.Bool().Draw(rt, "in a chunk") {
				chunk++
				c.Must(t, 200, fmt.Sprintf("PUT /v1/usage/sources/2/%d", chunk), c.gateway.Secret, object{"events": batch})
			} else {
				c.report(t, c.gateway.Secret, batch...)
			}
			c.Advance(time.Duration(rapid.IntRange(0, 2).Draw(rt, "pause")) * time.Millisecond)
		}
		records := c.Changes(t)
		for range 2 {
			for records := rapid.Permutation(records).Draw(rt, "order"); len(records) > 0; {
				n := min(len(records), rapid.IntRange(1, 30).Draw(rt, "batch"))
				if err := (usage.EventList{Env: c.Env}).Stream(t.Context(), events.DynamoDBEvent{Records: records[:n]}); err != nil {
					rt.Fatal(err)
				}
				records = records[n:]
			}
		}
		for range 3 {
			u := users[rapid.IntRange(0, 1).Draw(rt, "asked for")]
			from := c.Now().In(zone).AddDate(0, 0, -rapid.IntRange(0, 6).Draw(rt, "from"))
			to := from.AddDate(0, 0, rapid.IntRange(0, 6).Draw(rt, "days"))
			query := fmt.Sprintf("user_id=%s&start_date=%s&end_date=%s", u.ID, from.Format(time.DateOnly), to.Format(time.DateOnly))
			model, byKey, own := rapid.SampledFrom([]string{"", "a/one"}).Draw(rt, "of model"), rapid.Bool().Draw(rt, "of key"), rapid.Bool().Draw(rt, "own")
			credential := c.owner.Secret
			if own {
				credential = u.Secret
			}
			if model != "" {
				query += "&model=" + model
			}
			if byKey {
				query += "&key_id=" + string(keyOf(u.Member))
			}
			var want []int
			for _, e := range all {
				if e.user == u.ID && e.day >= from.Format(time.DateOnly) && e.day <= to.Format(time.DateOnly) &&
					(model == "" || e.model == model) && (!byKey || e.key != "") && (own || !e.personal) {
					want = append(want, e.number)
				}
			}
			got := c.listed(t, credential, query, rapid.IntRange(1, 9).Draw(rt, "limit"))
			slices.Sort(got)
			if !slices.Equal(got, want) {
				rt.Fatalf("%s: %v, want %v of %+v", query, got, want, all)
			}
		}
	})
}

func TestWhoMaySeeWhoseEvents(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	team, other := membertest.AddTeam(t, c.Roster, c.owner.Organization), membertest.AddTeam(t, c.Roster, c.owner.Organization)
	ada, boss, stranger := c.addTo(t, team, other), c.add(t, permission.Member), c.add(t, permission.Member)
	c.change(t, boss.ID, func(m *member.Member) { m.Teams = map[id.Team]access.TeamRole{team: access.TeamManager} })
	c.report(t, ada.Secret, event("e", "0.01"))
	c.change(t, ada.ID, func(m *member.Member) { m.Teams = map[id.Team]access.TeamRole{other: access.TeamUser} })
	c.report(t, ada.Secret, event("f", "0.02"))
	c.Must(t, 201, c.adjusting(), c.owner.Secret, object{"id": "refund", "event_id": "f", "user_id": ada.ID, "refund_usd": "0.02", "reason": "It failed."})
	tested := c.keyed(t, ada).secret
	c.report(t, tested, event("g", "0.04"))
	c.Arrange(t)
	of := "user_id=" + string(ada.ID)
	for _, test := range []struct {
		by, query string
		want      []int
	}{
		{ada.Secret, "", []int{-2, 2, 1}}, {c.owner.Secret, of, []int{-2, 2, 1}}, {boss.Secret, of + "&team_id=" + string(team), []int{1}},
		{c.owner.Secret, of + "&team_id=" + string(other), []int{-2, 2, 1}}, {stranger.Secret, "", nil}, {ada.Secret, "test=true", []int{4}},
	} {
		var got []int
		for _, e := range c.Must(t, 200, c.eventsPath(test.query), test.by, nil).At("events").([]any) {
			cents := e.(object)["cost_usd"].(float64) * 100
			got = append(got, int(cents+0.5*cents/max(cents, -cents)))
		}
		slices.Sort(got)
		slices.Sort(test.want)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.query, got, test.want)
		}
	}
	for _, query := range []string{of, of + "&team_id=" + string(team)} {
		c.Refused(t, 403, "permission_denied", c.eventsPath(query), stranger.Secret, nil)
	}
	c.Refused(t, 403, "permission_denied", c.eventsPath(of+"&team_id="+string(other)), boss.Secret, nil)
	next := c.Must(t, 200, c.eventsPath(of+"&limit=1"), c.owner.Secret, nil).String("next_cursor")
	c.Refused(t, 422, "invalid_input", c.eventsPath("user_id="+string(boss.ID)+"&limit=1&cursor="+url.QueryEscape(next)), c.owner.Secret, nil)
}

// TestLostListsOfEventsAreMended, all and once.
func TestLostListsOfEventsAreMended(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.report(t, ada.Secret, event("own", "0.01"))
	c.report(t, c.gateway.Secret, event("e", "0.02", of(ada.ID)))
	c.Arrange(t)
	c.report(t, c.gateway.Secret, event("f", "0.03", of(ada.ID)), event("g", "0.04", of(ada.ID)))
	c.Must(t, 200, "PUT /v1/usage/sources/0/1", c.gateway.Secret, object{"events": []object{event("h", "0.05", of(ada.ID))}})
	c.report(t, ada.Secret, event("own 2", "0.06", object{"id": "own2"}))
	c.report(t, c.keyed(t, ada).secret, event("tested", "0.07"))
	missing := 0
	for next := new(arrange.Rearranged); ; {
		out, err := arrange.New(c.Env).Rearrange(t.Context(), arrange.Rearranging{Organization: c.owner.Organization, Next: next.Next})
		if err != nil {
			t.Fatal(err)
		}
		if missing += out.Missing; out.Next == nil {
			break
		}
		next = &out
	}
	if got := c.listed(t, ada.Secret, "", 50); len(got) != 6 {
		t.Errorf("%v", got)
	}
	if again, err := arrange.New(c.Env).Rearrange(t.Context(), arrange.Rearranging{Organization: c.owner.Organization}); err != nil || again.Missing != 0 {
		t.Errorf("%+v, %v", again, err)
	}
	if missing < 5 {
		t.Errorf("%d were missing", missing)
	}
}

// TestAListOfEventsCostsWhatItShows, and its upkeep a write for each call and member.
func TestAListOfEventsCostsWhatItShows(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, eve := c.add(t, permission.Member), c.add(t, permission.Member)
	var batch []object
	for n := range 40 {
		batch = append(batch, event(fmt.Sprint(n), "1", of([]id.User{ada.ID, eve.ID}[n%2])))
	}
	c.report(t, c.gateway.Secret, batch...)
	ctx, upkeep := table.WithCapacity(t.Context())
	if err := (usage.EventList{Env: c.Env}).Stream(ctx, events.DynamoDBEvent{Records: c.Changes(t)}); err != nil {
		t.Fatal(err)
	}
	if read, write := upkeep.Units(); read != 0 || write != 2 {
		t.Errorf("%v", upkeep.Calls())
	}
	ctx, shown := table.WithCapacity(t.Context())
	if got := c.CallContext(t, ctx, c.eventsPath("limit=10&user_id="+string(ada.ID)), c.owner.Secret, nil); len(got.At("events").([]any)) != 10 {
		t.Fatalf("%s", got.Raw)
	}
	if read, write := shown.Units(); read > 16 || write != 0 {
		t.Errorf("%v: %v", read, shown.Calls())
	}
}
