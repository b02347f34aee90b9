package member_test

import (
	"fmt"
	"strings"
	"testing"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/permission"
	"roster/internal/rostertest"
)

func TestWhoMayBoundAMembersModels(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	add := func(role string) membertest.Member {
		return membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: role})
	}
	admin, bob := add(permission.Admin), add(permission.Member)
	list := map[string]any{"allowed_models": []string{"openai/*"}}
	for name, c := range map[string]struct {
		by, whom membertest.Member
		code     string
	}{
		"an admin, a member":     {admin, bob, ""},
		"an admin, an admin":     {admin, add(permission.Admin), ""},
		"an admin, an owner":     {admin, owner, "outranked"},
		"an admin, themselves":   {admin, admin, "not_oneself"},
		"an owner, themselves":   {owner, owner, ""},
		"a member, themselves":   {bob, bob, "permission_denied"},
		"an owner, someone else": {owner, admin, ""},
	} {
		if got := r.Call(t, "PUT "+path(c.whom), c.by.Secret, list); got.Code() != c.code {
			t.Errorf("%s: %s, want %q", name, got.Raw, c.code)
		}
	}
	shown := func() string {
		return fmt.Sprint(r.Must(t, 200, "GET "+path(bob), bob.Secret, nil).At("member", "allowed_models"))
	}
	if shown() != "[openai/*]" {
		t.Errorf("%s", shown())
	}
	for _, bad := range []any{[]string{}, []string{"a*b"}, "openai/*", []any{1}} {
		if got := r.Call(t, "PUT "+path(bob), admin.Secret, map[string]any{"allowed_models": bad}); got.Status != 422 && got.Status != 400 ||
			!strings.Contains(string(got.Raw), `"pointer":"/allowed_models`) {
			t.Errorf("%v: %s", bad, got.Raw)
		}
	}
	r.Must(t, 200, "PUT "+path(bob), admin.Secret, map[string]any{"allowed_models": nil})
	if shown() != "<nil>" {
		t.Errorf("%s", shown())
	}
}

func TestWhoMayAnswerForAServiceAccount(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	add := func(m member.Member) membertest.Member {
		m.Organization = owner.Organization
		return membertest.Add(t, r, m)
	}
	service := func(role string) membertest.Member {
		return add(member.Member{Kind: member.ServiceAccount, Name: "Edge", Role: role, Responsible: owner.ID})
	}
	edge, admin, bob := service(permission.Gateway), add(member.Member{Role: permission.Admin}), add(member.Member{Role: permission.Member})
	for name, c := range map[string]struct {
		by, of membertest.Member
		to     id.User
		code   string
	}{
		"an admin":             {owner, edge, admin.ID, ""},
		"the caller":           {admin, edge, admin.ID, ""},
		"a member":             {owner, edge, bob.ID, "invalid_input"},
		"a suspended admin":    {owner, edge, add(member.Member{Role: permission.Admin, Status: access.Suspended}).ID, "invalid_input"},
		"a service account":    {owner, edge, service(permission.Admin).ID, "invalid_input"},
		"nobody":               {owner, edge, id.NewUser(r.Now()), "invalid_input"},
		"for a person":         {owner, bob, admin.ID, "invalid_input"},
		"for a removed one":    {owner, add(member.Member{Kind: member.ServiceAccount, Name: "Gone", Role: permission.Gateway, Status: access.Removed}), admin.ID, "wrong_status"},
		"by a member":          {bob, edge, admin.ID, "permission_denied"},
		"whom it outranks not": {owner, service(permission.Admin), admin.ID, ""},
	} {
		before := r.Must(t, 200, "GET "+path(c.of), owner.Secret, nil).At("member", "responsible")
		got := r.Call(t, "PUT "+path(c.of), c.by.Secret, map[string]any{"responsible": c.to})
		if got.Code() != c.code || got.Status == 422 && !strings.Contains(string(got.Raw), `"pointer":"/responsible"`) {
			t.Errorf("%s: %s, want %q", name, got.Raw, c.code)
		}
		after := r.Must(t, 200, "GET "+path(c.of), owner.Secret, nil).At("member", "responsible")
		if c.code == "" && after != string(c.to) || c.code != "" && after != before {
			t.Errorf("%s: responsible is %v", name, after)
		}
	}
	if got := r.Call(t, "PUT "+path(edge), owner.Secret, map[string]any{"responsible": nil}); got.Status != 422 {
		t.Errorf("%s", got.Raw)
	}
}
