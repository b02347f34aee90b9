package member_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/job"
	"roster/internal/job/jobtest"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/permission"
	"roster/internal/rostertest"
)

// drained makes a bulk call, lets its job end, and returns what became of whom.
func drained(t testing.TB, r *rostertest.Roster, request string, by membertest.Member, body any) (results map[id.User]string, progress map[string]any) {
	t.Helper()
	made := r.Must(t, 202, request, by.Secret, body)
	jobtest.Drain(t, r, member.Jobs, offboarding.Jobs)
	return ended(t, r, by, made.String("job", "id"))
}

func ended(t testing.TB, r *rostertest.Roster, by membertest.Member, of string) (results map[id.User]string, progress map[string]any) {
	t.Helper()
	path := "/api/organizations/" + string(by.Organization) + "/jobs/" + of
	answer := r.Must(t, 200, "GET "+path, by.Secret, nil)
	if answer.String("job", "state") != "done" {
		t.Fatalf("%s", answer.Raw)
	}
	results = map[id.User]string{}
	for cursor := ""; ; {
		page := r.Must(t, 200, "GET "+path+"/results?limit=100"+cursor, by.Secret, nil)
		for _, one := range page.At("results").([]any) {
			row := one.(map[string]any)
			user, _ := row["user_id"].(string)
			if results[id.User(user)] != "" {
				t.Errorf("%s stands in two rows", user)
			}
			results[id.User(user)] = fmt.Sprint(row["status"], " ", cmpEmpty(row["code"]))
		}
		if page.String("next_cursor") == "" {
			return results, answer.At("job", "progress").(map[string]any)
		}
		cursor = "&cursor=" + page.String("next_cursor")
	}
}

func TestWhoMatchesAFilterIsChangedByAJob(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints, job.Endpoints)
	owner := membertest.Found(t, r)
	team := membertest.AddTeam(t, r, owner.Organization)
	admin := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Admin})
	var developers []membertest.Member
	for i := range 7 {
		m := member.Member{Organization: owner.Organization, Role: permission.Developer}
		if i == 6 {
			m.Status = "suspended"
		}
		developers = append(developers, membertest.Add(t, r, m))
	}
	viewer := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Viewer})
	r.Arrange(t)
	body := map[string]any{"filter": map[string]any{"status": "active", "role": "developer"}, "changes": map[string]any{
		"allowed_models": []string{"openai/*"}, "teams": map[string]any{"add": []id.Team{team}}, "metadata": map[string]any{"floor": "4"},
	}}
	request := "PUT " + members(owner) + "/bulk"

	before := versions(t, r, developers)
	rehearsed, progress := drained(t, r, request+"?dry_run=true", owner, body)
	if len(rehearsed) != 6 || progress["total"] != 6.0 || progress["unchanged"] != 0.0 || progress["failed"] != 0.0 {
		t.Errorf("rehearsed %v: %v", rehearsed, progress)
	}
	if !slices.Equal(versions(t, r, developers), before) {
		t.Error("a dry run changed somebody")
	}

	made := r.Must(t, 202, request, owner.Secret, body)
	// One of them no longer matches when the job comes to them.
	r.Must(t, 200, "PUT "+path(developers[0]), owner.Secret, map[string]any{"role": "member"})
	jobtest.Drain(t, r, member.Jobs, offboarding.Jobs)
	results, progress := ended(t, r, owner, made.String("job", "id"))
	done := 0
	for _, m := range developers[1:6] {
		if results[m.ID] == "done " {
			done++
		}
		answer := r.Must(t, 200, "GET "+path(m), owner.Secret, nil)
		if answer.String("member", "metadata", "floor") != "4" || len(answer.At("member", "teams").([]any)) != 1 ||
			len(answer.At("member", "allowed_models").([]any)) != 1 {
			t.Errorf("%s", answer.Raw)
		}
	}
	if done != 5 || progress["total"].(float64) > 6 {
		t.Errorf("%v: %v", results, progress)
	}
	for _, m := range []membertest.Member{developers[0], developers[6], viewer, admin} {
		if answer := r.Must(t, 200, "GET "+path(m), owner.Secret, nil); len(answer.At("member", "teams").([]any)) != 0 {
			t.Errorf("changed, and not meant: %s", answer.Raw)
		}
	}
	r.Arrange(t)
	if results, progress := drained(t, r, request, owner, body); progress["unchanged"] != 5.0 {
		t.Errorf("a repeat came to %v: %v", results, progress)
	}
	body["changes"] = map[string]any{"teams": map[string]any{"remove": []id.Team{team}}}
	if results, _ := drained(t, r, request, owner, body); results[developers[1].ID] != "done " {
		t.Errorf("%v", results)
	}
	body["changes"] = map[string]any{"teams": map[string]any{"add": []id.Team{id.NewTeam(r.Now())}}}
	if results, _ := drained(t, r, request, owner, body); results[developers[1].ID] != "failed team_not_found" {
		t.Errorf("%v", results)
	}
}

// TestAJobKeepsEveryChange: what one call may ask of a member, a job does of many.
func TestAJobKeepsEveryChange(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints, job.Endpoints)
	owner := membertest.Found(t, r)
	day, instant := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Viewer}),
		membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	r.Arrange(t)
	for role, changes := range map[string]map[string]any{
		"viewer": {"ends_at": "2027-01-31", "alias": "x", "metadata": map[string]any{"floor": 4}},
		"member": {"ends_at": "2027-01-31T10:00:00Z", "status": "suspended", "suspension_reason": "pause",
			"suspended_from": "2026-12-01T00:00:00Z", "suspended_until": "2026-12-24T00:00:00Z"},
	} {
		results, _ := drained(t, r, "PUT "+members(owner)+"/bulk", owner, map[string]any{"filter": map[string]any{"role": role}, "changes": changes})
		for of, result := range results {
			if result != "done " {
				t.Errorf("%s: %s", of, result)
			}
		}
	}
	if got := r.Must(t, 200, "GET "+path(day), owner.Secret, nil); got.String("member", "ends_at") != "2027-02-01T00:00:00Z" ||
		got.String("member", "alias") != "x" || got.At("member", "metadata", "floor") != 4.0 {
		t.Errorf("%s", got.Raw)
	}
	if got := r.Must(t, 200, "GET "+path(instant), owner.Secret, nil); got.String("member", "ends_at") != "2027-01-31T10:00:00Z" ||
		got.String("member", "scheduled_suspension", "until") != "2026-12-24T00:00:00Z" {
		t.Errorf("%s", got.Raw)
	}
}

// TestAFilterRemovesNobodyElse: not the caller, not those who outrank them, not who
// does not match.
func TestAFilterRemovesNobodyElse(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints, job.Endpoints)
	owner := membertest.Found(t, r)
	admin := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Admin, Name: "Zoe Zimmer"})
	bob := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member, Name: "Bob Zimmer"})
	eve := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member, Name: "Eve"})
	bot := membertest.Add(t, r, member.Member{Organization: owner.Organization, Kind: member.ServiceAccount, Role: permission.Gateway, Name: "Zimmer"})
	r.Arrange(t)
	results, _ := drained(t, r, "DELETE "+members(owner)+"/bulk", admin, map[string]any{"filter": map[string]any{"kind": "service"}})
	if len(results) != 1 || results[bot.ID] != "done " {
		t.Errorf("%v", results)
	}
	r.Arrange(t)
	results, _ = drained(t, r, "DELETE "+members(owner)+"/bulk", admin, map[string]any{"filter": map[string]any{"search": "zimmer"}})
	if len(results) != 1 || results[bob.ID] != "done " {
		t.Errorf("%v", results)
	}
	results, _ = drained(t, r, "POST "+members(owner)+"/bulk-remove", admin, map[string]any{"filter": map[string]any{"status": "active"}})
	if len(results) != 2 || results[owner.ID] != "failed outranked" || results[eve.ID] != "done " {
		t.Errorf("%v", results)
	}
	if counted, found := owners(t, r, owner); counted != 1 || found != 1 {
		t.Errorf("%d owners are counted, %d are there", counted, found)
	}
}

// TestAJobEndsWithTheRightOfWhoStartedIt: rows that come later are refused, and change
// nobody.
func TestAJobEndsWithTheRightOfWhoStartedIt(t *testing.T) {
	t.Parallel()
	const rows, before, atOnce = 40, 5, 16
	for name, end := range map[string]func(*member.Member){
		"demoted":   func(m *member.Member) { m.Role = permission.Developer },
		"suspended": func(m *member.Member) { m.Status, m.Epoch = access.Suspended, m.Epoch+1 },
		"removed":   func(m *member.Member) { m.Status, m.Epoch, m.Keys = access.Removed, m.Epoch+1, nil },
	} {
		for _, request := range []string{"PUT ", "DELETE "} {
			t.Run(name+"/"+request, func(t *testing.T) {
				t.Parallel()
				var (
					made    atomic.Int32
					spoil   func()
					spoiled = make(chan struct{})
				)
				// Changes of rows after the first ones wait until the right has ended.
				r := rostertest.NewWith(t, func(next http.RoundTripper) http.RoundTripper {
					return rostertest.RoundTrip(func(request *http.Request) (*http.Response, error) {
						raw, err := io.ReadAll(request.Body)
						if err != nil {
							return nil, err
						}
						request.Body = io.NopCloser(bytes.NewReader(raw))
						n := int32(0)
						if strings.HasSuffix(request.Header.Get("X-Amz-Target"), ".TransactWriteItems") && bytes.Contains(raw, []byte(`"JR#`)) {
							n = made.Add(1)
						}
						if n > before {
							<-spoiled
						}
						answer, err := next.RoundTrip(request)
						if n == before {
							spoil()
							close(spoiled)
						}
						return answer, err
					})
				}, member.Endpoints, offboarding.Endpoints, job.Endpoints)
				owner := membertest.Found(t, r)
				admin := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Admin})
				spoil = func() { membertest.Change(t, r, admin.Organization, admin.ID, end) }
				viewers := map[id.User]membertest.Member{}
				for range rows {
					m := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Viewer})
					viewers[m.ID] = m
				}
				r.Arrange(t)
				body := map[string]any{"filter": map[string]any{"role": "viewer"}}
				if request == "PUT " {
					body["changes"] = map[string]any{"alias": "changed"}
				}
				submitted := r.Must(t, 202, request+members(owner)+"/bulk", admin.Secret, body)
				jobtest.Drain(t, r, member.Jobs, offboarding.Jobs)
				results, _ := ended(t, r, owner, submitted.String("job", "id"))
				done := 0
				for of, result := range results {
					changed := versions(t, r, []membertest.Member{viewers[of]})[0] > 1
					switch {
					case result == "done " && changed:
						done++
					case result != "failed mandate_ended" || changed:
						t.Errorf("%s, and changed: %t", result, changed)
					}
				}
				if len(results) != rows || done == 0 || done > before+atOnce {
					t.Errorf("%d of %d rows were done", done, len(results))
				}
			})
		}
	}
}

// TestManyNamesAreWorkForAJob: each row by itself, what is no member and the caller
// included.
func TestManyNamesAreWorkForAJob(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints, job.Endpoints)
	owner := membertest.Found(t, r)
	ids := []any{owner.ID, "uuid-1"}
	for range 3 {
		ids = append(ids, membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member}).ID)
	}
	for len(ids) <= 100 {
		ids = append(ids, id.NewUser(r.Now()))
	}
	results, progress := drained(t, r, "DELETE "+members(owner)+"/bulk", owner, map[string]any{"user_ids": ids})
	if results[owner.ID] != "failed not_oneself" || results[""] != "failed member_not_found" || results[ids[2].(id.User)] != "done " {
		t.Errorf("%v", results)
	}
	if progress["done"] != 101.0 || progress["failed"] != 98.0 {
		t.Errorf("%v", progress)
	}
}
