package account_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/account"
	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
)

// everywhere is a person with an account in several organizations, each of which
// has another owner.
type everywhere struct {
	*rostertest.Roster
	user   id.User
	token  string
	owners []membertest.Member
}

func newEverywhere(t *testing.T, organizations int) everywhere {
	t.Helper()
	r := rostertest.New(t, account.Endpoints, member.Endpoints, offboarding.Endpoints, organization.Endpoints)
	in := register(t, r, "ada@example.com", "")
	return everywhere{Roster: r, user: id.User(in.String("user", "id")), token: in.String("access_token")}.in(t, organizations)
}

// in is the person in that many new organizations.
func (e everywhere) in(t *testing.T, organizations int) everywhere {
	t.Helper()
	e.owners = nil
	for range organizations {
		owner := membertest.Found(t, e.Roster)
		e.owners = append(e.owners, owner)
		membertest.Add(t, e.Roster, member.Member{
			ID: e.user, Organization: owner.Organization, Email: "ada@example.com", Name: "Ada", Role: permission.Member,
		})
	}
	return e
}

func (e everywhere) at(i int) string {
	return "/api/organizations/" + string(e.owners[i].Organization) + "/members/" + string(e.user)
}

func (e everywhere) switchTo(t *testing.T, i int) rostertest.Response {
	t.Helper()
	return e.Must(t, 200, "POST /auth/switch-org", e.token, map[string]any{"org_id": e.owners[i].Organization})
}

func (e everywhere) refresh(t *testing.T, from rostertest.Response) rostertest.Response {
	t.Helper()
	return e.Must(t, 200, "POST /auth/refresh", "", map[string]any{"refresh_token": from.String("refresh_token")})
}

func TestOrganizationsAreListedWithHowOneStands(t *testing.T) {
	t.Parallel()
	e := newEverywhere(t, 3)
	e.Must(t, 200, "PUT "+e.at(1), e.owners[1].Secret, map[string]any{"role": "viewer", "status": "suspended"})
	e.Set(t, table.Organization(e.owners[2].Organization), "status", organization.Suspended)
	listed := e.Must(t, 200, "GET /auth/organizations", e.token, nil)
	got := map[string]string{}
	for _, o := range listed.At("organizations").([]any) {
		o := o.(map[string]any)
		got[o["id"].(string)] = fmt.Sprint(o["role"], " ", o["status"], " ", o["organization_status"])
	}
	for i, want := range []string{"member active active", "viewer suspended active", "member active suspended"} {
		if is := got[string(e.owners[i].Organization)]; is != want {
			t.Errorf("organization %d is listed as %q, want %q", i, is, want)
		}
	}
}

// TestWhoLosesAnOrganizationStaysLoggedIn: the next refresh gives tokens for no
// organization and says why, and one switches to another.
func TestWhoLosesAnOrganizationStaysLoggedIn(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lose func(*testing.T, everywhere)
		code string
	}{
		"removed": {func(t *testing.T, e everywhere) { e.Must(t, 200, "DELETE "+e.at(0), e.owners[0].Secret, nil) }, "not_a_member"},
		"suspended": {func(t *testing.T, e everywhere) {
			e.Must(t, 200, "POST "+e.at(0)+"/suspend", e.owners[0].Secret, nil)
		}, "member_suspended"},
		"suspended for a while": {func(t *testing.T, e everywhere) {
			e.Must(t, 200, "POST "+e.at(0)+"/suspend", e.owners[0].Secret, nil)
			e.Must(t, 200, "POST "+e.at(0)+"/unsuspend", e.owners[0].Secret, nil)
		}, "switch_required"},
		"left": {func(t *testing.T, e everywhere) {
			e.Must(t, 200, "POST /api/organizations/"+string(e.owners[0].Organization)+"/members/leave",
				e.switchTo(t, 0).String("access_token"), nil)
		}, "not_a_member"},
		"organization suspended": {func(t *testing.T, e everywhere) {
			e.Set(t, table.Organization(e.owners[0].Organization), "status", organization.Suspended)
		}, "organization_suspended"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEverywhere(t, 2)
			in := e.switchTo(t, 0)
			tt.lose(t, e)
			refreshed := e.refresh(t, in)
			if refreshed.At("organization") != nil || refreshed.String("ended", "code") != tt.code ||
				refreshed.String("ended", "id") != string(e.owners[0].Organization) {
				t.Errorf("refreshed: %s", refreshed.Raw)
			}
			token := refreshed.String("access_token")
			e.Must(t, 200, "GET /auth/me", token, nil)
			e.Refused(t, 403, "no_organization", "GET /admin/users", token, nil)
			again := e.refresh(t, refreshed)
			there := e.Must(t, 200, "POST /auth/switch-org", again.String("access_token"), map[string]any{"org_id": e.owners[1].Organization})
			if last := e.refresh(t, there); last.OrganizationOf() != e.owners[1].Organization || last.At("ended") != nil {
				t.Errorf("refreshed after the switch: %s", last.Raw)
			}
		})
	}
}

func TestLoginEntersTheOrganizationThatIsNamed(t *testing.T) {
	t.Parallel()
	e := newEverywhere(t, 3)
	login := func(status int, org any) rostertest.Response {
		body := map[string]any{"email": "ada@example.com", "password": password}
		if org != nil {
			body["org_id"] = org
		}
		return e.Must(t, status, "POST /auth/login", "", body)
	}
	for _, owner := range e.owners {
		if in := login(200, owner.Organization); in.OrganizationOf() != owner.Organization {
			t.Errorf("logged in to %s", in.Raw)
		}
	}
	e.Must(t, 200, "POST "+e.at(1)+"/suspend", e.owners[1].Secret, nil)
	if got := login(403, e.owners[1].Organization); got.Code() != "member_suspended" {
		t.Errorf("%s", got.Raw)
	}
	e.Must(t, 200, "DELETE "+e.at(2), e.owners[2].Secret, nil)
	for _, org := range []id.Organization{e.owners[2].Organization, id.NewOrganization(e.Now())} {
		if got := login(404, org); got.Code() != "organization_not_found" {
			t.Errorf("%s", got.Raw)
		}
	}
	e.switchTo(t, 0)
	e.Must(t, 200, "DELETE "+e.at(0), e.owners[0].Secret, nil)
	if in := login(200, nil); in.At("organization") != nil {
		t.Errorf("logged in to %s, and no organization is left", in.Raw)
	}
}

// TestOrganizationsOfOnePersonDoNotTouchEachOther: whatever one of them does to the
// person, role and status in the others, and the tokens for them, stay.
func TestOrganizationsOfOnePersonDoNotTouchEachOther(t *testing.T) {
	t.Parallel()
	const organizations = 3
	ada := newEverywhere(t, 0)
	rapid.Check(t, func(rt *rapid.T) {
		e := ada.in(t, organizations)
		roles, statuses := make([]string, organizations), make([]access.Status, organizations)
		tokens := make([]string, organizations)
		for i := range organizations {
			roles[i], statuses[i] = permission.Member, access.Active
			tokens[i] = e.switchTo(t, i).String("access_token")
		}
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			i := rapid.IntRange(0, organizations-1).Draw(rt, "organization")
			by := e.owners[i].Secret
			switch step := rapid.SampledFrom([]string{"role", "suspend", "unsuspend", "remove", "leave"}).Draw(rt, "step"); step {
			case "role":
				role := rapid.SampledFrom([]string{permission.Member, permission.Viewer, permission.Admin}).Draw(rt, "role")
				if e.Call(t, "PUT "+e.at(i), by, map[string]any{"role": role}).Status == 200 {
					roles[i] = role
				}
			case "remove":
				e.Call(t, "DELETE "+e.at(i), by, nil)
				statuses[i] = access.Removed
			case "leave":
				if e.Call(t, "POST /api/organizations/"+string(e.owners[i].Organization)+"/members/leave", tokens[i], nil).Status == 200 {
					statuses[i] = access.Removed
				}
			default:
				e.Call(t, "POST "+e.at(i)+"/"+step, by, nil)
				if statuses[i] != access.Removed {
					statuses[i] = map[string]access.Status{"suspend": access.Suspended, "unsuspend": access.Active}[step]
					if switched := e.Call(t, "POST /auth/switch-org", e.token, map[string]any{"org_id": e.owners[i].Organization}); switched.Status == 200 {
						tokens[i] = switched.String("access_token")
					}
				}
			}
			for j := range organizations {
				seen := e.Must(t, 200, "GET "+e.at(j), e.owners[j].Secret, nil)
				if seen.String("member", "role") != roles[j] || seen.String("member", "status") != string(statuses[j]) {
					rt.Fatalf("after a step in %d, organization %d has %s", i, j, seen.Raw)
				}
				if alive := e.Call(t, "GET "+e.at(j), tokens[j], nil).Status == 200; alive != (statuses[j] == access.Active) {
					rt.Fatalf("after a step in %d, the token for %d of status %s works: %t", i, j, statuses[j], alive)
				}
				if foreign := e.Call(t, "GET "+e.at((j+1)%organizations), tokens[j], nil); foreign.Code() != "organization_not_found" && foreign.Status != 401 {
					rt.Fatalf("the token for %d opens another organization: %s", j, foreign.Raw)
				}
			}
		}
	})
}

// TestAnOrganizationEndsSessionsInItselfAlone: the member's tokens for it are dead,
// and no session that was opened before enters it again; elsewhere the person goes on.
func TestAnOrganizationEndsSessionsInItselfAlone(t *testing.T) {
	t.Parallel()
	e := newEverywhere(t, 2)
	key := membertest.GiveKey(t, e.Roster, e.owners[0].Organization, e.user)
	login := func() rostertest.Response {
		e.Advance(time.Second)
		return e.Must(t, 200, "POST /auth/login", "", map[string]any{"email": "ada@example.com", "password": password, "org_id": e.owners[0].Organization})
	}
	here, alsoHere := login(), login()
	elsewhere := e.switchTo(t, 1)
	listed := e.Must(t, 200, "GET "+e.at(0)+"/sessions", e.owners[0].Secret, nil).At("sessions").([]any)
	if len(listed) != 2 || listed[0].(map[string]any)["organization_id"] != string(e.owners[0].Organization) {
		t.Errorf("%v", listed)
	}
	e.Must(t, 200, "DELETE "+e.at(0)+"/sessions", e.owners[0].Secret, nil)
	if left := e.Must(t, 200, "GET "+e.at(0)+"/sessions", e.owners[0].Secret, nil).At("sessions").([]any); len(left) != 0 {
		t.Errorf("%v", left)
	}
	e.Must(t, 200, "GET "+e.at(0), key, nil)
	e.Must(t, 200, "GET "+e.at(1), elsewhere.String("access_token"), nil)
	for _, in := range []rostertest.Response{here, alsoHere} {
		e.Refused(t, 401, "invalid_token", "GET "+e.at(0), in.String("access_token"), nil)
		refreshed := e.refresh(t, in)
		if refreshed.At("organization") != nil || refreshed.String("ended", "code") != "session_ended" {
			t.Errorf("refreshed: %s", refreshed.Raw)
		}
		token := refreshed.String("access_token")
		e.Refused(t, 401, "session_ended", "POST /auth/switch-org", token, map[string]any{"org_id": e.owners[0].Organization})
		e.Must(t, 200, "POST /auth/switch-org", token, map[string]any{"org_id": e.owners[1].Organization})
	}
	e.Refused(t, 401, "session_ended", "POST /auth/switch-org", elsewhere.String("access_token"), map[string]any{"org_id": e.owners[0].Organization})
	e.Must(t, 200, "GET "+e.at(0), login().String("access_token"), nil)
	if got := actions(t, e.Roster, e.owners[0].Organization); !slices.Contains(got, string(audit.MemberSessionsEnded)) {
		t.Errorf("audit events %v", got)
	}
	if got := actions(t, e.Roster, e.owners[1].Organization); slices.Contains(got, string(audit.MemberSessionsEnded)) {
		t.Errorf("audit events elsewhere %v", got)
	}
}

// TestAnOrganizationEndsOneSession: its tokens for the organization are dead and it does
// not come back; the member's other sessions go on, as does this one elsewhere.
func TestAnOrganizationEndsOneSession(t *testing.T) {
	t.Parallel()
	e := newEverywhere(t, 2)
	owner := e.owners[0].Secret
	sessions := func() (ids []string) {
		for _, one := range e.Must(t, 200, "GET "+e.at(0)+"/sessions", owner, nil).At("sessions").([]any) {
			ids = append(ids, one.(map[string]any)["id"].(string))
		}
		return ids
	}
	elsewhere := e.switchTo(t, 1)
	outside := e.Must(t, 200, "GET "+e.at(1)+"/sessions", e.owners[1].Secret, nil).At("sessions").([]any)[0].(map[string]any)["id"].(string)
	login := func() rostertest.Response {
		e.Advance(time.Second)
		return e.Must(t, 200, "POST /auth/login", "", map[string]any{"email": "ada@example.com", "password": password, "org_id": e.owners[0].Organization})
	}
	ended, other := login(), login()
	ids := sessions() // the newest first
	end := "DELETE " + e.at(0) + "/sessions/" + ids[1]
	for range 2 { // a repeat changes nothing
		e.Must(t, 200, end, owner, nil)
		if left := sessions(); !slices.Equal(left, ids[:1]) {
			t.Errorf("%v are left of %v", left, ids)
		}
	}
	count := 0
	for _, action := range actions(t, e.Roster, e.owners[0].Organization) {
		if action == string(audit.MemberSessionEnded) {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d audit events", count)
	}
	e.Must(t, 200, "GET "+e.at(0), other.String("access_token"), nil)
	e.Refused(t, 401, "invalid_token", "GET "+e.at(0), ended.String("access_token"), nil)
	e.Refused(t, 401, "invalid_token", "GET /auth/me", ended.String("access_token"), nil)
	refreshed := e.refresh(t, ended)
	if refreshed.At("organization") != nil || refreshed.String("ended", "code") != "session_ended" {
		t.Errorf("refreshed: %s", refreshed.Raw)
	}
	token := refreshed.String("access_token")
	e.Refused(t, 401, "session_ended", "POST /auth/switch-org", token, map[string]any{"org_id": e.owners[0].Organization})
	e.Must(t, 200, "POST /auth/switch-org", token, map[string]any{"org_id": e.owners[1].Organization})
	e.Must(t, 200, end, owner, nil)
	// The other organization ends it too, and it is still ended in the first.
	e.Must(t, 200, "DELETE "+e.at(1)+"/sessions/"+ids[1], e.owners[1].Secret, nil)
	for i, owner := range e.owners {
		e.Refused(t, 401, "session_ended", "POST /auth/switch-org", token, map[string]any{"org_id": owner.Organization})
		e.Must(t, 200, "DELETE "+e.at(i)+"/sessions/"+ids[1], owner.Secret, nil)
	}
	e.Must(t, 200, "GET "+e.at(0), login().String("access_token"), nil)

	// What is no session of the member in the organization is not found.
	e.Must(t, 200, "GET "+e.at(1), elsewhere.String("access_token"), nil)
	for _, foreign := range []string{outside, string(id.NewSession(e.Now()))} {
		e.Refused(t, 404, "session_not_found", "DELETE "+e.at(0)+"/sessions/"+foreign, owner, nil)
	}
	mine := "DELETE /api/organizations/" + string(e.owners[0].Organization) + "/members/"
	e.Refused(t, 404, "session_not_found", mine+string(e.owners[0].ID)+"/sessions/"+ids[0], owner, nil)
	e.Must(t, 200, "POST /auth/logout", other.String("access_token"), nil)
	e.Refused(t, 404, "session_not_found", "DELETE "+e.at(0)+"/sessions/"+ids[0], owner, nil)
}

func TestNobodyEndsSessionsOfWhoOutranksThem(t *testing.T) {
	t.Parallel()
	e := newEverywhere(t, 1)
	org, owner := e.owners[0].Organization, e.owners[0]
	path := "/api/organizations/" + string(org) + "/members/"
	admin := membertest.Add(t, e.Roster, member.Member{Organization: org, Role: permission.Admin})
	bot := membertest.Add(t, e.Roster, member.Member{Organization: org, Role: permission.Gateway, Kind: member.ServiceAccount})
	one := "/sessions/" + string(id.NewSession(e.Now()))
	for _, sessions := range []string{"/sessions", one} {
		e.Refused(t, 403, "outranked", "DELETE "+path+string(owner.ID)+sessions, admin.Secret, nil)
		e.Refused(t, 409, "no_sessions", "DELETE "+path+string(bot.ID)+sessions, owner.Secret, nil)
		e.Refused(t, 404, "member_not_found", "DELETE "+path+string(id.NewUser(e.Now()))+sessions, owner.Secret, nil)
	}
	e.Must(t, 200, "DELETE "+path+string(e.user)+"/sessions", admin.Secret, nil)
	if got := e.Must(t, 200, "GET "+path+string(bot.ID)+"/sessions", owner.Secret, nil).At("sessions").([]any); len(got) != 0 {
		t.Errorf("%v", got)
	}
	e.Refused(t, 404, "member_not_found", "GET "+path+string(id.NewUser(e.Now()))+"/sessions", owner.Secret, nil)
	e.Must(t, 200, "DELETE "+path+string(e.user), owner.Secret, nil)
	e.Refused(t, 409, "wrong_status", "DELETE "+path+string(e.user)+"/sessions", owner.Secret, nil)
}
