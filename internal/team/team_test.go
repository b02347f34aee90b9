package team_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/invitation"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/team"
	"roster/internal/usage"
)

func path(m membertest.Member, rest ...any) string {
	return "/api/organizations/" + string(m.Organization) + fmt.Sprint(rest...)
}

type organization struct {
	*rostertest.Roster
	owner membertest.Member
}

func newOrganization(t *testing.T) organization {
	r := rostertest.New(t, team.Endpoints, member.Endpoints, offboarding.Endpoints, invitation.Endpoints, usage.MeterEndpoints, usage.ReportEndpoints)
	r.OpenSignUp = false // who invites need not have verified an address
	return organization{r, membertest.Found(t, r)}
}

func (o organization) add(t *testing.T, role string) membertest.Member {
	t.Helper()
	return membertest.Add(t, o.Roster, member.Member{Organization: o.owner.Organization, Role: role})
}

func (o organization) team(t *testing.T, name string) id.Team {
	t.Helper()
	return id.Team(o.Must(t, 201, "POST "+path(o.owner, "/teams"), o.owner.Secret, map[string]any{"name": name}).String("team", "id"))
}

func (o organization) put(t *testing.T, into id.Team, m membertest.Member, as access.TeamRole) {
	t.Helper()
	o.Must(t, 200, "PUT "+path(o.owner, "/teams/", into, "/members/", m.ID), o.owner.Secret, map[string]any{"role": as})
}

func (o organization) teams(t *testing.T, as membertest.Member) []team.View {
	t.Helper()
	var out team.ListAnswer
	if err := json.Unmarshal(o.Must(t, 200, "GET "+path(o.owner, "/teams"), as.Secret, nil).Raw, &out); err != nil {
		t.Fatal(err)
	}
	return out.Teams
}

func TestATeamIsMadeRenamedAndDeleted(t *testing.T) {
	t.Parallel()
	o := newOrganization(t)
	backend, other := o.team(t, "Backend"), o.team(t, "assistants")
	o.Refused(t, 409, "team_exists", "POST "+path(o.owner, "/teams"), o.owner.Secret, map[string]any{"name": "BACKEND"})
	o.Refused(t, 409, "team_exists", "PUT "+path(o.owner, "/teams/", other), o.owner.Secret, map[string]any{"name": "backend"})
	o.Must(t, 200, "PUT "+path(o.owner, "/teams/", backend), o.owner.Secret, map[string]any{"name": "BackEnd", "description": "Services"})
	o.Must(t, 200, "PUT "+path(o.owner, "/teams/", backend), o.owner.Secret, map[string]any{"name": "Platform"})
	o.Refused(t, 422, "invalid_input", "PUT "+path(o.owner, "/teams/", backend), o.owner.Secret, map[string]any{"name": nil})
	if got := o.teams(t, o.owner); len(got) != 2 || got[0].Name != "assistants" || got[1].Name != "Platform" || got[1].Description != "Services" {
		t.Errorf("%+v", got)
	}
	bob := o.add(t, permission.Member)
	o.put(t, backend, bob, access.TeamUser)
	if refused := o.Refused(t, 409, "team_in_use", "DELETE "+path(o.owner, "/teams/", backend), o.owner.Secret, nil); refused.At("members") != 1. {
		t.Errorf("%s", refused.Raw)
	}
	o.Must(t, 200, "DELETE "+path(o.owner, "/members/", bob.ID), o.owner.Secret, nil)
	o.Must(t, 200, "DELETE "+path(o.owner, "/teams/", backend), o.owner.Secret, nil)
	for _, request := range []string{"PUT ", "DELETE "} {
		o.Refused(t, 404, "team_not_found", request+path(o.owner, "/teams/", backend), o.owner.Secret, nil)
	}
	o.Refused(t, 404, "team_not_found", "PUT "+path(o.owner, "/teams/", backend, "/members/", o.owner.ID), o.owner.Secret, nil)
	o.team(t, "platform")
}

func TestMembersComeAndGo(t *testing.T) {
	t.Parallel()
	o := newOrganization(t)
	backend, bob := o.team(t, "Backend"), o.add(t, permission.Member)
	into := "PUT " + path(o.owner, "/teams/", backend, "/members/", bob.ID)
	joined := o.Must(t, 200, into, o.owner.Secret, nil)
	if got := fmt.Sprint(joined.At("member", "teams")); got != fmt.Sprintf("[map[id:%s role:user]]", backend) {
		t.Errorf("%s", joined.Raw)
	}
	if again := o.Must(t, 200, into, o.owner.Secret, map[string]any{"role": "user"}); again.Header.Get("ETag") != joined.Header.Get("ETag") {
		t.Errorf("a repeat changed something: %s", again.Raw)
	}
	o.Must(t, 200, into, o.owner.Secret, map[string]any{"role": "manager"})
	if got := o.teams(t, bob); len(got) != 1 || got[0].Members != 1 {
		t.Errorf("%+v", got)
	}
	o.Refused(t, 422, "invalid_input", into, o.owner.Secret, map[string]any{"role": "admin"})
	outOf := "DELETE " + path(o.owner, "/teams/", backend, "/members/", bob.ID)
	o.Must(t, 200, outOf, o.owner.Secret, nil)
	o.Must(t, 200, outOf, o.owner.Secret, nil)
	if got := o.teams(t, o.owner); got[0].Members != 0 {
		t.Errorf("%+v", got)
	}
	o.Must(t, 200, "DELETE "+path(o.owner, "/members/", bob.ID), o.owner.Secret, nil)
	o.Refused(t, 409, "wrong_status", into, o.owner.Secret, nil)
	o.Refused(t, 404, "member_not_found", "PUT "+path(o.owner, "/teams/", backend, "/members/", id.NewUser(o.Now())), o.owner.Secret, nil)
}

func TestAManagerSeesAndManagesTheirTeamAndNothingBeside(t *testing.T) {
	t.Parallel()
	o := newOrganization(t)
	backend, frontend := o.team(t, "Backend"), o.team(t, "Frontend")
	mia, bob, eve := o.add(t, permission.Member), o.add(t, permission.Member), o.add(t, permission.Member)
	o.put(t, backend, mia, access.TeamManager)
	o.put(t, backend, bob, access.TeamUser)
	o.put(t, frontend, mia, access.TeamUser)
	o.put(t, frontend, eve, access.TeamUser)

	o.Must(t, 200, "GET "+path(o.owner, "/members/", bob.ID), mia.Secret, nil)
	o.Arrange(t)
	if rows := o.Must(t, 200, "GET "+path(o.owner, "/members?team=", backend), mia.Secret, nil).At("members").([]any); len(rows) != 2 {
		t.Errorf("a manager sees %v", rows)
	}
	o.Refused(t, 403, "permission_denied", "GET "+path(o.owner, "/members"), mia.Secret, nil)
	o.Refused(t, 403, "permission_denied", "GET "+path(o.owner, "/members?team=", frontend), mia.Secret, nil)
	o.Refused(t, 403, "permission_denied", "GET "+path(o.owner, "/members?team=", backend), bob.Secret, nil)
	o.Must(t, 200, "PUT "+path(o.owner, "/teams/", backend), mia.Secret, map[string]any{"description": "Services"})
	o.Must(t, 200, "PUT "+path(o.owner, "/teams/", backend, "/members/", eve.ID), mia.Secret, nil)
	o.Must(t, 200, "DELETE "+path(o.owner, "/teams/", backend, "/members/", eve.ID), mia.Secret, nil)

	for request, code := range map[string]string{
		"GET " + path(o.owner, "/members/", eve.ID):                              "permission_denied",
		"GET " + path(o.owner, "/members/", id.NewUser(o.Now())):                 "permission_denied",
		"PUT " + path(o.owner, "/members/", bob.ID):                              "permission_denied",
		"DELETE " + path(o.owner, "/members/", bob.ID):                           "permission_denied",
		"DELETE " + path(o.owner, "/teams/", backend):                            "permission_denied",
		"PUT " + path(o.owner, "/teams/", frontend):                              "team_not_found",
		"PUT " + path(o.owner, "/teams/", frontend, "/members/", bob.ID):         "team_not_found",
		"DELETE " + path(o.owner, "/teams/", frontend, "/members/", eve.ID):      "team_not_found",
		"DELETE " + path(o.owner, "/teams/", backend, "/members/", mia.ID):       "permission_denied",
		"GET " + path(o.owner, "/usage?user_id=", bob.ID):                        "permission_denied",
		"GET " + path(o.owner, "/usage?team_id=", frontend, "&user_id=", eve.ID): "permission_denied",
	} {
		if answer := o.Call(t, request, mia.Secret, nil); answer.Code() != code {
			t.Errorf("%s: %s, want %s", request, answer.Raw, code)
		}
	}
	for _, role := range []string{"manager"} {
		o.Refused(t, 403, "permission_denied", "PUT "+path(o.owner, "/teams/", backend, "/members/", bob.ID), mia.Secret, map[string]any{"role": role})
	}
	o.Refused(t, 403, "permission_denied", "PUT "+path(o.owner, "/teams/", backend), bob.Secret, map[string]any{"description": "x"})
	if got := o.teams(t, eve); len(got) != 1 || got[0].ID != frontend {
		t.Errorf("%+v", got)
	}
	o.put(t, backend, mia, access.TeamUser)
	o.Refused(t, 403, "permission_denied", "GET "+path(o.owner, "/members/", bob.ID), mia.Secret, nil)
}

func TestTheInvitationsTeamsAreTheMembers(t *testing.T) {
	t.Parallel()
	o := newOrganization(t)
	backend, gone := o.team(t, "Backend"), o.team(t, "Gone")
	o.Must(t, 201, "POST "+path(o.owner, "/members/invite"), o.owner.Secret,
		map[string]any{"email": "new@example.com", "team_ids": []id.Team{backend, gone}})
	o.Must(t, 200, "DELETE "+path(o.owner, "/teams/", gone), o.owner.Secret, nil)
	accepted := o.Must(t, 200, "POST /auth/accept-invite", "", map[string]any{
		"token": o.LastMail(t, "new@example.com").LinkToken(), "password": "newpassword123", "name": "New"})
	shown := o.Must(t, 200, "GET "+path(o.owner, "/members/", accepted.String("user", "id")), o.owner.Secret, nil)
	if got := fmt.Sprint(shown.At("member", "teams")); got != fmt.Sprintf("[map[id:%s role:user]]", backend) {
		t.Errorf("%s", shown.Raw)
	}
	if got := o.teams(t, o.owner); len(got) != 1 || got[0].Members != 1 {
		t.Errorf("%+v", got)
	}
}

func TestUsageStaysWithTheTeamForWhichItWasRecorded(t *testing.T) {
	t.Parallel()
	o := newOrganization(t)
	backend, frontend := o.team(t, "Backend"), o.team(t, "Frontend")
	bob, eve := o.add(t, permission.Member), o.add(t, permission.Member)
	mia := o.add(t, permission.Member)
	o.put(t, backend, mia, access.TeamManager)
	o.put(t, backend, bob, access.TeamUser)
	report := func(of membertest.Member, n int, cost float64) {
		t.Helper()
		answer := o.Must(t, 200, "POST /v1/usage", of.Secret, map[string]any{"events": []any{map[string]any{
			"id": fmt.Sprint(of.ID, n), "model": "openai/gpt-4o", "input_tokens": 10, "output_tokens": 5, "cost_usd": cost}}})
		if !strings.Contains(string(answer.Raw), `"status":"recorded"`) {
			t.Fatalf("%s", answer.Raw)
		}
	}
	report(bob, 1, 1)
	report(eve, 1, 100)
	o.put(t, frontend, bob, access.TeamUser)
	report(bob, 2, 2) // in both
	o.Must(t, 200, "DELETE "+path(o.owner, "/teams/", backend, "/members/", bob.ID), o.owner.Secret, nil)
	report(bob, 3, 4)

	byTeam := o.Must(t, 200, "GET "+path(o.owner, "/usage?group_by=team"), o.owner.Secret, nil)
	for place, want := range []struct {
		team     id.Team
		requests float64
		cost     float64
	}{{frontend, 2, 6}, {backend, 2, 3}} {
		row := byTeam.At("usage", "by_team").([]any)[place].(map[string]any)
		if row["team_id"] != string(want.team) || row["requests"] != want.requests || row["cost_usd"] != want.cost {
			t.Errorf("row %d: %v, want %+v", place, row, want)
		}
	}
	if byTeam.At("usage", "by_member") != nil || byTeam.At("usage", "totals", "cost_usd") != 107. {
		t.Errorf("%s", byTeam.Raw)
	}
	present := o.Must(t, 200, "GET "+path(o.owner, "/usage?team_id=", frontend), o.owner.Secret, nil)
	if rows := present.At("usage", "by_member").([]any); len(rows) != 1 || rows[0].(map[string]any)["cost_usd"] != 7. {
		t.Errorf("%s", present.Raw)
	}
	own := o.Must(t, 200, "GET "+path(o.owner, "/usage?group_by=team&team_id=", backend), mia.Secret, nil)
	if rows := own.At("usage", "by_team").([]any); len(rows) != 1 || own.At("usage", "totals", "cost_usd") != 3. {
		t.Errorf("a manager sees %s", own.Raw)
	}
	all := o.Must(t, 200, "GET "+path(o.owner, "/usage?group_by=team"), mia.Secret, nil)
	if rows := all.At("usage", "by_team").([]any); len(rows) != 0 {
		t.Errorf("a manager sees %s", all.Raw)
	}
	o.Refused(t, 422, "invalid_input", "GET "+path(o.owner, "/usage?group_by=team&start_date=2026-11-02"), o.owner.Secret, nil)
}

func TestTwoTeamsOfANameAreNotMadeAtOnce(t *testing.T) {
	t.Parallel()
	o := newOrganization(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if answer := o.Call(t, "POST "+path(o.owner, "/teams"), o.owner.Secret, map[string]any{"name": "Backend"}); answer.Status != 201 && answer.Code() != "team_exists" {
				t.Errorf("%s", answer.Raw)
			}
		})
	}
	all.Wait()
	if got := o.teams(t, o.owner); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestATeamIsNotDeletedUnderWhoJoinsIt(t *testing.T) {
	t.Parallel()
	o := newOrganization(t)
	for i := range 8 {
		of, bob := o.team(t, fmt.Sprint("team ", i)), o.add(t, permission.Member)
		var all sync.WaitGroup
		var joined, deleted rostertest.Response
		all.Go(func() {
			joined = o.Call(t, "PUT "+path(o.owner, "/teams/", of, "/members/", bob.ID), o.owner.Secret, nil)
		})
		all.Go(func() { deleted = o.Call(t, "DELETE "+path(o.owner, "/teams/", of), o.owner.Secret, nil) })
		all.Wait()
		if joined.Status == 200 == (deleted.Status == 200) {
			t.Errorf("joined: %s, deleted: %s", joined.Raw, deleted.Raw)
		}
	}
}

// Whatever is done to teams and members, a team counts those who are in it.
func TestCountsOfTeamsAreThoseOfTheirMembers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		o := newOrganization(t)
		teams := []id.Team{o.team(t, "a"), o.team(t, "b")}
		members := []membertest.Member{o.add(t, permission.Member), o.add(t, permission.Member), o.add(t, permission.Admin)}
		for range rapid.IntRange(1, 15).Draw(rt, "steps") {
			of, who := rapid.SampledFrom(teams).Draw(rt, "team"), rapid.SampledFrom(members).Draw(rt, "member")
			by := rapid.SampledFrom(append(members, o.owner)).Draw(rt, "by")
			in := path(o.owner, "/teams/", of, "/members/", who.ID)
			requests := map[string]string{
				"join": "PUT " + in, "leave": "DELETE " + in, "delete": "DELETE " + path(o.owner, "/teams/", of),
				"suspend": "POST " + path(o.owner, "/members/", who.ID, "/suspend"), "resume": "POST " + path(o.owner, "/members/", who.ID, "/unsuspend"),
				"remove": "DELETE " + path(o.owner, "/members/", who.ID),
			}
			verb := rapid.SampledFrom([]string{"join", "join", "leave", "delete", "suspend", "resume", "remove"}).Draw(rt, "verb")
			var body any
			if verb == "join" {
				body = map[string]any{"role": rapid.SampledFrom([]string{"user", "manager"}).Draw(rt, "as")}
			}
			if answer := o.Call(t, requests[verb], by.Secret, body); answer.Status >= 500 {
				rt.Fatalf("%s", answer.Raw)
			}
			counted := map[id.Team]int{}
			for _, m := range members {
				now, err := member.Get(t.Context(), o.Table, m.Organization, m.ID)
				if err != nil {
					t.Fatal(err)
				}
				for team := range now.Teams {
					counted[team]++
				}
			}
			for _, shown := range o.teams(t, o.owner) {
				if shown.Members != counted[shown.ID] {
					rt.Fatalf("%s counts %d members, there are %d", shown.Name, shown.Members, counted[shown.ID])
				}
				delete(counted, shown.ID)
			}
			if len(counted) > 0 {
				rt.Fatalf("members are in teams that are not there: %v", counted)
			}
		}
	})
}
