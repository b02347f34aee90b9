package team_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/model"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
	"roster/internal/team"
	"roster/internal/usage"
)

func newGuarded(t *testing.T) organization {
	r := rostertest.New(t, team.Endpoints, member.Endpoints, usage.AuthorizeEndpoints)
	o := organization{r, membertest.Found(t, r)}
	o.Set(t, table.Organization(o.owner.Organization), "limit_mode", "observe") // no model needs a price
	return o
}

// name names the models of a team.
func (o organization) name(t *testing.T, of id.Team, models any) rostertest.Response {
	t.Helper()
	return o.Must(t, 200, "PUT "+path(o.owner, "/teams/", of), o.owner.Secret, map[string]any{"allowed_models": models})
}

func TestATeamsModelsBindItsMembersAtTheNextCall(t *testing.T) {
	t.Parallel()
	o := newGuarded(t)
	made := o.Must(t, 201, "POST "+path(o.owner, "/teams"), o.owner.Secret, map[string]any{"name": "A", "allowed_models": []string{"openai/*"}})
	a, b, free := id.Team(made.String("team", "id")), o.team(t, "B"), o.team(t, "Free")
	ada := o.add(t, permission.Member)
	o.put(t, free, ada, access.TeamUser)
	asks := func(models string, want string) {
		t.Helper()
		got := o.Call(t, "POST /v1/authorize", ada.Secret, map[string]any{"model": models})
		if got.Code() != want || want == "model_not_allowed" && got.String("level") != "team" {
			t.Errorf("%s: %s, want %s", models, got.Raw, want)
		}
	}
	asks("mistral/large", "ok")
	o.put(t, a, ada, access.TeamUser)
	asks("mistral/large", "model_not_allowed")
	asks("openai/gpt-5", "ok")
	o.put(t, b, ada, access.TeamUser) // names none: changes nothing
	asks("mistral/large", "model_not_allowed")
	o.name(t, b, []string{"mistral/*"})
	asks("mistral/large", "ok")
	asks("anthropic/claude-5", "model_not_allowed")
	if got := o.Must(t, 200, "GET /v1/key", ada.Secret, nil); fmt.Sprint(got.At("allowed_models")) != "[mistral/* openai/*]" {
		t.Errorf("%s", got.Raw)
	}
	if got := o.teams(t, ada); len(got) != 3 || fmt.Sprint(got[0].AllowedModels, got[1].AllowedModels, got[2].AllowedModels) != "[openai/*] [mistral/*] []" {
		t.Errorf("%+v", got)
	}
	o.name(t, a, []string{"anthropic/*"})
	asks("anthropic/claude-5", "ok")
	asks("openai/gpt-5", "model_not_allowed")
	o.Must(t, 200, "DELETE "+path(o.owner, "/teams/", a, "/members/", ada.ID), o.owner.Secret, nil)
	o.Must(t, 200, "DELETE "+path(o.owner, "/teams/", a), o.owner.Secret, nil)
	asks("anthropic/claude-5", "model_not_allowed")
	if got := o.name(t, b, nil); got.At("team", "allowed_models") != nil {
		t.Errorf("%s", got.Raw)
	}
	asks("anthropic/claude-5", "ok")
	if item := o.DumpItems(t)[table.Organization(o.owner.Organization)]; len(item["team_models"].(map[string]any)) != 0 {
		t.Errorf("left over: %v", item["team_models"])
	}
}

func TestWhoNamesTheModelsOfATeam(t *testing.T) {
	t.Parallel()
	o := newGuarded(t)
	a, b := o.team(t, "A"), o.team(t, "B")
	o.name(t, a, []string{"openai/*"})
	admin, manager := o.add(t, permission.Admin), o.add(t, permission.Member)
	o.put(t, a, admin, access.TeamUser)
	o.put(t, a, manager, access.TeamManager)
	o.put(t, a, o.owner, access.TeamUser)
	models := map[string]any{"allowed_models": []string{"mistral/*"}}
	of := func(team id.Team, m membertest.Member) string {
		return path(o.owner, "/teams/", team, "/members/", m.ID)
	}
	o.Refused(t, 403, "permission_denied", "PUT "+path(o.owner, "/teams/", a), manager.Secret, models)
	o.Must(t, 200, "PUT "+path(o.owner, "/teams/", a), manager.Secret, map[string]any{"description": "Services"})
	o.Refused(t, 403, "not_oneself", "PUT "+path(o.owner, "/teams/", a), admin.Secret, models)
	o.Refused(t, 403, "not_oneself", "DELETE "+of(a, admin), admin.Secret, nil)
	o.Refused(t, 403, "permission_denied", "DELETE "+of(a, manager), manager.Secret, nil)
	o.Must(t, 200, "PUT "+path(o.owner, "/teams/", b), admin.Secret, models)
	o.Refused(t, 403, "not_oneself", "PUT "+of(b, admin), admin.Secret, nil)
	o.Must(t, 200, "PUT "+of(b, manager), admin.Secret, nil)
	o.Must(t, 200, "PUT "+path(o.owner, "/teams/", a), o.owner.Secret, models)
	o.Must(t, 200, "DELETE "+of(a, o.owner), o.owner.Secret, nil)
	for _, bad := range []any{[]string{}, []string{"a*b"}, "openai/*"} {
		for _, request := range []string{"POST " + path(o.owner, "/teams"), "PUT " + path(o.owner, "/teams/", b)} {
			got := o.Call(t, request, o.owner.Secret, map[string]any{"name": "C", "allowed_models": bad})
			if got.Status != 422 && got.Status != 400 || !strings.Contains(string(got.Raw), `"pointer":"/allowed_models`) {
				t.Errorf("%v: %s", bad, got.Raw)
			}
		}
	}
}

// TestListsOfAllTeamsAreBounded: also when they are made at once.
func TestListsOfAllTeamsAreBounded(t *testing.T) {
	t.Parallel()
	o := newGuarded(t)
	long := slices.Repeat([]string{strings.Repeat("a", 100)}, 9)
	var (
		all  sync.WaitGroup
		mu   sync.Mutex
		done = map[int]int{}
	)
	for i := range 8 {
		all.Go(func() {
			got := o.Call(t, "POST "+path(o.owner, "/teams"), o.owner.Secret, map[string]any{"name": fmt.Sprint("team ", i), "allowed_models": long})
			mu.Lock()
			defer mu.Unlock()
			done[got.Status]++
		})
	}
	all.Wait()
	if done[201] != 4 || done[422] != 4 {
		t.Errorf("%v", done)
	}
	for _, made := range o.teams(t, o.owner) {
		o.name(t, made.ID, []string{"openai/*"})
	}
}

func TestWhatATeamNamesIsWhatItsMembersMayCall(t *testing.T) {
	t.Parallel()
	o := newGuarded(t)
	ada := o.add(t, permission.Member)
	o.name(t, o.team(t, "another"), []string{"x"}) // so that each call reads what there is
	teams := []id.Team{o.team(t, "A"), o.team(t, "B"), o.team(t, "C")}
	pattern := rapid.StringMatching(`[ab]/[ab]?[*]?`)
	o.Advance(access.GateTTL)
	rapid.Check(t, func(rt *rapid.T) {
		var union model.List
		in := map[id.Team]access.TeamRole{}
		for _, of := range teams {
			list := rapid.SliceOfN(pattern, 0, 3).Draw(rt, "list")
			var models any
			if len(list) > 0 {
				models = list
			}
			o.name(t, of, models)
			if !rapid.Bool().Draw(rt, "in") {
				continue
			}
			in[of] = access.TeamUser
			for _, p := range list {
				union = append(union, model.Pattern(p))
			}
		}
		o.Set(t, table.Member(o.owner.Organization, ada.ID), "teams", in)
		for range 4 {
			name := rapid.StringMatching(`[ab]/[ab]?`).Draw(rt, "name")
			if got := o.Call(t, "POST /v1/authorize", ada.Secret, map[string]any{"model": name}); (got.Status == 200) != union.Allows(name) {
				rt.Fatalf("%s of %v: %s", name, union, got.Raw)
			}
		}
	})
}

func TestTeamsModelsCostAuthorizeTheOrganizationsItemAtMost(t *testing.T) {
	t.Parallel()
	o := newGuarded(t)
	ada, a := o.add(t, permission.Member), o.team(t, "A")
	o.put(t, a, ada, access.TeamUser)
	for models, want := range map[string]float64{"": 1, "openai/*": 2} {
		if models != "" {
			o.name(t, a, []string{models})
			o.Advance(access.GateTTL)
		}
		o.Must(t, 200, "POST /v1/authorize", ada.Secret, nil)
		ctx, capacity := table.WithCapacity(t.Context())
		o.CallContext(t, ctx, "POST /v1/authorize", ada.Secret, nil)
		if read, write := capacity.Units(); read > want || write != 0 {
			t.Errorf("%q: %v", models, capacity.Calls())
		}
		if models != "" {
			o.name(t, a, nil)
			o.Advance(access.GateTTL)
		}
	}
}
