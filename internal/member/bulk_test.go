package member_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
)

// outcomes lists what became of the entries, "done" or "failed member_not_found".
func outcomes(t testing.TB, a rostertest.Response) []string {
	t.Helper()
	var all []string
	results, _ := a.At("results").([]any)
	for i, one := range results {
		r := one.(map[string]any)
		if int(r["index"].(float64)) != i {
			t.Errorf("entry %d stands at %d", int(r["index"].(float64)), i)
		}
		all = append(all, strings.TrimSpace(fmt.Sprintf("%v %v", r["status"], cmpEmpty(r["code"]))))
	}
	return all
}

func cmpEmpty(v any) any {
	if v == nil {
		return ""
	}
	return v
}

// audited counts the audit events about a member by action.
func audited(t testing.TB, r *rostertest.Roster, m membertest.Member) map[string]int {
	t.Helper()
	events := map[string]int{}
	for key, item := range r.DumpItems(t) {
		if strings.HasPrefix(key.PK, "AU#"+string(m.Organization)) && item["target"] == string(m.ID) {
			events[item["action"].(string)]++
		}
	}
	return events
}

func TestBulkCallsAnswerEntryByEntry(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	admin := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Admin})
	bob := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	eve := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	gone := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member, Status: access.Removed})
	foreign := membertest.Found(t, r)
	ids := []any{bob.ID, owner.ID, "uuid-1", eve.ID, bob.ID, admin.ID, foreign.ID, gone.ID}

	edit := map[string]any{"user_ids": ids, "changes": map[string]any{
		"role": "developer", "metadata": map[string]any{"cost_center": "ENG-001"}}}
	want := []string{
		"done", "failed outranked", "failed member_not_found", "done", "unchanged", "failed not_oneself",
		"failed member_not_found", "failed wrong_status",
	}
	before := r.DumpItems(t)
	rehearsed := outcomes(t, r.Must(t, 200, "PUT "+members(owner)+"/bulk?dry_run=true", admin.Secret, edit))
	if len(r.DumpItems(t)) != len(before) {
		t.Error("a dry run wrote something")
	}
	if got := outcomes(t, r.Must(t, 200, "PUT "+members(owner)+"/bulk", admin.Secret, edit)); !slices.Equal(got, want) || !slices.Equal(rehearsed, want) {
		t.Errorf("edited %q\nrehearsed %q\nwant %q", got, rehearsed, want)
	}
	changed := r.Must(t, 200, "GET "+path(eve), owner.Secret, nil)
	if changed.String("member", "role") != "developer" || changed.String("member", "metadata", "cost_center") != "ENG-001" {
		t.Errorf("%s", changed.Raw)
	}
	if m := r.LastMail(t, string(bob.Email)); m.Kind != mail.RoleChanged {
		t.Errorf("mail %+v", m)
	}
	want[0], want[3] = "unchanged", "unchanged"
	if got := outcomes(t, r.Must(t, 200, "PUT "+members(owner)+"/bulk", admin.Secret, edit)); !slices.Equal(got, want) {
		t.Errorf("repeated %q, want %q", got, want)
	}

	remove := map[string]any{"user_ids": ids}
	want = []string{"done", "failed outranked", "failed member_not_found", "done", "unchanged", "done", "failed member_not_found", "unchanged"}
	if got := outcomes(t, r.Must(t, 200, "DELETE "+members(owner)+"/bulk", admin.Secret, remove)); !slices.Equal(got, want) {
		t.Errorf("removed %q, want %q", got, want)
	}
	r.Refused(t, 401, "invalid_key", "GET "+path(admin), admin.Secret, nil)
	want = []string{"unchanged", "failed last_owner", "failed member_not_found", "unchanged", "unchanged", "unchanged", "failed member_not_found", "unchanged"}
	if got := outcomes(t, r.Must(t, 200, "POST "+members(owner)+"/bulk-remove", owner.Secret, remove)); !slices.Equal(got, want) {
		t.Errorf("removed again %q, want %q", got, want)
	}
	if got, want := fmt.Sprint(audited(t, r, bob)), "map[member.removed:1 member.role_changed:1]"; got != want {
		t.Errorf("audited %s, want %s", got, want)
	}
}

func TestBulkCallsRefuseWhatIsNoList(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	many := make([]id.User, 10_001)
	for i := range many {
		many[i] = id.NewUser(r.Now())
	}
	aTeam := id.NewTeam(r.Now())
	for name, c := range map[string]struct {
		request string
		body    any
		says    string
	}{
		"no body with DELETE": {"DELETE " + members(owner) + "/bulk", nil, "bulk-remove"},
		"an empty list":       {"POST " + members(owner) + "/bulk-remove", map[string]any{"user_ids": []any{}}, "/user_ids"},
		"10,001 members":      {"POST " + members(owner) + "/bulk-remove", map[string]any{"user_ids": many}, "more than 10000"},
		"an empty filter":     {"POST " + members(owner) + "/bulk-remove", map[string]any{"filter": map[string]any{}}, "/filter"},
		"a filter and ids":    {"POST " + members(owner) + "/bulk-remove", map[string]any{"user_ids": many[:1], "filter": map[string]any{"role": "member"}}, "/filter"},
		"role and team":       {"DELETE " + members(owner) + "/bulk", map[string]any{"filter": map[string]any{"role": "member", "team": id.NewTeam(r.Now())}}, "/filter/team"},
		"those who wait":      {"DELETE " + members(owner) + "/bulk", map[string]any{"filter": map[string]any{"status": "pending"}}, "/filter/status"},
		"no such role":        {"DELETE " + members(owner) + "/bulk", map[string]any{"filter": map[string]any{"role": "nobody"}}, "/filter/role"},
		"a team both ways":    {"PUT " + members(owner) + "/bulk", map[string]any{"user_ids": many[:1], "changes": map[string]any{"teams": map[string]any{"add": []id.Team{aTeam}, "remove": []id.Team{aTeam}}}}, "/changes/teams/remove/0"},
		"no changes":          {"PUT " + members(owner) + "/bulk", map[string]any{"user_ids": many[:1]}, "/changes"},
		"empty changes":       {"PUT " + members(owner) + "/bulk", map[string]any{"user_ids": many[:1], "changes": map[string]any{}}, "/changes"},
		"a null status":       {"PUT " + members(owner) + "/bulk", map[string]any{"user_ids": many[:1], "changes": map[string]any{"status": nil}}, "/changes/status"},
	} {
		if got := r.Refused(t, 422, "invalid_input", c.request, owner.Secret, c.body); !strings.Contains(string(got.Raw), c.says) {
			t.Errorf("%s: %s", name, got.Raw)
		}
	}
}

// TestOneOwnerStaysThroughBulkCalls lets two owners remove or demote both at once.
func TestOneOwnerStaysThroughBulkCalls(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	for round := range 20 {
		first := membertest.Found(t, r)
		all := []membertest.Member{first}
		for range 2 {
			all = append(all, membertest.Add(t, r, member.Member{Organization: first.Organization, Role: permission.Owner}))
		}
		var both sync.WaitGroup
		for i, by := range all[:2] {
			ids := []id.User{all[2].ID, all[0].ID, all[1].ID}
			both.Go(func() {
				var answer rostertest.Response
				if (round+i)%2 == 0 {
					answer = r.Call(t, "DELETE "+members(first)+"/bulk", by.Secret, map[string]any{"user_ids": ids})
				} else {
					answer = r.Call(t, "PUT "+members(first)+"/bulk", by.Secret, map[string]any{
						"user_ids": ids, "changes": map[string]any{"role": "admin"}})
				}
				if answer.Status != 200 && answer.Status != 401 && answer.Status != 403 { // or undone before it could act
					t.Errorf("answer %s", answer.Raw)
				}
			})
		}
		both.Wait()
		if counted, found := owners(t, r, all...); counted != 1 || found != 1 {
			t.Fatalf("%d owners are counted, %d are there; want 1", counted, found)
		}
	}
}

// TestBulkHistories makes bulk calls at random: what a dry run tells comes true, one
// owner stays, and each change is audited once.
func TestBulkHistories(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	rapid.Check(t, func(rt *rapid.T) {
		all := []membertest.Member{membertest.Found(t, r)}
		for range 5 {
			all = append(all, membertest.Add(t, r, member.Member{
				Organization: all[0].Organization, Role: rapid.SampledFrom(roles[:5]).Draw(rt, "role"),
			}))
		}
		for range rapid.IntRange(1, 3).Draw(rt, "calls") {
			bulkStep(t, rt, r, all)
		}
	})
}

func bulkStep(t *testing.T, rt *rapid.T, r *rostertest.Roster, all []membertest.Member) {
	by := rapid.SampledFrom(all).Draw(rt, "caller")
	var ids []id.User
	for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(all)-1), 1, 8).Draw(rt, "entries") {
		ids = append(ids, all[i].ID)
	}
	request, body := "DELETE "+members(by)+"/bulk", map[string]any{"user_ids": ids}
	if rapid.Bool().Draw(rt, "edit") {
		request = "PUT " + members(by) + "/bulk"
		body["changes"] = rapid.SampledFrom([]map[string]any{
			{"role": "admin"}, {"role": "owner"}, {"role": "viewer"}, {"status": "suspended", "suspension_reason": "Audit"},
			{"status": "active"}, {"metadata": map[string]any{"team": "Backend"}, "role": "member"},
		}).Draw(rt, "changes")
	}
	before, events := versions(t, r, all), eventsOf(t, r, by.Organization)
	rehearsed := r.Call(t, request+"?dry_run=true", by.Secret, body)
	if got := versions(t, r, all); !slices.Equal(got, before) {
		rt.Fatalf("a dry run changed versions from %v to %v", before, got)
	}
	answer := r.Call(t, request, by.Secret, body)
	if rehearsed.Status != answer.Status || !slices.Equal(outcomes(t, rehearsed), outcomes(t, answer)) {
		rt.Fatalf("rehearsed %s\ncame to %s", rehearsed.Raw, answer.Raw)
	}
	changed, done := 0, 0
	for i, version := range versions(t, r, all) {
		if version != before[i] {
			changed++
		}
	}
	for _, outcome := range outcomes(t, answer) {
		if outcome == "done" {
			done++
		}
	}
	if recorded := eventsOf(t, r, by.Organization) - events; changed != done || recorded != done {
		rt.Fatalf("%d entries are done, %d members changed, %d events were recorded", done, changed, recorded)
	}
	if counted, found := owners(t, r, all...); counted != found || found < 1 {
		rt.Fatalf("%d owners are counted, %d are there", counted, found)
	}
}

func versions(t testing.TB, r *rostertest.Roster, all []membertest.Member) []int {
	t.Helper()
	versions := make([]int, len(all))
	for i, one := range all {
		m, err := member.Get(t.Context(), r.Table, one.Organization, one.ID)
		if err != nil {
			t.Fatal(err)
		}
		versions[i] = m.Version
	}
	return versions
}

func eventsOf(t testing.TB, r *rostertest.Roster, org id.Organization) int {
	t.Helper()
	items, err := r.Table.QueryAll(t.Context(), table.Query{PK: table.AuditEvent(org, "2026-11", "").PK})
	if err != nil {
		t.Fatal(err)
	}
	return len(items)
}
