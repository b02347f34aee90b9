package access_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/route"
	"roster/internal/session"
	"roster/internal/table"
	"roster/internal/user"
)

type (
	none struct{}
	who  struct {
		User         id.User                 `json:"user"`
		Organization id.Organization         `json:"organization"`
		Key          id.Key                  `json:"key"`
		Permissions  []permission.Permission `json:"permissions"`
	}
)

// endpoints say who calls, one for each kind of authentication.
func endpoints(e *env.Env) []api.Endpoint {
	actor := func(_ context.Context, a access.Actor, _ none) (who, error) {
		return who{a.User(), a.Organization(), a.Key(), a.Permissions().List()}, nil
	}
	person := func(_ context.Context, i access.Identity, _ none) (who, error) {
		return who{User: i.User(), Organization: i.Organization()}, nil
	}
	return []api.Endpoint{
		api.Handle(route.GetOrganization, access.Member(e), actor),
		api.Handle(route.UpdateOrganization, access.Member(e), actor),
		api.Handle(route.ListUsers, access.Member(e), actor),
		api.Handle(route.Me, access.Person(e), person),
		api.Handle(route.AcceptInvitation, access.PersonIfAny(e), person),
		api.Handle(route.ListOrganizations, access.PlatformAdministrator(e), person),
	}
}

// world is an organization with one member, who has a session and a key.
type world struct {
	*rostertest.Roster
	org     organization.Organization
	user    user.User
	member  member.Member
	session session.Session
	token   string
	key     string
}

// newWorld stores the items themselves, changed before.
func newWorld(t *testing.T, change func(*world)) *world {
	t.Helper()
	w := &world{Roster: rostertest.New(t, endpoints)}
	now := w.Now()
	w.org = organization.New(now, "Engines")
	w.user = user.User{ID: id.NewUser(now), Email: "ada@example.com", Name: "Ada", Verified: true, CreatedAt: now, Version: 1}
	keyID := id.NewKey(now, w.user.ID)
	key, digest := access.NewKeyText(w.org.ID, w.user.ID, keyID)
	w.key = key
	w.member = member.Member{
		ID: w.user.ID, Organization: w.org.ID, Kind: member.Person, Email: w.user.Email, Name: w.user.Name,
		Role: permission.Admin, Status: access.Active, Epoch: 3, CreatedAt: now,
		Keys: map[id.Key]access.KeyRecord{keyID: {Name: "laptop", Digest: digest[:], CreatedAt: now}},
	}
	w.session = session.New(now, w.user.ID, 0, api.Client{IP: "192.0.2.1", Agent: "curl"}).In(w.org.ID, 3)
	w.token = w.access(t, w.session)
	if change != nil {
		change(w)
	}
	writes := append(member.CreateFounder(w.member, now), organization.Create(w.org),
		table.Write{Key: table.User(w.user.ID), Put: w.user},
		table.Write{Key: table.Session(w.user.ID, w.session.ID), Put: w.session})
	if err := w.Table.Transact(t.Context(), writes...); err != nil {
		t.Fatal(err)
	}
	return w
}

// access signs a session's access token.
func (w *world) access(t *testing.T, s session.Session) string {
	t.Helper()
	keys, err := w.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	made, err := s.Tokens(w.Env, keys)
	if err != nil {
		t.Fatal(err)
	}
	return made.Access
}

func (w *world) home() string { return "GET /api/organizations/" + string(w.org.ID) }

func TestActiveMemberIsWhoTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for name, credential := range map[string]string{"token": w.token, "key": w.key} {
		got := w.Must(t, 200, w.home(), credential, nil)
		if got.String("user") != string(w.user.ID) || got.String("organization") != string(w.org.ID) ||
			(got.String("key") != "") != (name == "key") {
			t.Errorf("%s: %s", name, got.Raw)
		}
	}
	if got := w.Must(t, 200, "GET /auth/me", w.token, nil); got.String("user") != string(w.user.ID) {
		t.Errorf("me: %s", got.Raw)
	}
}

func TestEveryStatusByTokenAndKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name               string
		change             func(*world)
		token, key         string // the code of the refusal; empty is none
		tokenCode, keyCode int
	}{
		{"pending", func(w *world) { w.member.Status = access.Pending }, "member_pending", "member_pending", 403, 403},
		{"suspended", func(w *world) { w.member.Status, w.member.Epoch = access.Suspended, 4 }, "member_suspended", "member_suspended", 403, 403},
		{"removed", func(w *world) { w.member.Status, w.member.Epoch, w.member.Keys = access.Removed, 4, nil }, "not_a_member", "invalid_key", 403, 401},
		{"removed with a key left", func(w *world) { w.member.Status = access.Removed }, "not_a_member", "not_a_member", 403, 403},
		{"unknown status", func(w *world) { w.member.Status = "" }, "not_a_member", "not_a_member", 403, 403},
		{"unsuspended since", func(w *world) { w.member.Epoch = 4 }, "invalid_token", "", 401, 200},
		{"never a member", func(w *world) { w.member.ID = id.NewUser(time.Now()) }, "not_a_member", "invalid_key", 403, 401},
		{"unknown role", func(w *world) { w.member.Role = "king" }, "", "", 200, 200},
		{"organization suspended", func(w *world) { w.org.Status = organization.Suspended }, "organization_suspended", "organization_suspended", 403, 403},
		{"no organization", func(w *world) { w.org.ID = id.NewOrganization(time.Now()) }, "", "", 0, 0},
		{"session expired", func(w *world) { w.session.ExpiresAt = w.Now() }, "invalid_token", "", 401, 200},
		{"session ended", func(w *world) { w.session.ID = id.NewSession(time.Now()) }, "invalid_token", "", 401, 200},
		{"key revoked", func(w *world) { w.member.Keys = nil }, "", "invalid_key", 200, 401},
		{"key replaced", func(w *world) {
			for k := range w.member.Keys {
				w.member.Keys[k] = access.KeyRecord{Digest: make([]byte, 32)}
			}
		}, "", "invalid_key", 200, 401},
		{"key expired", func(w *world) {
			for k, record := range w.member.Keys {
				record.ExpiresAt = w.Now()
				w.member.Keys[k] = record
			}
		}, "", "invalid_key", 200, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var home string
			w := newWorld(t, func(w *world) {
				home = w.home()
				tt.change(w)
			})
			if tt.name == "no organization" { // only the member's item is there
				for _, credential := range []string{w.token, w.key} {
					w.Refused(t, 403, "organization_suspended", home, credential, nil)
				}
				return
			}
			for _, by := range []struct {
				credential, code string
				status           int
			}{{w.token, tt.token, tt.tokenCode}, {w.key, tt.key, tt.keyCode}} {
				got := w.Must(t, by.status, home, by.credential, nil)
				if got.Code() != by.code {
					t.Errorf("%s: code %q, want %q", home, got.Code(), by.code)
				}
			}
		})
	}
}

func TestAnUnknownRoleHasNoPermission(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) { w.member.Role = "king" })
	w.Refused(t, 403, "permission_denied", "GET /admin/users", w.key, nil)
}

func TestARouteAsksForItsPermission(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) { w.member.Role = permission.Viewer })
	for _, credential := range []string{w.token, w.key} {
		w.Must(t, 200, w.home(), credential, nil)
		got := w.Refused(t, 403, "permission_denied", "GET /admin/users", credential, nil)
		if got.String("permission") != string(permission.MembersManage) {
			t.Errorf("which permission lacks is not said: %s", got.Raw)
		}
	}
}

// A foreign organization looks like one that does not exist.
func TestAForeignOrganizationLooksAbsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	foreign := organization.New(w.Now(), "Foreign")
	if err := w.Table.Transact(t.Context(), organization.Create(foreign)); err != nil {
		t.Fatal(err)
	}
	nowhere := session.New(w.Now(), w.user.ID, 0, api.Client{})
	if err := w.Table.Transact(t.Context(), table.Write{Key: table.Session(w.user.ID, nowhere.ID), Put: nowhere}); err != nil {
		t.Fatal(err)
	}
	unscoped := w.access(t, nowhere)
	body := func(credential, method, org string, body any) string {
		got := w.Refused(t, 404, "organization_not_found", method+" /api/organizations/"+org, credential, body)
		requestID := got.Header.Get("X-Request-Id")
		if requestID == "" {
			t.Fatalf("no request id in %v", got.Header)
		}
		return strings.ReplaceAll(string(got.Raw), requestID, "")
	}
	for name, credential := range map[string]string{"token": w.token, "key": w.key, "token of no organization": unscoped} {
		for _, method := range []string{"GET", "PUT"} {
			want := body(credential, method, string(id.NewOrganization(w.Now())), nil)
			for _, org := range []string{string(foreign.ID), "org_malformed", "x", strings.ToLower(string(w.org.ID))} {
				if got := body(credential, method, org, nil); got != want {
					t.Errorf("%s, %s %s: %s, want %s", name, method, org, got, want)
				}
			}
			if got := body(credential, method, string(foreign.ID), "not JSON"); got != want {
				t.Errorf("%s: the body is read before the organization is known: %s", name, got)
			}
		}
	}
	w.Refused(t, 403, "no_organization", "GET /admin/users", unscoped, nil)
}

func TestASuspendedMemberSeesNoForeignOrganization(t *testing.T) {
	t.Parallel()
	var home string
	w := newWorld(t, func(w *world) { home, w.member.Status = w.home(), access.Suspended })
	w.Refused(t, 403, "member_suspended", home, w.key, nil)
	w.Refused(t, 404, "organization_not_found", "GET /api/organizations/"+string(id.NewOrganization(w.Now())), w.key, nil)
}

func TestMalformedCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, header := range []string{"", "Bearer", "Bearer ", "Basic " + w.key, w.key, "Bearer\t" + w.key} {
		w.Refused(t, 401, "credential_required", w.home(), "", nil, "Authorization", header)
		w.Refused(t, 401, "credential_required", "GET /auth/me", "", nil, "Authorization", header)
	}
	w.Must(t, 200, w.home(), "", nil, "Authorization", "bEARER  "+w.key)
	for credential, code := range map[string]string{
		"rk_": "invalid_key", w.key + "A": "invalid_key", "RK_" + w.key[3:]: "invalid_token", "junk": "invalid_token",
		w.token + "x": "invalid_token", strings.Repeat("a.", 4000): "invalid_token",
	} {
		got := w.Refused(t, 401, code, w.home(), credential, nil)
		if got.Header.Get("Www-Authenticate") == "" {
			t.Errorf("%.20s: 401 without WWW-Authenticate", credential)
		}
		if strings.Contains(string(got.Raw), credential) {
			t.Errorf("the answer repeats the credential: %s", got.Raw)
		}
	}
	w.Refused(t, 403, "session_required", "GET /auth/me", w.key, nil)
}

func TestPersonIfAny(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	if got := w.Must(t, 200, "POST /auth/accept-invite", "", nil); got.String("user") != "" {
		t.Errorf("nobody is %s", got.Raw)
	}
	if got := w.Must(t, 200, "POST /auth/accept-invite", w.token, nil); got.String("user") != string(w.user.ID) {
		t.Errorf("the caller is %s", got.Raw)
	}
	w.Refused(t, 401, "invalid_token", "POST /auth/accept-invite", "junk", nil)
	w.Refused(t, 401, "credential_required", "POST /auth/accept-invite", "", nil, "Authorization", "Basic YTpi")
}

func TestPlatformAdministrators(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.Refused(t, 403, "platform_administrator_required", "GET /api/organizations", w.token, nil)
	w.Refused(t, 403, "session_required", "GET /api/organizations", w.key, nil)
	w.Refused(t, 401, "credential_required", "GET /api/organizations", "", nil)
	platform := newWorld(t, func(w *world) { w.user.Platform, w.member.Status = true, access.Removed })
	platform.Must(t, 200, "GET /api/organizations", platform.token, nil)
}

func TestATokenOfADeletedAccountIsDead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) { w.user.ID = id.NewUser(time.Now()) })
	w.Refused(t, 401, "invalid_token", "GET /auth/me", w.token, nil)
}

func TestOneRoundTrip(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for name, credential := range map[string]string{"token": w.token, "key": w.key} {
		ctx, capacity := table.WithCapacity(t.Context())
		if got := w.CallContext(t, ctx, w.home(), credential, nil); got.Status != 200 {
			t.Fatal(string(got.Raw))
		}
		if calls := capacity.Calls(); len(calls) != 1 || calls[0].Write != 0 || calls[0].Read > 4 {
			t.Errorf("%s: %+v", name, calls)
		}
	}
}
