package acceptance_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/route"
)

// A call that passes authentication and authorization in the matrix carries a
// field (or query parameter) that no route knows: it is refused for that alone,
// and changes nothing.
const probe = "no_route_has_this_field"

func (w world) probe(t testing.TB, r route.Route, credential string, org id.Organization) rostertest.Response {
	t.Helper()
	now := w.Now()
	target := strings.NewReplacer(
		"{org_id}", string(org),
		"{user_id}", string(id.NewUser(now)),
		"{key_id}", string(id.NewKey(now, id.NewUser(now))),
		"{connection_id}", string(id.NewConnection(now)),
		"{invitation_id}", string(id.NewInvitation(now, "nobody@example.com")),
		"{request_id}", string(id.NewJoinRequest(now, id.NewUser(now))),
		"{limit_request_id}", string(id.NewLimitRequest(now, id.NewUser(now))),
		"{job_id}", string(id.NewJob(now)),
		"{token}", "token",
		"{role}", "analyst",
		"{team_id}", string(id.NewTeam(now)),
		"{session_id}", string(id.NewSession(now)),
		"{reservation_id}", string(id.NewReservation(id.NewUser(now), now, "of nobody", false)),
		"{month}", "2026-11",
		"{source}", "3",
		"{sequence}", "1",
	).Replace(r.Key)
	if !r.Mutates() {
		return w.Call(t, target+"?"+probe+"=1", credential, nil)
	}
	return w.Call(t, target, credential, map[string]any{probe: 1})
}

// passed reports whether nothing but the probe was refused.
func passed(answer rostertest.Response) bool {
	if answer.Code() != "unknown_field" && answer.Code() != "invalid_input" {
		return false
	}
	return strings.Contains(string(answer.Raw), probe)
}

// TestMatrix asks every route as every role in every status, of its own and of a
// foreign organization.
func TestMatrix(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := w.owner(t, "owner@acme.example", "Acme").organization
	foreign := w.owner(t, "owner@rival.example", "Rival").organization
	absent := id.NewOrganization(w.Now())

	for _, role := range permission.BuiltIn {
		for _, status := range []access.Status{access.Active, access.Suspended, access.Pending, access.Removed} {
			p := w.place(t, own, fmt.Sprintf("%s.%s@acme.example", role.Name, status), role.Name, status)
			for credential, secret := range map[string]string{"token": p.token, "key": p.key} {
				t.Run(fmt.Sprintf("%s/%s/%s", role.Name, status, credential), func(t *testing.T) {
					t.Parallel()
					for _, r := range route.All {
						w.checkRoute(t, r, role, status, credential, secret, own, foreign, absent)
					}
				})
			}
		}
	}
}

func (w world) checkRoute(t *testing.T, r route.Route, role permission.Role, status access.Status, credential, secret string, own, foreign, absent id.Organization) {
	t.Helper()
	answer := w.probe(t, r, secret, own)
	switch want := expected(r, role, status, credential); {
	case want == "" && !passed(answer):
		t.Errorf("%s: refused with %d %s, want it allowed", r.Key, answer.Status, answer.Raw)
	case want != "" && answer.Code() != want:
		t.Errorf("%s: %d %s, want %s", r.Key, answer.Status, answer.Raw, want)
	}
	if r.Access == route.Member && slices.Contains(r.Parameters(), "org_id") {
		want := "organization_not_found"
		if status == access.Removed && credential == "key" {
			want = "invalid_key"
		}
		w.checkForeign(t, r, secret, want, foreign, absent)
	}
}

// checkForeign expects the same refusal for an organization that is not the
// caller's as for one that does not exist.
func (w world) checkForeign(t *testing.T, r route.Route, secret, want string, foreign, absent id.Organization) {
	t.Helper()
	theirs, nobodys := w.probe(t, r, secret, foreign), w.probe(t, r, secret, absent)
	for _, a := range []rostertest.Response{theirs, nobodys} {
		if a.Code() != want {
			t.Errorf("%s of a foreign organization: %d %s", r.Key, a.Status, a.Raw)
		}
	}
	if theirs.Status != nobodys.Status || theirs.String("detail") != nobodys.String("detail") {
		t.Errorf("%s: a foreign organization looks other than one that does not exist", r.Key)
	}
}

// TestATestKeyIsForTheHotPathAlone asks every route with an owner's test key.
func TestATestKeyIsForTheHotPathAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(t, "owner@acme.example", "Acme")
	created := w.Must(t, 201, "POST /api/organizations/"+string(owner.organization)+"/keys", owner.token, map[string]any{"name": "sandbox", "test": true})
	role, _ := permission.BuiltInRole(permission.Owner)
	for _, r := range route.All {
		want := expected(r, role, access.Active, "key")
		if r.Access == route.Member && !strings.Contains(r.Key, " /v1/") {
			want = "test_key"
		}
		answer := w.probe(t, r, created.String("key", "secret"), owner.organization)
		if want == "" && !passed(answer) || want != "" && answer.Code() != want {
			t.Errorf("%s: %d %s, want %q", r.Key, answer.Status, answer.Raw, want)
		}
	}
}

// TestMatrixOfThoseWhoBelongNowhere asks every route as a person without an
// organization, and as a platform administrator without one.
func TestMatrixOfThoseWhoBelongNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	foreign, absent := w.owner(t, "owner@acme.example", "Acme").organization, id.NewOrganization(w.Now())
	nobody, platform := w.owner(t, "nobody@example.com", ""), w.platform(t)
	for _, r := range route.All {
		for who, p := range map[string]person{"nobody": nobody, "platform": platform} {
			if r.Access == route.Member && slices.Contains(r.Parameters(), "org_id") {
				w.checkForeign(t, r, p.token, "organization_not_found", foreign, absent)
				continue
			}
			want := ""
			switch {
			case r.Access == route.Member:
				want = "no_organization"
			case r.Access == route.Platform && who == "nobody":
				want = "platform_administrator_required"
			}
			answer := w.probe(t, r, p.token, foreign)
			if want == "" && !passed(answer) || want != "" && answer.Code() != want {
				t.Errorf("%s as %s: %d %s, want %q", r.Key, who, answer.Status, answer.Raw, want)
			}
		}
	}
}

// expected is the code of the refusal, or empty where the caller may.
func expected(r route.Route, role permission.Role, status access.Status, credential string) string {
	switch r.Access {
	case route.Public:
		if r.ID == route.AcceptInvitation && credential == "key" {
			return "session_required"
		}
		return ""
	case route.Account:
		if credential == "key" {
			return "session_required"
		}
		return ""
	case route.Platform:
		if credential == "key" {
			return "session_required"
		}
		return "platform_administrator_required"
	}
	switch {
	case status == access.Removed && credential == "key":
		return "invalid_key"
	case status == access.Removed:
		return "not_a_member"
	case status == access.Pending:
		return "member_pending"
	case status == access.Suspended:
		return "member_suspended"
	case len(r.Permissions) > 0 && !slices.ContainsFunc(r.Permissions, role.Permissions.Has):
		return "permission_denied"
	}
	return ""
}

func TestEveryRouteButThePublicOnesNeedsACredential(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	org := w.owner(t, "owner@acme.example", "Acme").organization
	for _, r := range route.All {
		if r.Access == route.Public {
			continue
		}
		for _, credential := range []string{"", "junk", "rk_junk", "rr_junk", "eyJhbGciOiJub25lIn0.e30."} {
			answer := w.probe(t, r, credential, org)
			if answer.Status != 401 {
				t.Errorf("%s with credential %q: %d %s", r.Key, credential, answer.Status, answer.Raw)
			}
		}
	}
}
