package role_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"roster/internal/apikey"
	"roster/internal/invitation"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/role"
	"roster/internal/rostertest"
	"roster/internal/table"
	"roster/internal/usage"
)

func roles(m membertest.Member) string {
	return "/api/organizations/" + string(m.Organization) + "/roles"
}

func self(m membertest.Member) string {
	return "/api/organizations/" + string(m.Organization) + "/members/" + string(m.ID)
}

func newOrganization(t *testing.T) (*rostertest.Roster, membertest.Member) {
	r := rostertest.New(t, role.Endpoints, member.Endpoints, offboarding.Endpoints, organization.Endpoints, apikey.Endpoints, invitation.Endpoints, usage.AuthorizeEndpoints)
	r.OpenSignUp = false // who invites need not have verified an address
	return r, membertest.Found(t, r)
}

func make201(t *testing.T, r *rostertest.Roster, by membertest.Member, name string, permissions ...permission.Permission) {
	t.Helper()
	r.Must(t, 201, "POST "+roles(by), by.Secret, map[string]any{"name": name, "permissions": append([]permission.Permission{}, permissions...)})
}

// listed is a role as the list shows it.
func listed(t *testing.T, r *rostertest.Roster, by membertest.Member, name string) map[string]any {
	t.Helper()
	for _, one := range r.Must(t, 200, "GET "+roles(by), by.Secret, nil).At("roles").([]any) {
		if shown := one.(map[string]any); shown["name"] == name {
			return shown
		}
	}
	return nil
}

func TestEveryRoleIsListedWithWhatItAllows(t *testing.T) {
	t.Parallel()
	r, owner := newOrganization(t)
	viewer := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Viewer})
	make201(t, r, owner, "analyst", permission.UsageRead, permission.ReportsExport)
	if got := listed(t, r, viewer, "analyst"); got["built_in"] != false || got["members"] != 0. || fmt.Sprint(got["permissions"]) != "[usage:read reports:export]" {
		t.Errorf("%v", got)
	}
	if got := listed(t, r, viewer, "viewer"); got["built_in"] != true || got["members"] != nil || fmt.Sprint(got["permissions"]) != "[usage:read_own]" {
		t.Errorf("%v", got)
	}
	catalogue := r.Must(t, 200, "GET /api/organizations/"+string(owner.Organization)+"/permissions", viewer.Secret, nil).At("permissions").([]any)
	if len(catalogue) != len(permission.All) {
		t.Errorf("%d permissions, want %d", len(catalogue), len(permission.All))
	}
	for _, one := range catalogue {
		if p := one.(map[string]any); p["description"] == "" || !slices.Contains(p["roles"].([]any), any("owner")) {
			t.Errorf("%v", p)
		}
	}
}

func TestARoleActsAtTheNextCall(t *testing.T) {
	t.Parallel()
	r, owner := newOrganization(t)
	bob := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	authorize := func() rostertest.Response { return r.Call(t, "POST /v1/authorize", bob.Secret, map[string]any{}) }
	if answer := authorize(); answer.Status != 200 { // what the hot path keeps of the organization is warm
		t.Fatalf("%s", answer.Raw)
	}
	make201(t, r, owner, "reader", permission.UsageReadOwn)
	r.Must(t, 200, "PUT /admin/users/"+string(bob.ID)+"/role", owner.Secret, map[string]any{"role": "reader"})
	if answer := authorize(); answer.Code() != "permission_denied" {
		t.Errorf("a reader: %s", answer.Raw)
	}
	r.Refused(t, 403, "permission_denied", "POST /api/organizations/"+string(owner.Organization)+"/keys", bob.Secret, map[string]any{"name": "k"})
	r.Must(t, 200, "PUT "+roles(owner)+"/reader", owner.Secret, map[string]any{"permissions": []string{"models:use", "keys:own"}})
	if answer := authorize(); answer.Status != 200 || answer.String("role") != "reader" {
		t.Errorf("a reader who may use models: %s", answer.Raw)
	}
	r.Must(t, 201, "POST /api/organizations/"+string(owner.Organization)+"/keys", bob.Secret, map[string]any{"name": "k"})
	r.Must(t, 200, "PUT "+roles(owner)+"/reader", owner.Secret, map[string]any{"permissions": []string{}})
	if answer := authorize(); answer.Code() != "permission_denied" {
		t.Errorf("a reader without permissions: %s", answer.Raw)
	}
}

func TestNobodyMakesARoleOfWhatTheyLack(t *testing.T) {
	t.Parallel()
	r, owner := newOrganization(t)
	admin := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Admin})
	bob := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	body := func(permissions ...string) map[string]any {
		return map[string]any{"name": "clerk", "permissions": permissions}
	}
	r.Refused(t, 403, "cannot_grant", "POST "+roles(owner), admin.Secret, body("billing:manage"))
	r.Refused(t, 403, "permission_denied", "POST "+roles(owner), bob.Secret, body("models:use"))
	r.Must(t, 201, "POST "+roles(owner), owner.Secret, body("billing:manage"))
	r.Refused(t, 403, "outranked", "PUT "+roles(owner)+"/clerk", admin.Secret, map[string]any{"permissions": []string{}})
	r.Refused(t, 403, "outranked", "DELETE "+roles(owner)+"/clerk", admin.Secret, nil)
	r.Refused(t, 403, "cannot_grant", "PUT "+self(bob), admin.Secret, map[string]any{"role": "clerk"})
	r.Refused(t, 403, "cannot_grant", "PUT /api/organizations/"+string(owner.Organization), admin.Secret, map[string]any{"default_role": "clerk"})
	r.Refused(t, 403, "cannot_grant", "POST /api/organizations/"+string(owner.Organization)+"/members/invite", admin.Secret,
		map[string]any{"email": "new@example.com", "role": "clerk"})
	r.Must(t, 200, "PUT "+self(bob), owner.Secret, map[string]any{"role": "clerk"})
	r.Refused(t, 403, "outranked", "DELETE "+self(bob), admin.Secret, nil)
	make201(t, r, owner, "roller", permission.RolesManage)
	roller := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: "roller"})
	r.Refused(t, 403, "cannot_grant", "PUT "+roles(owner)+"/roller", roller.Secret, map[string]any{"permissions": []string{"roles:manage", "models:use"}})
	for name := range map[string]bool{"owner": true, "admin": true, "gateway": true} {
		r.Refused(t, 403, "built_in_role", "PUT "+roles(owner)+"/"+name, owner.Secret, map[string]any{"permissions": []string{}})
		r.Refused(t, 403, "built_in_role", "DELETE "+roles(owner)+"/"+name, owner.Secret, nil)
		r.Refused(t, 409, "role_exists", "POST "+roles(owner), owner.Secret, map[string]any{"name": name, "permissions": []string{}})
	}
}

// A role that allows everything is still not the owner's.
func TestNoOtherRoleIsTheOwners(t *testing.T) {
	t.Parallel()
	r, owner := newOrganization(t)
	make201(t, r, owner, "deputy", permission.All...)
	deputy := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: "deputy"})
	bob := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	r.Refused(t, 403, "owner_required", "PUT "+self(bob), deputy.Secret, map[string]any{"role": "owner"})
	r.Refused(t, 403, "outranked", "DELETE "+self(owner), deputy.Secret, nil)
	r.Refused(t, 409, "last_owner", "POST /api/organizations/"+string(owner.Organization)+"/members/leave", owner.Secret, nil)
}

func TestARoleInUseAsksForItsSuccessor(t *testing.T) {
	t.Parallel()
	r, owner := newOrganization(t)
	make201(t, r, owner, "analyst", permission.UsageRead)
	make201(t, r, owner, "auditor", permission.AuditRead)
	bob := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: "analyst"})
	refused := r.Refused(t, 409, "role_in_use", "DELETE "+roles(owner)+"/analyst", owner.Secret, nil)
	if refused.At("members") != 1. {
		t.Errorf("%s", refused.Raw)
	}
	for _, unfit := range []string{"analyst", "owner", "gateway", "nobody"} {
		r.Refused(t, 422, "invalid_input", "DELETE "+roles(owner)+"/analyst?successor="+unfit, owner.Secret, nil)
	}
	r.Must(t, 200, "POST /v1/authorize", owner.Secret, map[string]any{})
	r.Must(t, 200, "PUT /api/organizations/"+string(owner.Organization), owner.Secret, map[string]any{"default_role": "analyst"})
	r.Must(t, 200, "DELETE "+roles(owner)+"/analyst?successor=member", owner.Secret, nil)
	r.Must(t, 200, "POST /v1/authorize", bob.Secret, map[string]any{})
	if got := r.Must(t, 200, "GET /api/organizations/"+string(owner.Organization), owner.Secret, nil).String("organization", "default_role"); got != "member" {
		t.Errorf("the default role is %s", got)
	}
	eve := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	r.Refused(t, 422, "invalid_input", "PUT "+self(eve), owner.Secret, map[string]any{"role": "analyst"})
	r.Must(t, 200, "DELETE "+roles(owner)+"/analyst?successor=member", owner.Secret, nil)
	r.Refused(t, 409, "role_retired", "DELETE "+roles(owner)+"/analyst?successor=viewer", owner.Secret, nil)
	r.Must(t, 200, "DELETE "+roles(owner)+"/auditor", owner.Secret, nil)
	r.Refused(t, 404, "role_not_found", "DELETE "+roles(owner)+"/auditor", owner.Secret, nil)
	make201(t, r, owner, "auditor")
}

func TestAnInvitationToADeletedRoleLeadsToItsSuccessor(t *testing.T) {
	t.Parallel()
	r, owner := newOrganization(t)
	make201(t, r, owner, "analyst", permission.UsageRead)
	make201(t, r, owner, "reporter", permission.ReportsExport)
	for _, address := range []string{"ann@example.com", "bea@example.com"} {
		r.Must(t, 201, "POST /api/organizations/"+string(owner.Organization)+"/members/invite", owner.Secret, map[string]any{"email": address, "role": "analyst"})
	}
	r.Must(t, 200, "DELETE "+roles(owner)+"/analyst?successor=reporter", owner.Secret, nil)
	accept := func(address string) rostertest.Response {
		return r.Must(t, 200, "POST /auth/accept-invite", "", map[string]any{
			"token": r.LastMail(t, address).LinkToken(), "password": "newpassword123", "name": "New"})
	}
	if got := accept("ann@example.com").String("organization", "role"); got != "reporter" {
		t.Errorf("the new member is %s", got)
	}
	r.Must(t, 200, "DELETE "+roles(owner)+"/reporter?successor=viewer", owner.Secret, nil)
	if got := accept("bea@example.com").String("organization", "role"); got != "viewer" {
		t.Errorf("the new member is %s", got)
	}
}

func TestThirtyRolesAreTheMost(t *testing.T) {
	t.Parallel()
	r, owner := newOrganization(t)
	for i := range role.MaxRoles {
		make201(t, r, owner, fmt.Sprintf("role-%d", i))
	}
	r.Refused(t, 409, "too_many_roles", "POST "+roles(owner), owner.Secret, map[string]any{"name": "one-more", "permissions": []string{}})
	r.Must(t, 200, "DELETE "+roles(owner)+"/role-7", owner.Secret, nil)
	make201(t, r, owner, "one-more")
}

func TestTwoRolesOfANameAreNotMadeAtOnce(t *testing.T) {
	t.Parallel()
	r, owner := newOrganization(t)
	var (
		all     sync.WaitGroup
		answers [4]rostertest.Response
	)
	for i := range answers {
		all.Go(func() {
			answers[i] = r.Call(t, "POST "+roles(owner), owner.Secret, map[string]any{"name": "analyst", "permissions": []string{"usage:read"}})
		})
	}
	all.Wait()
	made := 0
	for _, a := range answers {
		if a.Status == 201 {
			made++
		} else if a.Code() != "role_exists" {
			t.Errorf("%s", a.Raw)
		}
	}
	if made != 1 {
		t.Errorf("%d roles were made", made)
	}
}

// meanwhile does something once, before the next transaction is sent.
type meanwhile struct {
	next http.RoundTripper
	do   func()
}

func (m *meanwhile) RoundTrip(r *http.Request) (*http.Response, error) {
	if do := m.do; do != nil && strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		m.do = nil
		do()
	}
	return m.next.RoundTrip(r)
}

func TestARoleIsNotDeletedUnderAMemberWhoGetsIt(t *testing.T) {
	t.Parallel()
	between := new(meanwhile)
	r := rostertest.NewWith(t, func(next http.RoundTripper) http.RoundTripper {
		between.next = next
		return between
	}, role.Endpoints, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	bob := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	make201(t, r, owner, "analyst", permission.UsageRead)

	between.do = func() { r.Must(t, 200, "PUT "+self(bob), owner.Secret, map[string]any{"role": "analyst"}) }
	r.Refused(t, 409, "role_in_use", "DELETE "+roles(owner)+"/analyst", owner.Secret, nil)

	r.Must(t, 200, "PUT "+self(bob), owner.Secret, map[string]any{"role": "viewer"})
	between.do = func() { r.Must(t, 200, "DELETE "+roles(owner)+"/analyst", owner.Secret, nil) }
	r.Refused(t, 422, "invalid_input", "PUT "+self(bob), owner.Secret, map[string]any{"role": "analyst"})
	if got := r.Must(t, 200, "GET "+self(bob), bob.Secret, nil).String("member", "role"); got != "viewer" {
		t.Errorf("bob is %s", got)
	}
}

// Whatever is done to roles and members: the counts are those of the members, and
// nobody has a permission that none of the steps gave.
func TestCountsOfRolesAreThoseOfTheirMembers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r, owner := newOrganization(t)
		names := []string{"analyst", "auditor", "member"}
		var members []membertest.Member
		for range 3 {
			members = append(members, membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Viewer}))
		}
		for range rapid.IntRange(1, 15).Draw(rt, "steps") {
			name := rapid.SampledFrom(names).Draw(rt, "role")
			who := rapid.SampledFrom(members).Draw(rt, "member")
			var answer rostertest.Response
			switch rapid.SampledFrom([]string{"make", "change", "delete", "give", "suspend", "resume", "remove"}).Draw(rt, "verb") {
			case "make":
				answer = r.Call(t, "POST "+roles(owner), owner.Secret, map[string]any{"name": name, "permissions": []string{"usage:read"}})
			case "change":
				answer = r.Call(t, "PUT "+roles(owner)+"/"+name, owner.Secret, map[string]any{"permissions": []string{"models:use"}})
			case "delete":
				successor := rapid.SampledFrom([]string{"", "?successor=member", "?successor=auditor", "?successor=analyst"}).Draw(rt, "successor")
				answer = r.Call(t, "DELETE "+roles(owner)+"/"+name+successor, owner.Secret, nil)
			case "give":
				answer = r.Call(t, "PUT "+self(who), owner.Secret, map[string]any{"role": name})
			case "suspend":
				answer = r.Call(t, "POST "+self(who)+"/suspend", owner.Secret, nil)
			case "resume":
				answer = r.Call(t, "POST "+self(who)+"/unsuspend", owner.Secret, nil)
			case "remove":
				answer = r.Call(t, "DELETE "+self(who), owner.Secret, nil)
			}
			if answer.Status >= 500 {
				rt.Fatalf("%s", answer.Raw)
			}
			check(t, rt, r, owner, members)
		}
	})
}

func check(t *testing.T, rt *rapid.T, r *rostertest.Roster, owner membertest.Member, members []membertest.Member) {
	counted := map[string]int{}
	for _, m := range members {
		now, err := member.Get(t.Context(), r.Table, m.Organization, m.ID)
		if err != nil {
			t.Fatal(err)
		}
		if now.Status != "removed" {
			counted[now.Role]++
		}
	}
	org, err := organization.Get(t.Context(), r.Table, owner.Organization)
	if err != nil {
		t.Fatal(err)
	}
	var shown struct{ Roles []role.View }
	if err := json.Unmarshal(r.Must(t, 200, "GET "+roles(owner), owner.Secret, nil).Raw, &shown); err != nil {
		t.Fatal(err)
	}
	for _, v := range shown.Roles {
		if v.BuiltIn {
			delete(counted, v.Name)
			continue
		}
		if *v.Members != counted[v.Name] {
			rt.Fatalf("%s counts %d members, there are %d", v.Name, *v.Members, counted[v.Name])
		}
		delete(counted, v.Name)
		own := org.Roles[v.Name]
		if own.Successor != v.Successor || v.Successor == "" && own.Permissions != permission.Of(v.Permissions...) {
			rt.Fatalf("%s is shown as %+v and acts as %+v", v.Name, v, own)
		}
		if _, ok := org.Roles.Role(v.Name); !ok {
			rt.Fatalf("%s leads nowhere", v.Name)
		}
	}
	if len(counted) > 0 {
		rt.Fatalf("members have roles that are not there: %v", counted)
	}
}

func TestARoleBoundsTheModelsOfItsMembers(t *testing.T) {
	t.Parallel()
	r, owner := newOrganization(t)
	r.Set(t, table.Organization(owner.Organization), "limit_mode", "observe") // no model needs a price
	r.Must(t, 201, "POST "+roles(owner), owner.Secret, map[string]any{
		"name": "tester", "permissions": []string{"models:use", "roles:manage"}, "allowed_models": []string{"openai/*"}})
	ada := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: "tester"})
	call := func(status int, name string) {
		t.Helper()
		r.Must(t, status, "POST /v1/authorize", ada.Secret, map[string]any{"model": name})
	}
	call(200, "openai/gpt-5")
	call(403, "mistral/large")
	for request, body := range map[string]any{
		"PUT " + roles(owner) + "/tester": map[string]any{"allowed_models": nil},
	} {
		r.Refused(t, 403, "not_oneself", request, ada.Secret, body)
	}
	if got := fmt.Sprint(listed(t, r, ada, "tester")["allowed_models"]); got != "[openai/*]" {
		t.Errorf("%s", got)
	}
	r.Must(t, 200, "PUT "+roles(owner)+"/tester", owner.Secret, map[string]any{"allowed_models": []string{"mistral/large"}})
	call(403, "openai/gpt-5")
	call(200, "mistral/large")
	r.Must(t, 200, "PUT "+roles(owner)+"/tester", owner.Secret, map[string]any{"description": "Tests", "permissions": []string{"models:use"}})
	call(403, "openai/gpt-5")
	r.Must(t, 200, "PUT "+roles(owner)+"/tester", owner.Secret, map[string]any{"allowed_models": nil})
	call(200, "openai/gpt-5")
	for _, bad := range []any{[]string{}, []string{"a*b"}} {
		r.Refused(t, 422, "invalid_input", "PUT "+roles(owner)+"/tester", owner.Secret, map[string]any{"allowed_models": bad})
	}
}

func TestTheListsOfAllRolesAreBounded(t *testing.T) {
	t.Parallel()
	r, owner := newOrganization(t)
	list := slices.Repeat([]string{strings.Repeat("a", 128)}, 8)
	for i := range 5 {
		status := map[bool]int{true: 201, false: 422}[i < 4]
		r.Must(t, status, "POST "+roles(owner), owner.Secret, map[string]any{
			"name": fmt.Sprint("role-", i), "permissions": []string{}, "allowed_models": list})
	}
}
