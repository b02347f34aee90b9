package audit_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/calendar"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
)

// company is an organization with an owner, whose log tests write themselves.
type company struct {
	*rostertest.Roster
	owner membertest.Member
}

func newCompany(t testing.TB) company {
	t.Helper()
	r := rostertest.New(t, audit.Endpoints)
	return company{r, membertest.Found(t, r)}
}

func (c company) path(query url.Values) string {
	return "GET /api/organizations/" + string(c.owner.Organization) + "/audit-events?" + query.Encode()
}

func (c company) record(t testing.TB, at time.Time, e audit.Event) {
	t.Helper()
	if err := c.Table.Transact(t.Context(), audit.Record(at, c.owner.Organization, e)); err != nil {
		t.Fatal(err)
	}
}

// list reads every page, and returns the names that the events were given as reasons.
func (c company) list(t testing.TB, query url.Values, limit int) (names []string, pages int) {
	t.Helper()
	query = maps.Clone(query)
	query.Set("limit", fmt.Sprint(limit))
	for pages < 1000 {
		got := c.Must(t, 200, c.path(query), c.owner.Secret, nil)
		pages++
		rows := got.At("audit_events").([]any)
		if len(rows) > limit {
			t.Fatalf("%d rows on a page of %d", len(rows), limit)
		}
		for _, row := range rows {
			names = append(names, row.(map[string]any)["reason"].(string))
		}
		cursor := got.String("next_cursor")
		if cursor == "" {
			return names, pages
		}
		query.Set("cursor", cursor)
	}
	t.Fatal("the list does not end")
	return nil, 0
}

// TestEveryFilterFindsItsEventsOnce: whatever happened in whatever month, and however
// the pages are cut.
func TestEveryFilterFindsItsEventsOnce(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	c.Set(t, table.Organization(c.owner.Organization), "time_zone", zone.String())
	founded := c.Now()
	people := []membertest.Member{c.owner}
	for range 2 {
		people = append(people, membertest.Add(t, c.Roster, member.Member{Organization: c.owner.Organization, Role: permission.Admin}))
	}
	var keys []id.Key
	for _, p := range people {
		keys = append(keys, slices.Sorted(maps.Keys(p.Keys))...)
	}
	team := string(id.NewTeam(founded))
	targets := []string{string(people[1].ID), string(people[2].ID), string(keys[1]), team, "analyst", string(c.owner.Organization)}
	actions := []audit.Action{audit.MemberSuspended, audit.MemberUpdated, audit.KeyCreated, audit.TeamUpdated}

	type written struct {
		audit.Event
		at   time.Time
		user id.User
	}
	owners := map[string]id.User{string(people[1].ID): people[1].ID, string(people[2].ID): people[2].ID, string(keys[1]): people[1].ID}
	var all []written
	random := rapid.Custom(func(t *rapid.T) written {
		w := written{at: founded.Add(time.Duration(rapid.IntRange(0, 200*24).Draw(t, "hours")) * time.Hour)}
		w.Action = rapid.SampledFrom(actions).Draw(t, "action")
		w.Actor = audit.User(rapid.SampledFrom(people).Draw(t, "actor").ID, api.Client{IP: "192.0.2.1"})
		if rapid.Bool().Draw(t, "by key") {
			w.Actor.Key = rapid.SampledFrom(keys).Draw(t, "key")
		}
		w.Target = rapid.SampledFrom(targets).Draw(t, "target")
		if rapid.Bool().Draw(t, "more") {
			w.Also = []string{rapid.SampledFrom(targets).Draw(t, "also")}
		}
		return w
	})
	for i := range 150 {
		w := random.Example(i)
		w.Reason = fmt.Sprint("event ", i)
		for _, what := range append([]string{w.Target}, w.Also...) {
			if w.user == "" {
				w.user = owners[what]
			}
		}
		c.record(t, w.at, w.Event)
		all = append(all, w)
	}
	c.Advance(201 * 24 * time.Hour)

	rapid.Check(t, func(rt *rapid.T) {
		query := url.Values{}
		matches := func(written) bool { return true }
		narrow := func(name, value string, by func(written) bool) {
			if !rapid.Bool().Draw(rt, name) {
				return
			}
			query.Set(name, value)
			before := matches
			matches = func(w written) bool { return before(w) && by(w) }
		}
		action := rapid.SampledFrom([]string{"member.", "member.updated", "key.created", "team."}).Draw(rt, "which action")
		narrow("action", action, func(w written) bool { return strings.HasPrefix(string(w.Action), action) })
		actor := rapid.SampledFrom(people).Draw(rt, "which actor").ID
		narrow("actor", string(actor), func(w written) bool { return w.Actor.ID == string(actor) })
		target := rapid.SampledFrom(targets).Draw(rt, "which target")
		narrow("target", target, func(w written) bool { return w.Target == target || slices.Contains(w.Also, target) })
		user := rapid.SampledFrom(people[1:]).Draw(rt, "which user").ID
		narrow("user_id", string(user), func(w written) bool { return w.user == user })
		key := rapid.SampledFrom(keys).Draw(rt, "which key")
		narrow("key_id", string(key), func(w written) bool {
			return w.Actor.Key == key || w.Target == string(key) || slices.Contains(w.Also, string(key))
		})
		first := rapid.IntRange(0, 200).Draw(rt, "first")
		day := func(n int) calendar.Date {
			at := founded.In(zone)
			return calendar.DateOf(at.Year(), at.Month(), at.Day()+n)
		}
		text := func(d calendar.Date) string { return d.UTC().Format(time.DateOnly) }
		narrow("start_date", text(day(first)), func(w written) bool { return !w.at.Before(day(first).Begins(zone)) })
		last := first + rapid.IntRange(0, 100).Draw(rt, "days")
		narrow("end_date", text(day(last)), func(w written) bool { return w.at.Before(day(last).Ends(zone)) })

		var want []string
		for _, w := range all {
			if matches(w) {
				want = append(want, w.Reason)
			}
		}
		got, _ := c.list(t, query, rapid.IntRange(1, 100).Draw(rt, "limit"))
		times := map[string]time.Time{}
		for _, w := range all {
			times[w.Reason] = w.at
		}
		if !slices.IsSortedFunc(got, func(a, b string) int { return times[b].Compare(times[a]) }) {
			rt.Fatalf("%v: not the newest first: %v", query, got)
		}
		query.Set("format", "json")
		exported := c.Must(t, 200, c.path(query), c.owner.Secret, nil)
		var file []string
		for _, row := range exported.At("audit_events").([]any) {
			file = append(file, row.(map[string]any)["reason"].(string))
		}
		if diff := cmp.Diff(got, file); diff != "" {
			rt.Fatalf("%v: the pages and the file differ:\n%s", query, diff)
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("%v (-want +got)\n%s", query, diff)
		}
	})
}

func TestAnEventSaysWhoDidWhatToWhom(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := membertest.Add(t, c.Roster, member.Member{Organization: c.owner.Organization, Role: permission.Member, Name: "Ada"})
	membertest.Change(t, c.Roster, c.owner.Organization, c.owner.ID, func(m *member.Member) { m.Name = "Olivia" })
	actor := audit.User(c.owner.ID, api.Client{IP: "192.0.2.1", Agent: "curl/8"})
	c.record(t, c.Now(), audit.Event{
		Action: audit.MemberSuspended, Actor: actor, Target: string(ada.ID), Reason: "left", Also: []string{"inv_x"},
		Before: map[string]any{"status": "active"}, After: map[string]any{"status": "suspended"},
	})
	platform := audit.Actor{Kind: "platform", ID: string(id.NewUser(c.Now())), IP: "198.51.100.1", Agent: "console"}
	c.Advance(time.Second)
	c.record(t, c.Now(), audit.Event{Action: audit.OrganizationSuspended, Actor: platform, Target: string(c.owner.Organization), Reason: "unpaid"})

	rows := c.Must(t, 200, c.path(nil), c.owner.Secret, nil).At("audit_events").([]any)
	for _, row := range rows {
		delete(row.(map[string]any), "id")
	}
	want := []any{
		map[string]any{
			"at": "2026-11-22T10:00:01Z", "action": "organization.suspended", "target": string(c.owner.Organization), "reason": "unpaid",
			"actor": map[string]any{"kind": "platform", "id": platform.ID},
		},
		map[string]any{
			"at": "2026-11-22T10:00:00Z", "action": "member.suspended", "target": string(ada.ID), "also": []any{"inv_x"}, "reason": "left",
			"actor":  map[string]any{"kind": "user", "id": string(c.owner.ID), "email": string(c.owner.Email), "name": "Olivia", "ip": "192.0.2.1", "agent": "curl/8"},
			"about":  map[string]any{"user_id": string(ada.ID), "email": string(ada.Email), "name": "Ada"},
			"before": map[string]any{"status": "active"}, "after": map[string]any{"status": "suspended"},
		},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTheLogAsCSVRunsNothing(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	reason := `=HYPERLINK("http://evil.example")`
	c.record(t, c.Now(), audit.Event{
		Action: audit.TeamCreated, Actor: audit.System(), Target: string(id.NewTeam(c.Now())), Reason: reason,
		After: map[string]any{"name": "Größe, \"klein\"\nund groß"},
	})
	got := c.Must(t, 200, c.path(url.Values{"format": {"csv"}}), c.owner.Secret, nil)
	if kind := got.Header.Get("Content-Type"); kind != "text/csv; charset=utf-8; header=present" {
		t.Errorf("content type %q", kind)
	}
	if disposition := got.Header.Get("Content-Disposition"); disposition != `attachment; filename="audit-events.csv"` {
		t.Errorf("content disposition %q", disposition)
	}
	rows, err := csv.NewReader(bytes.NewReader(got.Raw)).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v, %v", rows, err)
	}
	row := map[string]string{}
	for i, name := range rows[0] {
		row[name] = rows[1][i]
	}
	if row["reason"] != "'"+reason || row["after"] != `{"name":"Größe, \"klein\"\nund groß"}` || row["action"] != "team.created" || row["actor_kind"] != "system" {
		t.Errorf("%q", row)
	}
}

func TestAnExportThatIsTooLargeSaysWhatFits(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	long := strings.Repeat(`<">`, 20_000) // 320 KB as Lambda hands it over, and 360 KB in CSV
	for range 25 {
		c.Advance(2 * time.Hour)
		c.record(t, c.Now(), audit.Event{Action: audit.TeamUpdated, Actor: audit.System(), Target: string(id.NewTeam(c.Now())), After: map[string]any{"description": long}})
	}
	for _, format := range []string{"csv", "json"} {
		query := url.Values{"format": {format}}
		got := c.Refused(t, 422, "export_too_large", c.path(query), c.owner.Secret, nil)
		if !strings.Contains(string(got.Raw), "from 2026-11-24 on it would fit") {
			t.Errorf("%s: %s", format, got.Raw)
		}
		query.Set("start_date", "2026-11-24")
		fits := c.Must(t, 200, c.path(query), c.owner.Secret, nil)
		if n := api.Transported(fits.Raw); n > 6_000_000 || len(fits.Raw) < 10_000 {
			t.Errorf("%s: %d bytes", format, n)
		}
	}
	if got := c.Must(t, 200, c.path(url.Values{"limit": {"10"}}), c.owner.Secret, nil); got.String("next_cursor") == "" {
		t.Error("pages do not go on")
	}
}

// TestThePriceOfAPage: what befell a member costs what is shown, however much
// happened to others; a search for what is rare ends, and goes on from there.
func TestThePriceOfAPage(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := membertest.Add(t, c.Roster, member.Member{Organization: c.owner.Organization, Role: permission.Member})
	actor := audit.User(c.owner.ID, api.Client{IP: "192.0.2.1"})
	c.record(t, c.Now(), audit.Event{Action: audit.MemberSuspended, Actor: actor, Target: string(ada.ID), Reason: "found"})
	var writes []table.Write
	for range 2400 {
		c.Advance(time.Minute)
		writes = append(writes, audit.Record(c.Now(), c.owner.Organization, audit.Event{
			Action: audit.TeamUpdated, Actor: actor, Target: string(id.NewTeam(c.Now())), Before: map[string]any{"name": "a"}, After: map[string]any{"name": "b"},
		}))
	}
	for chunk := range slices.Chunk(writes, 100) {
		if err := c.Table.Transact(t.Context(), chunk...); err != nil {
			t.Fatal(err)
		}
	}
	for name, step := range map[string]struct {
		query url.Values
		units float64
		pages int
	}{
		"the newest":           {url.Values{"start_date": {"2026-11-23"}, "limit": {"50"}}, 10, 0},
		"what befell a member": {url.Values{"user_id": {string(ada.ID)}}, 5, 1},
		"a rare action":        {url.Values{"action": {"member.suspended"}}, 100, 3},
		"what is not there":    {url.Values{"action": {"role.deleted"}}, 100, 3},
		"a new target":         {url.Values{"target": {string(id.NewTeam(c.Now()))}}, 5, 1},
	} {
		ctx, capacity := table.WithCapacity(t.Context())
		if got := c.CallContext(t, ctx, c.path(step.query), c.owner.Secret, nil); got.Status != 200 {
			t.Fatalf("%s: %s", name, got.Raw)
		}
		if read, write := capacity.Units(); read > step.units || write != 0 {
			t.Errorf("%s: %.1f units: %v", name, read, capacity.Calls())
		}
		if step.pages == 0 {
			continue
		}
		if found, pages := c.list(t, step.query, 50); pages != step.pages || len(found) > 1 {
			t.Errorf("%s: %v on %d pages, want %d", name, found, pages, step.pages)
		}
	}
}

func TestACursorOfTheLogIsOfItsOrganizationAndFilters(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	for range 3 {
		c.record(t, c.Now(), audit.Event{Action: audit.TeamCreated, Actor: audit.System(), Target: string(id.NewTeam(c.Now()))})
	}
	cursor := c.Must(t, 200, c.path(url.Values{"limit": {"1"}}), c.owner.Secret, nil).String("next_cursor")
	rival := company{c.Roster, membertest.Found(t, c.Roster)}
	for name, call := range map[string]struct {
		of    company
		query url.Values
	}{
		"another organization": {rival, url.Values{"cursor": {cursor}}},
		"another filter":       {c, url.Values{"cursor": {cursor}, "action": {"team."}}},
		"other days":           {c, url.Values{"cursor": {cursor}, "start_date": {"2026-11-01"}}},
	} {
		if got := c.Call(t, call.of.path(call.query), call.of.owner.Secret, nil); got.Status != 422 {
			t.Errorf("%s: %d %s", name, got.Status, got.Raw)
		}
	}
	c.Must(t, 200, c.path(url.Values{"limit": {"2"}, "cursor": {cursor}}), c.owner.Secret, nil)
}

func TestWhatTheLogIsNotAskedFor(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	for parameter, query := range map[string]url.Values{
		"start_date": {"start_date": {"2026-11-02"}, "end_date": {"2026-11-01"}},
		"action":     {"action": {"member"}},
		"limit":      {"format": {"csv"}, "limit": {"5"}},
		"format":     {"format": {"xml"}},
		"target":     {"target": {"Somebody Else"}},
	} {
		got := c.Refused(t, 422, "invalid_input", c.path(query), c.owner.Secret, nil)
		if !strings.Contains(string(got.Raw), `"parameter":"`+parameter+`"`) {
			t.Errorf("%s: %s", parameter, got.Raw)
		}
	}
	for _, query := range []url.Values{{"end_date": {"1960-01-01"}}, {"start_date": {"9999-12-31"}}, {"start_date": {"1960-01-01"}, "end_date": {"9999-12-31"}}} {
		if names, _ := c.list(t, query, 10); len(names) > 0 {
			t.Errorf("%v: %v", query, names)
		}
	}
	viewer := membertest.Add(t, c.Roster, member.Member{Organization: c.owner.Organization, Role: permission.Developer})
	c.Refused(t, 403, "permission_denied", c.path(nil), viewer.Secret, nil)
}

func TestEveryActionIsExplained(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	got := c.Must(t, 200, "GET /api/organizations/"+string(c.owner.Organization)+"/audit-actions", c.owner.Secret, nil)
	if rows := got.At("audit_actions").([]any); len(rows) != len(audit.Catalogue) {
		t.Errorf("%d actions of %d", len(rows), len(audit.Catalogue))
	}
}
