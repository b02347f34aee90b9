package member_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/account"
	"roster/internal/audit/audittest"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/mailer"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
)

func TestASuspendedMemberIsStoppedAtOnce(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	registered := r.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "bob@example.com", "password": "newpassword123", "name": "Bob"})
	bob := membertest.Add(t, r, member.Member{
		ID: id.User(registered.String("user", "id")), Organization: owner.Organization, Role: permission.Member,
		Email: "bob@example.com", Name: "Bob",
	})
	token := r.Must(t, 200, "POST /auth/switch-org", registered.String("access_token"),
		map[string]any{"org_id": owner.Organization}).String("access_token")
	r.Must(t, 200, "GET "+path(bob), token, nil)

	r.Advance(time.Second)
	suspended := r.Must(t, 200, "PUT "+path(bob), owner.Secret,
		map[string]any{"status": "suspended", "suspension_reason": "Unusual usage patterns"})
	if got := suspended.String("member", "suspension", "reason"); got != "Unusual usage patterns" {
		t.Errorf("reason %q\n%s", got, suspended.Raw)
	}
	for name, credential := range map[string]string{"token": token, "key": bob.Secret} {
		if got := r.Call(t, "GET "+path(bob), credential, nil); got.Status != 403 || got.Code() != "member_suspended" {
			t.Errorf("%s of a suspended member: %s", name, got.Raw)
		}
	}
	if m := r.LastMail(t, "bob@example.com"); m.Kind != mail.Suspended || m.Data.Reason != "Unusual usage patterns" {
		t.Errorf("mail %+v", m)
	}
	repeat := r.Must(t, 200, "POST "+path(bob)+"/suspend", owner.Secret, map[string]any{"reason": "Again"})
	if repeat.Header.Get("ETag") != suspended.Header.Get("ETag") || repeat.String("member", "suspension", "reason") != "Unusual usage patterns" {
		t.Errorf("a repeat changed the suspension: %s", repeat.Raw)
	}

	r.Advance(time.Second)
	r.Must(t, 200, "PUT "+path(bob), owner.Secret, map[string]any{"status": "active"})
	r.Must(t, 200, "GET "+path(bob), bob.Secret, nil)
	r.Refused(t, 401, "invalid_token", "GET "+path(bob), token, nil)
	if m := r.LastMail(t, "bob@example.com"); m.Kind != mail.Unsuspended {
		t.Errorf("mail %+v", m)
	}
	mails := len(r.Mails(t, "bob@example.com"))
	r.Must(t, 200, "POST "+path(bob)+"/unsuspend", owner.Secret, nil)
	if again := len(r.Mails(t, "bob@example.com")); again != mails {
		t.Errorf("unsuspending twice mails twice")
	}
}

func TestARemovedMemberIsGoneAndRemembered(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	bob := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Developer, Name: "Bob"})
	removed := r.Must(t, 200, "DELETE "+path(bob), owner.Secret, nil)
	if removed.String("member", "status") != "removed" || removed.At("member", "keys") != 0. {
		t.Errorf("%s", removed.Raw)
	}
	r.Refused(t, 401, "invalid_key", "GET "+path(bob), bob.Secret, nil)
	if m := r.LastMail(t, string(bob.Email)); m.Kind != mail.Removed || m.Data.Organization != "Analytical Engines" {
		t.Errorf("mail %+v", m)
	}
	if repeat := r.Must(t, 200, "DELETE "+path(bob), owner.Secret, nil); repeat.Header.Get("ETag") != removed.Header.Get("ETag") {
		t.Errorf("a repeat changed something: %s", repeat.Raw)
	}
	if n := len(r.Mails(t, string(bob.Email))); n != 1 {
		t.Errorf("%d mails, want 1", n)
	}
	r.Refused(t, 409, "wrong_status", "PUT "+path(bob), owner.Secret, map[string]any{"status": "active"})
	if got := r.Must(t, 200, "GET "+path(bob), owner.Secret, nil).String("member", "name"); got != "Bob" {
		t.Errorf("history lost the name: %q", got)
	}
	organizations, err := member.OrganizationsOf(t.Context(), r.Table, bob.ID)
	if err != nil || len(organizations) != 0 {
		t.Errorf("the account still lists %v (%v)", organizations, err)
	}
}

func TestUpdateMergesAndRefuses(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	admin := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Admin})
	bob := membertest.Add(t, r, member.Member{
		Organization: owner.Organization, Role: permission.Member, Name: "Bob",
		Metadata: `{"department":"Engineering","site":{"city":"Berlin","floor":3}}`,
	})
	first := r.Must(t, 200, "GET "+path(bob), bob.Secret, nil)
	etag := first.Header.Get("ETag")

	unchanged := r.Must(t, 200, "PUT "+path(bob), owner.Secret, map[string]any{"role": "member", "status": "active", "name": "Bob", "metadata": map[string]any{}})
	if unchanged.Header.Get("ETag") != etag || len(r.Mails(t, string(bob.Email))) != 0 {
		t.Errorf("a PUT that changes nothing changed something: %s", unchanged.Raw)
	}
	changed := r.Must(t, 200, "PUT "+path(bob), admin.Secret, map[string]any{
		"role": "developer", "status": "suspended", "suspension_reason": "Leave", "alias": "bobby",
		"metadata": map[string]any{"department": nil, "team": "Backend", "site": map[string]any{"floor": 4}},
	}, "If-Match", etag)
	for name, want := range map[string]any{"role": "developer", "status": "suspended", "alias": "bobby", "name": "Bob"} {
		if got := changed.At("member", name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if m, _ := changed.At("member", "metadata").(map[string]any); len(m) != 2 || m["team"] != "Backend" ||
		changed.At("member", "metadata", "site", "floor") != 4. || changed.At("member", "metadata", "site", "city") != "Berlin" {
		t.Errorf("metadata %v", m)
	}
	var kinds []mail.Kind
	for _, m := range r.Mails(t, string(bob.Email)) {
		kinds = append(kinds, m.Kind)
	}
	if len(kinds) != 2 || kinds[0] == kinds[1] {
		t.Errorf("mails %v, want one of the role and one of the suspension", kinds)
	}
	r.Refused(t, 412, "version_mismatch", "PUT "+path(bob), owner.Secret, map[string]any{"alias": "b"}, "If-Match", etag)

	for name, c := range map[string]struct {
		credential string
		target     membertest.Member
		body       map[string]any
		status     int
		code       string
	}{
		"removal by status":          {owner.Secret, bob, map[string]any{"status": "removed"}, 422, "invalid_input"},
		"no status":                  {owner.Secret, bob, map[string]any{"status": nil}, 422, "invalid_input"},
		"no role":                    {owner.Secret, bob, map[string]any{"role": nil}, 422, "invalid_input"},
		"unknown role":               {owner.Secret, bob, map[string]any{"role": "emperor"}, 422, "invalid_input"},
		"a service account's role":   {owner.Secret, bob, map[string]any{"role": "gateway"}, 422, "invalid_input"},
		"a reason alone":             {owner.Secret, bob, map[string]any{"suspension_reason": "Why"}, 422, "invalid_input"},
		"an unknown field":           {owner.Secret, bob, map[string]any{"email": "other@example.com"}, 400, "unknown_field"},
		"making an owner":            {admin.Secret, bob, map[string]any{"role": "owner"}, 403, "owner_required"},
		"unmaking an owner":          {admin.Secret, owner, map[string]any{"role": "admin"}, 403, "owner_required"},
		"suspending an owner":        {admin.Secret, owner, map[string]any{"status": "suspended"}, 403, "outranked"},
		"metadata of an owner":       {admin.Secret, owner, map[string]any{"metadata": map[string]any{"a": 1}}, 403, "outranked"},
		"promoting oneself":          {admin.Secret, admin, map[string]any{"role": "owner"}, 403, "not_oneself"},
		"suspending oneself":         {owner.Secret, owner, map[string]any{"status": "suspended"}, 403, "not_oneself"},
		"the last owner":             {owner.Secret, owner, map[string]any{"role": "admin"}, 409, "last_owner"},
		"role of oneself, by member": {bob.Secret, bob, map[string]any{"role": "admin"}, 403, "member_suspended"},
	} {
		if got := r.Call(t, "PUT "+path(c.target), c.credential, c.body); got.Status != c.status || got.Code() != c.code {
			t.Errorf("%s: %s, want %d %s", name, got.Raw, c.status, c.code)
		}
	}
	r.Refused(t, 403, "outranked", "DELETE "+path(owner), admin.Secret, nil)
	r.Refused(t, 409, "last_owner", "DELETE "+path(owner), owner.Secret, nil)
	r.Refused(t, 409, "last_owner", "POST "+members(owner)+"/leave", owner.Secret, nil)
	r.Refused(t, 404, "member_not_found", "GET "+members(owner)+"/"+string(id.NewUser(r.Now())), owner.Secret, nil)
}

func TestMembersSeeThemselvesAlone(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	viewer := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Viewer})
	r.Must(t, 200, "GET "+path(viewer), viewer.Secret, nil)
	for _, request := range []string{
		"GET " + path(owner), "GET " + members(owner), "GET /admin/users", "PUT " + path(viewer), "DELETE " + path(owner),
		"POST " + path(owner) + "/suspend", "POST " + path(owner) + "/unsuspend", "POST /api/organizations/" + string(owner.Organization) + "/service-accounts",
	} {
		r.Refused(t, 403, "permission_denied", request, viewer.Secret, nil)
	}
}

func TestARoleChangeMailsWhoDidIt(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	bob := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	answer := r.Must(t, 200, "PUT /admin/users/"+string(bob.ID)+"/role", owner.Secret, map[string]any{"role": "developer"})
	if got := answer.String("user", "role"); got != "developer" {
		t.Errorf("role %q", got)
	}
	m := r.LastMail(t, string(bob.Email))
	if m.Kind != mail.RoleChanged || m.Data.Role != "developer" || m.Data.PreviousRole != "member" || m.Data.Actor != string(owner.Email) {
		t.Errorf("mail %+v", m)
	}
	if _, err := mailer.Render(m.Kind, m.Data); err != nil {
		t.Error(err)
	}
}

func TestAChangeIsAudited(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	bob := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member, Metadata: `{"team":"Backend"}`})
	for _, body := range []map[string]any{
		{"role": "developer", "status": "suspended", "suspension_reason": "Leave"},
		{"metadata": map[string]any{"team": nil}},
		{"metadata": map[string]any{"team": nil}},
	} {
		r.Must(t, 200, "PUT "+path(bob), owner.Secret, body)
	}
	events := map[string]string{}
	for _, e := range audittest.Of(t, r, owner.Organization) {
		events[string(e.Action)] = fmt.Sprintf("%v %v %v %v %q",
			e.ActorID == string(owner.ID), e.Target == string(bob.ID), e.Before, e.After, e.Reason)
	}
	want := map[string]string{
		"member.suspended": "true true map[role:member status:active] map[role:developer status:suspended] \"Leave\"",
		"member.updated":   "true true map[metadata:map[team:Backend]] map[metadata:map[]] \"\"",
	}
	if !maps.Equal(events, want) {
		t.Errorf("audited %v\nwant %v", events, want)
	}
}

func TestServiceAccounts(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	admin := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Admin})
	stopped := membertest.Add(t, r, member.Member{
		Organization: owner.Organization, Role: permission.Admin, Status: access.Suspended, Terms: member.Terms{Suspension: &member.Suspension{At: r.Now()}}})
	create := "POST /api/organizations/" + string(owner.Organization) + "/service-accounts"
	bot := r.Must(t, 201, create, admin.Secret, map[string]any{"name": "Edge gateway", "metadata": map[string]any{"region": "eu"}})
	for name, want := range map[string]any{
		"role": "gateway", "kind": "service", "status": "active", "email": "", "responsible": string(admin.ID), "keys": 0.,
	} {
		if got := bot.At("member", name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for name, body := range map[string]map[string]any{
		"an owner":              {"name": "Bot", "role": "owner"},
		"an unknown role":       {"name": "Bot", "role": "emperor"},
		"no name":               {"role": "gateway"},
		"a stopped responsible": {"name": "Bot", "responsible": stopped.ID},
		"a bot responsible":     {"name": "Bot", "responsible": bot.String("member", "user_id")},
		"nobody responsible":    {"name": "Bot", "responsible": id.NewUser(r.Now())},
	} {
		if got := r.Call(t, create, owner.Secret, body); got.Status != 422 {
			t.Errorf("%s: %s", name, got.Raw)
		}
	}
	service := membertest.Add(t, r, member.Member{
		Organization: owner.Organization, Kind: member.ServiceAccount, Name: "Deputy", Role: permission.Admin, Responsible: owner.ID})
	r.Refused(t, 403, "people_only", "POST "+members(owner)+"/leave", service.Secret, nil)
	r.Refused(t, 403, "people_only", "DELETE "+path(service), service.Secret, nil)
	r.Refused(t, 422, "invalid_input", "PUT "+path(service), owner.Secret, map[string]any{"role": "owner"})
	r.Refused(t, 422, "invalid_input", "PUT "+path(service), owner.Secret, map[string]any{"name": nil})
	for _, body := range []map[string]any{{"status": "suspended"}, {"status": "active"}, {"role": "viewer"}} {
		r.Must(t, 200, "PUT "+path(service), owner.Secret, body)
	}
	r.Must(t, 200, "DELETE "+path(service), owner.Secret, nil)
	if mails := r.Mails(t, ""); len(mails) != 0 {
		t.Errorf("service accounts were mailed: %v", mails)
	}
}

func TestWhatAChangeCosts(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	for _, role := range []string{permission.Developer, permission.Owner} {
		m := membertest.Add(t, r, member.Member{
			Organization: owner.Organization, Role: role, Name: field.Name("Ada Lovelace"), Alias: "ada",
			Metadata: `{"cost_center":"ENG-001","department":"Engineering","manager":"maria@acme.com","team":"Backend"}`,
		})
		for _, request := range []string{"POST " + path(m) + "/suspend", "POST " + path(m) + "/unsuspend", "DELETE " + path(m)} {
			ctx, capacity := table.WithCapacity(t.Context())
			if answer := r.CallContext(t, ctx, request, owner.Secret, nil); answer.Status != 200 {
				t.Fatalf("%s", answer.Raw)
			}
			want := 12.
			if role == permission.Owner && strings.HasPrefix(request, "DELETE") {
				want = 13 // the count of owners too
			}
			if _, units := capacity.Units(); units == 0 || units > want {
				t.Errorf("%s of a %s cost %v write units, want at most %v", request, role, units, want)
			}
		}
	}
}

func TestAForeignOrganizationLooksAbsent(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	ours, theirs := membertest.Found(t, r), membertest.Found(t, r)
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		r.Refused(t, 404, access.ErrOrg.Code, method+" "+path(theirs), ours.Secret, nil)
		r.Refused(t, 404, member.ErrNotFound.Code, method+" "+members(ours)+"/"+string(theirs.ID), ours.Secret, nil)
	}
	if o, err := organization.Get(t.Context(), r.Table, theirs.Organization); err != nil || o.Owners != 1 {
		t.Errorf("owners %d (%v)", o.Owners, err)
	}
}
