package acceptance_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roster/internal/feature"
	"roster/internal/id"
	"roster/internal/rostertest"
)

// fault is what goes wrong between a function and DynamoDB.
type fault struct {
	name string
	// apply answers the calls at which it strikes.
	apply func(next http.RoundTripper, r *http.Request) (*http.Response, error)
	// fatal: it strikes one call, and every later call fails, as when the process is
	// killed. Others strike at every second call, so that each call is disturbed and
	// its repeat is not.
	fatal bool
}

var errCut = errors.New("connection reset by peer")

var faults = []fault{
	{name: "killed", fatal: true, apply: lost},
	{name: "answers lost", apply: lost},
	{name: "throttled", apply: func(http.RoundTripper, *http.Request) (*http.Response, error) {
		return rostertest.Exception("ThrottlingException", ""), nil
	}},
	{name: "conflict", apply: func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
		switch operation(r) {
		case "TransactWriteItems":
			return rostertest.Cancelled("TransactionConflict"), nil
		case "PutItem", "UpdateItem", "DeleteItem":
			return rostertest.Exception("TransactionConflictException", ""), nil
		}
		return next.RoundTrip(r)
	}},
}

func lost(next http.RoundTripper, r *http.Request) (*http.Response, error) {
	answer, err := next.RoundTrip(r)
	if err == nil {
		answer.Body.Close()
	}
	return nil, errCut
}

func operation(r *http.Request) string {
	_, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return name
}

// saboteur lets a fault strike from the n-th call on after it was armed.
type saboteur struct {
	next http.RoundTripper

	mu    sync.Mutex
	armed *fault
	at    int
	calls int
}

func (s *saboteur) arm(f *fault, at int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed, s.at, s.calls = f, at, 0
}

// disarm ends the trouble and tells how many calls there were.
func (s *saboteur) disarm() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = nil
	return s.calls
}

func (s *saboteur) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.calls++
	n, f, at := s.calls, s.armed, s.at
	s.mu.Unlock()
	switch {
	case f == nil || n < at:
		return s.next.RoundTrip(r)
	case f.fatal && n > at:
		return nil, errCut
	case (n-at)%2 == 0:
		return f.apply(s.next, r)
	}
	return s.next.RoundTrip(r)
}

// story is a use case: what comes before it, and the request that is disturbed.
type story struct {
	name    string
	prepare func(t *testing.T, w world) (request, credential string, body any)
	// ends: the request ends the credential that it is made with, so that a repeat
	// is refused.
	ends bool
}

var stories = []story{
	{name: "register", prepare: func(*testing.T, world) (string, string, any) {
		return "POST /auth/register", "", map[string]any{"email": "ada@example.com", "password": password, "name": "Ada", "organization": "Engines"}
	}},
	{name: "create organization", prepare: func(t *testing.T, w world) (string, string, any) {
		return "POST /api/organizations", w.owner(t, "owner@acme.example", "Acme").token, map[string]any{"name": "Second"}
	}},
	{name: "log in", prepare: func(t *testing.T, w world) (string, string, any) {
		w.owner(t, "owner@acme.example", "Acme")
		return "POST /auth/login", "", map[string]any{"email": "owner@acme.example", "password": password}
	}},
	{name: "set up a second factor", prepare: func(t *testing.T, w world) (string, string, any) {
		return "POST /auth/2fa/setup", w.owner(t, "owner@acme.example", "Acme").token, map[string]any{"password": password}
	}},
	{name: "turn a second factor on", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		return "POST /auth/2fa/enable", p.token, map[string]any{"otp": w.setUp(t, p)(0)}
	}},
	{name: "turn a second factor off", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		code := w.secured(t, p)
		return "POST /auth/2fa/disable", p.token, map[string]any{"password": password, "otp": code(1)}
	}},
	{name: "log in with a code", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		code := w.secured(t, p)
		return "POST /auth/login", "", map[string]any{"email": p.email, "password": password, "otp": code(1)}
	}},
	{name: "ask for a new password", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		return "POST /auth/password/forgot", "", map[string]any{"email": p.email}
	}},
	{name: "reset the password", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		w.Advance(time.Second)
		w.Must(t, 200, "POST /auth/password/forgot", "", map[string]any{"email": p.email})
		return "POST /auth/password/reset", "", map[string]any{"token": w.LastMail(t, p.email).LinkToken(), "password": "something quite different"}
	}},
	{name: "change the password", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		return "PUT /auth/password", p.token, map[string]any{"current_password": password, "new_password": "something quite different"}
	}},
	{name: "end a session", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		other := w.place(t, p.organization, "m@acme.example", "member", "active")
		listed := w.Must(t, 200, "GET /auth/sessions", other.token, nil).At("sessions").([]any)
		return "DELETE /auth/sessions/" + listed[0].(map[string]any)["id"].(string), other.token, nil
	}, ends: true},
	{name: "end all other sessions", prepare: func(t *testing.T, w world) (string, string, any) {
		return "DELETE /auth/sessions", w.owner(t, "owner@acme.example", "Acme").token, nil
	}},
	{name: "end a member's sessions", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		m := w.place(t, p.organization, "m@acme.example", "member", "active")
		return "DELETE /api/organizations/" + string(p.organization) + "/members/" + string(m.user) + "/sessions", p.key, nil
	}},
	{name: "end one of a member's sessions", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		m := w.place(t, p.organization, "m@acme.example", "member", "active")
		path := "/api/organizations/" + string(p.organization) + "/members/" + string(m.user) + "/sessions"
		listed := w.Must(t, 200, "GET "+path, p.key, nil).At("sessions").([]any)
		return "DELETE " + path + "/" + listed[0].(map[string]any)["id"].(string), p.key, nil
	}},
	{name: "update organization", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		return "PUT /api/organizations/" + string(p.organization), p.key, map[string]any{"allow_join_requests": true}
	}},
	{name: "invite", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		return "POST /api/organizations/" + string(p.organization) + "/members/invite", p.key, map[string]any{"email": "new@example.com", "role": "member"}
	}},
	{name: "accept, a new person", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		w.invite(t, p, "new@example.com", "member")
		return "POST /auth/accept-invite", "", map[string]any{"token": w.LastMail(t, "new@example.com").LinkToken(), "password": password, "name": "New"}
	}},
	{name: "verify after a shared link", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		_, shown, _ := strings.Cut(w.invite(t, p, "new@example.com", "member").String("invitation", "link"), "#")
		w.Advance(time.Second)
		w.Must(t, 202, "POST /auth/accept-invite", "", map[string]any{"token": shown, "password": password, "name": "New"})
		return "POST /auth/verify-email", "", map[string]any{"token": w.LastMail(t, "new@example.com").LinkToken()}
	}},
	{name: "revoke invitation", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		invitation := w.invite(t, p, "new@example.com", "member").String("invitation", "id")
		return "DELETE /api/organizations/" + string(p.organization) + "/invitations/" + invitation, p.key, nil
	}},
	{name: "ask to join", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		w.Must(t, 200, "PUT /api/organizations/"+string(p.organization), p.key, map[string]any{"allow_join_requests": true})
		return "POST /api/organizations/" + string(p.organization) + "/join-requests", w.owner(t, "ada@example.com", "").token, map[string]any{}
	}},
	{name: "approve", prepare: func(t *testing.T, w world) (string, string, any) {
		p, request := w.asked(t)
		return "POST /api/admin/organization/join-requests/" + request + "/approve", p.key, nil
	}},
	{name: "reject", prepare: func(t *testing.T, w world) (string, string, any) {
		p, request := w.asked(t)
		return "POST /api/admin/organization/join-requests/" + request + "/reject", p.key, map[string]any{"reason": "Not affiliated with organization"}
	}},
	{name: "invite again", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		w.invite(t, p, "new@example.com", "member")
		return "POST /api/organizations/" + string(p.organization) + "/members/invite", p.key, map[string]any{"email": "new@example.com", "role": "viewer"}
	}},
	{name: "resend invitation", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		invitation := w.invite(t, p, "new@example.com", "member").String("invitation", "id")
		return "POST /api/organizations/" + string(p.organization) + "/invitations/" + invitation + "/resend", p.key, nil
	}},
	{name: "accept, with an account", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		ada := w.owner(t, "ada@example.com", "")
		w.Advance(time.Second)
		w.invite(t, p, "ada@example.com", "member")
		return "POST /auth/accept-invite", ada.token, map[string]any{"token": w.LastMail(t, "ada@example.com").LinkToken()}
	}},
	{name: "verify", prepare: func(t *testing.T, w world) (string, string, any) {
		w.Must(t, 201, "POST /auth/register", "", map[string]any{"email": "ada@example.com", "password": password, "name": "Ada"})
		return "POST /auth/verify-email", "", map[string]any{"token": w.LastMail(t, "ada@example.com").LinkToken(), "password": password}
	}},
	{name: "resend verification", prepare: func(t *testing.T, w world) (string, string, any) {
		in := w.Must(t, 201, "POST /auth/register", "", map[string]any{"email": "ada@example.com", "password": password, "name": "Ada"})
		return "POST /auth/verify-email/resend", in.String("access_token"), nil
	}},
	{name: "register with the set-up token", prepare: func(*testing.T, world) (string, string, any) {
		return "POST /auth/register", "", map[string]any{
			"email": "root@example.com", "password": password, "name": "Root", "organization": "Provider", "setup_token": rostertest.SetupToken,
		}
	}},
	{name: "refresh", prepare: func(t *testing.T, w world) (string, string, any) {
		in := w.Must(t, 201, "POST /auth/register", "", map[string]any{"email": "ada@example.com", "password": password, "name": "Ada"})
		return "POST /auth/refresh", "", map[string]any{"refresh_token": in.String("refresh_token")}
	}},
	{name: "log out", ends: true, prepare: func(t *testing.T, w world) (string, string, any) {
		return "POST /auth/logout", w.owner(t, "owner@acme.example", "Acme").token, nil
	}},
	{name: "switch organization", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		second := w.Must(t, 201, "POST /api/organizations", p.token, map[string]any{"name": "Second"})
		return "POST /auth/switch-org", p.token, map[string]any{"org_id": second.String("organization", "id")}
	}},
	{name: "join by domain", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		w.Must(t, 200, "PUT /api/organizations/"+string(p.organization), p.key, map[string]any{
			"allow_join_requests": true, "auto_approve_requests": true, "auto_approve_domains": []string{"acme.example"},
		})
		return "POST /api/organizations/" + string(p.organization) + "/join-requests", w.owner(t, "ada@acme.example", "").token, map[string]any{}
	}},
	{name: "withdraw join request", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		w.Must(t, 200, "PUT /api/organizations/"+string(p.organization), p.key, map[string]any{"allow_join_requests": true})
		ada := w.owner(t, "ada@example.com", "")
		request := w.Must(t, 201, "POST /api/organizations/"+string(p.organization)+"/join-requests", ada.token, nil)
		return "DELETE /auth/join-requests/" + request.String("join_request", "id"), ada.token, nil
	}},
	{name: "unsuspend", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		m := w.place(t, p.organization, "m@acme.example", "member", "suspended")
		return "POST /api/organizations/" + string(p.organization) + "/members/" + string(m.user) + "/unsuspend", p.key, nil
	}},
	{name: "change metadata", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		m := w.place(t, p.organization, "m@acme.example", "member", "active")
		return "PUT /api/organizations/" + string(p.organization) + "/members/" + string(m.user), p.key,
			map[string]any{"metadata": map[string]any{"department": "Engineering"}}
	}},
	{name: "leave", ends: true, prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		m := w.place(t, p.organization, "m@acme.example", "owner", "active")
		return "POST /api/organizations/" + string(p.organization) + "/members/leave", m.token, nil
	}},
	{name: "accept policy", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		w.Must(t, 200, "PUT /api/organizations/"+string(p.organization), p.key, map[string]any{"policy_url": policyURL, "require_policy_acceptance": true})
		return "POST /api/organizations/" + string(p.organization) + "/policy/accept", p.token, map[string]any{"policy_version": 1}
	}},
	{name: "revoke key", prepare: func(t *testing.T, w world) (string, string, any) {
		p, path := w.secondKey(t)
		return "DELETE " + path, p.key, nil
	}},
	{name: "suspend organization", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		return "POST /api/organizations/" + string(p.organization) + "/suspend", w.platform(t).token, map[string]any{"reason": "Unpaid"}
	}},
	{name: "change role", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		m := w.place(t, p.organization, "m@acme.example", "member", "active")
		return "PUT /api/organizations/" + string(p.organization) + "/members/" + string(m.user), p.key, map[string]any{"role": "admin"}
	}},
	{name: "suspend", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		m := w.place(t, p.organization, "m@acme.example", "member", "active")
		return "POST /api/organizations/" + string(p.organization) + "/members/" + string(m.user) + "/suspend", p.key, map[string]any{"reason": "Unusual usage patterns"}
	}},
	{name: "schedule a suspension", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		m := w.place(t, p.organization, "m@acme.example", "member", "active")
		return "POST /api/organizations/" + string(p.organization) + "/members/" + string(m.user) + "/suspend", p.key,
			map[string]any{"from": "2026-12-24T00:00:00Z", "until": "2027-01-02T00:00:00Z"}
	}},
	{name: "give an end date", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		m := w.place(t, p.organization, "m@acme.example", "member", "active")
		return "PUT /api/organizations/" + string(p.organization) + "/members/" + string(m.user), p.key, map[string]any{"ends_at": "2026-12-31"}
	}},
	{name: "suspend one of two owners", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		m := w.place(t, p.organization, "m@acme.example", "owner", "active")
		return "POST /api/organizations/" + string(p.organization) + "/members/" + string(m.user) + "/suspend", p.key, map[string]any{}
	}},
	{name: "remove", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		m := w.place(t, p.organization, "m@acme.example", "member", "active")
		return "DELETE /api/organizations/" + string(p.organization) + "/members/" + string(m.user), p.key, nil
	}},
	{name: "bulk edit", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		a, b := w.place(t, p.organization, "a@acme.example", "member", "active"), w.place(t, p.organization, "b@acme.example", "owner", "active")
		return "PUT /api/organizations/" + string(p.organization) + "/members/bulk", p.key,
			map[string]any{"user_ids": []any{a.user, b.user, a.user}, "changes": map[string]any{"role": "developer", "status": "suspended"}}
	}},
	{name: "bulk removal", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		a, b := w.place(t, p.organization, "a@acme.example", "member", "active"), w.place(t, p.organization, "b@acme.example", "owner", "active")
		return "DELETE /api/organizations/" + string(p.organization) + "/members/bulk", p.key, map[string]any{"user_ids": []any{a.user, b.user}}
	}},
	{name: "remove and hand over", prepare: func(t *testing.T, w world) (string, string, any) {
		p, leaver := w.leaver(t)
		heir := w.place(t, p.organization, "heir@acme.example", "admin", "active")
		return "DELETE /api/organizations/" + string(p.organization) + "/members/" + string(leaver.user), p.key,
			map[string]any{"transfer_to": heir.user, "revoke_made_keys": true}
	}},
	{name: "preview of a removal", prepare: func(t *testing.T, w world) (string, string, any) {
		p, leaver := w.leaver(t)
		return "DELETE /api/organizations/" + string(p.organization) + "/members/" + string(leaver.user) + "?preview=true", p.key, nil
	}},
	{name: "bulk edit by filter", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		return "PUT /api/organizations/" + string(p.organization) + "/members/bulk", p.key,
			map[string]any{"filter": map[string]any{"role": "member"}, "changes": map[string]any{"role": "developer"}}
	}},
	{name: "bulk removal by filter", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		return "DELETE /api/organizations/" + string(p.organization) + "/members/bulk", p.key, map[string]any{"filter": map[string]any{"role": "member"}}
	}},
	{name: "bulk invitation", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		return "POST /api/organizations/" + string(p.organization) + "/members/invite/bulk", p.key,
			map[string]any{"invitations": []any{
				map[string]any{"email": "a@acme.example", "role": "member"}, map[string]any{"email": "b@acme.example", "role": "admin"},
				map[string]any{"email": "A@acme.example", "role": "member"}, map[string]any{"email": "none"},
			}}
	}},
	{name: "create role", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		return "POST /api/organizations/" + string(p.organization) + "/roles", p.key,
			map[string]any{"name": "analyst", "permissions": []string{"usage:read"}}
	}},
	{name: "update role", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.analyst(t)
		return "PUT /api/organizations/" + string(p.organization) + "/roles/analyst", p.key, map[string]any{"permissions": []string{}}
	}},
	{name: "delete role with members", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.analyst(t)
		w.place(t, p.organization, "m@acme.example", "analyst", "active")
		return "DELETE /api/organizations/" + string(p.organization) + "/roles/analyst?successor=viewer", p.key, nil
	}},
	{name: "give a role of one's own", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.analyst(t)
		m := w.place(t, p.organization, "m@acme.example", "member", "active")
		return "PUT /api/organizations/" + string(p.organization) + "/members/" + string(m.user), p.key, map[string]any{"role": "analyst"}
	}},
	{name: "create team", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		return "POST /api/organizations/" + string(p.organization) + "/teams", p.key, map[string]any{"name": "Backend"}
	}},
	{name: "rename team", prepare: func(t *testing.T, w world) (string, string, any) {
		p, team := w.team(t)
		return "PUT /api/organizations/" + string(p.organization) + "/teams/" + team, p.key, map[string]any{"name": "Frontend"}
	}},
	{name: "delete team", prepare: func(t *testing.T, w world) (string, string, any) {
		p, team := w.team(t)
		return "DELETE /api/organizations/" + string(p.organization) + "/teams/" + team, p.key, nil
	}},
	{name: "join team", prepare: func(t *testing.T, w world) (string, string, any) {
		p, team := w.team(t)
		m := w.place(t, p.organization, "m@acme.example", "member", "active")
		return "PUT /api/organizations/" + string(p.organization) + "/teams/" + team + "/members/" + string(m.user), p.key, map[string]any{"role": "manager"}
	}},
	{name: "leave team", prepare: func(t *testing.T, w world) (string, string, any) {
		p, team := w.team(t)
		m := w.place(t, p.organization, "m@acme.example", "member", "active")
		path := "/api/organizations/" + string(p.organization) + "/teams/" + team + "/members/" + string(m.user)
		w.Must(t, 200, "PUT "+path, p.key, nil)
		return "DELETE " + path, p.key, nil
	}},
	{name: "accept into a team", prepare: func(t *testing.T, w world) (string, string, any) {
		p, team := w.team(t)
		w.Must(t, 201, "POST /api/organizations/"+string(p.organization)+"/members/invite", p.key,
			map[string]any{"email": "new@example.com", "role": "member", "team_ids": []string{team}})
		return "POST /auth/accept-invite", "", map[string]any{"token": w.LastMail(t, "new@example.com").LinkToken(), "password": password, "name": "New"}
	}},
	{name: "create service account", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		return "POST /api/organizations/" + string(p.organization) + "/service-accounts", p.key, map[string]any{"name": "gateway"}
	}},
	{name: "create key", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		return "POST /api/organizations/" + string(p.organization) + "/keys", p.key, map[string]any{"name": "second"}
	}},
	{name: "store connection", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		return "POST /api/organizations/" + string(p.organization) + "/connections", p.key, connection
	}},
	{name: "change connection", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		path := "/api/organizations/" + string(p.organization) + "/connections"
		made := w.Must(t, 201, "POST "+path, p.key, connection)
		return "PUT " + path + "/" + made.String("connection", "id"), p.key,
			map[string]any{"enabled": false, "credential": "another-credential-of-openai"}
	}},
	{name: "delete connection", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		path := "/api/organizations/" + string(p.organization) + "/connections"
		made := w.Must(t, 201, "POST "+path, p.key, connection)
		return "DELETE " + path + "/" + made.String("connection", "id"), p.key, nil
	}},
	{name: "store personal connection", prepare: func(t *testing.T, w world) (string, string, any) {
		return "POST /auth/connections", w.owner(t, "ada@example.com", "").token, connection
	}},
	{name: "update key", prepare: func(t *testing.T, w world) (string, string, any) {
		p, path := w.secondKey(t)
		return "PUT " + path, p.key, map[string]any{"name": "third", "allowed_models": []string{"openai/*"}}
	}},
	{name: "rotate key", prepare: func(t *testing.T, w world) (string, string, any) {
		p, path := w.secondKey(t)
		return "POST " + path + "/rotate", p.key, map[string]any{"grace_seconds": 60}
	}},
	{name: "transfer key", prepare: func(t *testing.T, w world) (string, string, any) {
		p, path := w.secondKey(t)
		m := w.place(t, p.organization, "m@acme.example", "member", "active")
		return "POST " + path + "/transfer", p.key, map[string]any{"user_id": m.user}
	}},
	{name: "update billing", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		return "PUT /api/organizations/" + string(p.organization) + "/billing", p.key,
			map[string]any{"purchase_order": "PO-1", "budget": 100}
	}},
	{name: "update prices", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		path := "PUT /api/organizations/" + string(p.organization) + "/prices"
		w.Must(t, 200, path, p.key, map[string]any{"prices": map[string]any{"gpt-4o": map[string]any{"input_cost_per_token": "0.000002"}}})
		return path, p.key, map[string]any{"prices": map[string]any{"gpt-4o": nil},
			"default_tariff": map[string]any{"input_cost_per_token": "0.00001", "output_cost_per_token": "0.00005"}}
	}},
	{name: "delete organization", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		return "DELETE /api/organizations/" + string(p.organization), p.token, map[string]any{"password": password, "confirm": "Acme"}
	}},
	{name: "restore organization", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		w.Must(t, 200, "DELETE /api/organizations/"+string(p.organization), p.token, map[string]any{"password": password, "confirm": "Acme"})
		return "POST /api/organizations/" + string(p.organization) + "/restore", p.token, nil
	}},
	{name: "update security", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		w.secured(t, p)
		return "PUT /api/organizations/" + string(p.organization) + "/security", p.key, map[string]any{"require_two_factor": true, "session_hours": 8}
	}},
	{name: "transfer ownership", ends: true, prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		m := w.place(t, p.organization, "heir@acme.example", "member", "active")
		return "POST /api/organizations/" + string(p.organization) + "/transfer-ownership", p.token, map[string]any{"user_id": m.user, "password": password}
	}},
	{name: "limit a member", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		m := w.place(t, p.organization, "m@acme.example", "member", "active")
		return "PUT /api/organizations/" + string(p.organization) + "/spending-limits", p.key, map[string]any{"user_id": m.user, "monthly_limit": 100}
	}},
	{name: "ask for a limit", prepare: func(t *testing.T, w world) (string, string, any) {
		_, m, path := w.needy(t)
		return path, m.key, map[string]any{"monthly_limit": 100, "reason": "The launch."}
	}},
	{name: "ask for another limit", prepare: func(t *testing.T, w world) (string, string, any) {
		_, m, path := w.needy(t)
		w.Must(t, 201, path, m.key, map[string]any{"monthly_limit": 100, "reason": "The launch."})
		return path, m.key, map[string]any{"monthly_limit": 200, "reason": "The launch."}
	}},
	{name: "approve a limit request", prepare: func(t *testing.T, w world) (string, string, any) {
		p, m, path := w.needy(t)
		request := w.Must(t, 201, path, m.key, map[string]any{"monthly_limit": 100, "until": "2026-11-30", "reason": "The launch."})
		return path + "/" + request.String("limit_request", "id") + "/approve", p.key, nil
	}},
	{name: "decline a limit request", prepare: func(t *testing.T, w world) (string, string, any) {
		p, m, path := w.needy(t)
		request := w.Must(t, 201, path, m.key, map[string]any{"monthly_limit": 100, "reason": "The launch."})
		return path + "/" + request.String("limit_request", "id") + "/decline", p.key, map[string]any{"reason": "Not now."}
	}},
	{name: "limit a key", prepare: func(t *testing.T, w world) (string, string, any) {
		p, path := w.secondKey(t)
		return "PUT /api/organizations/" + string(p.organization) + "/spending-limits", p.key,
			map[string]any{"key_id": path[strings.LastIndex(path, "/")+1:], "daily_limit": 5}
	}},
	{name: "limit a team", prepare: func(t *testing.T, w world) (string, string, any) {
		p, team := w.team(t)
		return "PUT /api/organizations/" + string(p.organization) + "/spending-limits", p.key, map[string]any{"team_id": team, "monthly_limit": 100}
	}},
	{name: "limit the organization", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		return "PUT /api/organizations/" + string(p.organization) + "/spending-limits", p.key, map[string]any{"monthly_limit": 100, "daily_limit": 10}
	}},
	{name: "record a chunk", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.pooled(t)
		m := w.place(t, p.organization, "m@acme.example", "member", "active")
		w.Must(t, 200, "PUT /v1/usage/sources/0/1", p.key, map[string]any{"events": []any{usageEvent("before", p.user)}})
		return "PUT /v1/usage/sources/0/2", p.key, map[string]any{"events": []any{usageEvent("a", p.user), usageEvent("b", m.user), usageEvent("c", p.user)}}
	}},
	{name: "adjust usage", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.pooled(t)
		m := w.place(t, p.organization, "m@acme.example", "member", "active")
		w.Must(t, 200, "POST /v1/usage", p.key, map[string]any{"events": []any{usageEvent("call", m.user)}})
		return "POST /api/organizations/" + string(p.organization) + "/usage/adjustments", p.key,
			map[string]any{"id": "refund", "event_id": "call", "refund_usd": 0.2, "reason": "It failed"}
	}},
	{name: "reserve in pools", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.pooled(t)
		return "POST /v1/reservations", p.key, map[string]any{"id": "call", "estimated_cost_usd": 20}
	}},
	{name: "commit in pools", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.pooled(t)
		reservation := w.Must(t, 200, "POST /v1/reservations", p.key, map[string]any{"estimated_cost_usd": 40}).String("reservation", "id")
		return "POST /v1/reservations/" + reservation + "/commit", p.key, map[string]any{"cost_usd": 30}
	}},
	{name: "release in pools", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.pooled(t)
		reservation := w.Must(t, 200, "POST /v1/reservations", p.key, map[string]any{"estimated_cost_usd": 40}).String("reservation", "id")
		return "DELETE /v1/reservations/" + reservation, p.key, nil
	}},
	{name: "reserve", prepare: func(t *testing.T, w world) (string, string, any) {
		p, _ := w.limited(t)
		return "POST /v1/reservations", p.key, map[string]any{"id": "call", "estimated_cost_usd": 60}
	}},
	{name: "commit a reservation", prepare: func(t *testing.T, w world) (string, string, any) {
		p, reservation := w.limited(t)
		return "POST /v1/reservations/" + reservation + "/commit", p.key, map[string]any{"cost_usd": 30}
	}},
	{name: "release a reservation", prepare: func(t *testing.T, w world) (string, string, any) {
		p, reservation := w.limited(t)
		return "DELETE /v1/reservations/" + reservation, p.key, nil
	}},
	{name: "record usage", prepare: func(t *testing.T, w world) (string, string, any) {
		p := w.owner(t, "owner@acme.example", "Acme")
		var events []map[string]any
		for i := range 12 {
			m := w.place(t, p.organization, fmt.Sprintf("m%d@acme.example", i), "member", "active")
			for j := range 2 {
				event := map[string]any{
					"id": fmt.Sprintf("e-%d-%d", i, j), "user_id": m.user, "model": "openai/gpt-4o",
					"input_tokens": 10, "output_tokens": 5,
				}
				if j == 0 {
					event["cost_usd"] = 0.25
				}
				events = append(events, event)
			}
		}
		return "POST /v1/usage", p.key, map[string]any{"events": events}
	}},
}

var connection = map[string]any{"name": "Main", "provider": "openai", "credential": "a-credential-of-openai"}

// secondKey is an owner, and the path of a further key of theirs.
func (w world) secondKey(t testing.TB) (person, string) {
	t.Helper()
	p := w.owner(t, "owner@acme.example", "Acme")
	made := w.Must(t, 201, "POST /api/organizations/"+string(p.organization)+"/keys", p.key, map[string]any{"name": "second"})
	return p, "/api/organizations/" + string(p.organization) + "/keys/" + made.String("key", "id")
}

func (w world) invite(t testing.TB, by person, address, role string) rostertest.Response {
	t.Helper()
	return w.Must(t, 201, "POST /api/organizations/"+string(by.organization)+"/members/invite", by.key,
		map[string]any{"email": address, "role": role})
}

// limited is an owner under a limit, with a reservation.
func (w world) limited(t testing.TB) (p person, reservation string) {
	t.Helper()
	p = w.owner(t, "owner@acme.example", "Acme")
	w.Must(t, 200, "PUT /api/organizations/"+string(p.organization)+"/spending-limits", p.key, map[string]any{"user_id": p.user, "monthly_limit": 100})
	return p, w.Must(t, 200, "POST /v1/reservations", p.key, map[string]any{"id": "first", "estimated_cost_usd": 40}).String("reservation", "id")
}

func usageEvent(name string, of id.User) map[string]any {
	return map[string]any{"id": name, "user_id": of, "model": "openai/gpt-4o", "input_tokens": 10, "output_tokens": 5, "cost_usd": 0.25}
}

// pooled is an owner in a team under a limit, in an organization under another.
func (w world) pooled(t testing.TB) person {
	t.Helper()
	p, team := w.team(t)
	path := "PUT /api/organizations/" + string(p.organization)
	w.Must(t, 200, path+"/teams/"+team+"/members/"+string(p.user), p.key, map[string]any{"role": "user"})
	w.Must(t, 200, path+"/spending-limits", p.key, map[string]any{"team_id": team, "monthly_limit": 100})
	w.Must(t, 200, path+"/spending-limits", p.key, map[string]any{"monthly_limit": 500})
	return p
}

// leaver is an owner, and an admin who answers for a service account, an open
// invitation and a team, and made a key for the former.
func (w world) leaver(t testing.TB) (owner, leaver person) {
	t.Helper()
	p := w.owner(t, "owner@acme.example", "Acme")
	m := w.place(t, p.organization, "m@acme.example", "admin", "active")
	w.invite(t, m, "new@example.com", "member")
	path := "/api/organizations/" + string(p.organization)
	service := w.Must(t, 201, "POST "+path+"/service-accounts", m.key, map[string]any{"name": "gateway"}).String("member", "user_id")
	w.newKey(t, m.key, p.organization, id.User(service))
	w.Must(t, 201, "POST "+path+"/connections", m.key, connection)
	team := w.Must(t, 201, "POST "+path+"/teams", m.key, map[string]any{"name": "Backend"}).String("team", "id")
	w.Must(t, 200, "PUT "+path+"/teams/"+team+"/members/"+string(m.user), m.key, map[string]any{"role": "manager"})
	w.Arrange(t)
	return p, m
}

// analyst is an organization with a role of its own.
func (w world) analyst(t testing.TB) person {
	t.Helper()
	p := w.owner(t, "owner@acme.example", "Acme")
	w.Must(t, 201, "POST /api/organizations/"+string(p.organization)+"/roles", p.key,
		map[string]any{"name": "analyst", "permissions": []string{"usage:read"}})
	return p
}

// team is an organization with one team.
func (w world) team(t testing.TB) (person, string) {
	t.Helper()
	p := w.owner(t, "owner@acme.example", "Acme")
	made := w.Must(t, 201, "POST /api/organizations/"+string(p.organization)+"/teams", p.key, map[string]any{"name": "Backend"})
	return p, made.String("team", "id")
}

// needy is an organization with a member who has a limit, and where they ask for more.
func (w world) needy(t testing.TB) (owner, m person, path string) {
	t.Helper()
	owner = w.owner(t, "owner@acme.example", "Acme")
	m = w.place(t, owner.organization, "m@acme.example", "member", "active")
	org := "/api/organizations/" + string(owner.organization)
	w.Must(t, 200, "PUT "+org+"/spending-limits", owner.key, map[string]any{"user_id": m.user, "monthly_limit": 10})
	w.Arrange(t)
	return owner, m, "POST " + org + "/limit-requests"
}

// asked is an organization with one open join request.
func (w world) asked(t testing.TB) (person, string) {
	t.Helper()
	p := w.owner(t, "owner@acme.example", "Acme")
	w.Must(t, 200, "PUT /api/organizations/"+string(p.organization), p.key, map[string]any{"allow_join_requests": true})
	asking := w.owner(t, "ada@example.com", "")
	request := w.Must(t, 201, "POST /api/organizations/"+string(p.organization)+"/join-requests", asking.token, map[string]any{})
	return p, request.String("join_request", "id")
}

// TestTroubleAtEveryStep disturbs each use case at all of its calls of DynamoDB, kills
// it before the first and after each, and repeats the request: the state is that of an
// undisturbed run.
func TestTroubleAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			scene := s.set(t)
			calls, want := scene.play(t, nil, 0)
			for i, f := range faults {
				from, to := 1, 1
				if f.fatal {
					from, to = 0, calls
				}
				for at := from; at <= to; at++ {
					if _, got := scene.play(t, &faults[i], at); !slices.Equal(got, want) {
						t.Errorf("%s call %d of %d:\n%s", faults[i].name, at, calls, cmp.Diff(want, got))
					}
				}
			}
		})
	}
}

// scene is a story that is ready to be told, any number of times.
type scene struct {
	story
	world
	request, credential string
	body                any
}

func (s story) set(t *testing.T) scene {
	t.Helper()
	out := scene{story: s, world: newWorld(t)}
	out.request, out.credential, out.body = s.prepare(t, out.world)
	return out
}

// play tells the story with a fault at one of its calls, and returns how many
// calls the request took and what it left.
func (s scene) play(t *testing.T, f *fault, at int) (calls int, state []string) {
	t.Helper()
	sab := new(saboteur)
	w := world{s.CopyWith(t, func(next http.RoundTripper) http.RoundTripper {
		sab.next = next
		return sab
	}, feature.All...)}
	request, credential, body := s.request, s.credential, s.body
	sab.arm(f, at)
	answer := w.Call(t, request, credential, body, "Idempotency-Key", "key-of-the-story")
	calls = sab.disarm()
	if answer.Status >= 300 {
		if f == nil || answer.Status != 503 {
			t.Fatalf("%s: %d %s", request, answer.Status, answer.Raw)
		}
		if answer.Header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
	}
	repeated := w.Call(t, request, credential, body, "Idempotency-Key", "key-of-the-story")
	if refused := repeated.Status == 401 || repeated.Status == 403; repeated.Status >= 300 && (!s.ends || !refused) {
		t.Fatalf("the repeat after %v at call %d: %d %s", f, at, repeated.Status, repeated.Raw)
	}
	return calls, w.state(t)
}

// state describes every item without its random and fleeting parts. Lanes of a pool without
// a limit are told by what is in all of them: in which a report is booked depends on where
// others are.
func (w world) state(t *testing.T) []string {
	t.Helper()
	var (
		all     []string
		inLanes float64
	)
	for key, item := range w.dump(t) {
		family := func(s string) string { before, _, _ := strings.Cut(s, "#"); return before }
		if requests, ok := item["r"].(float64); ok && family(key.PK) == "P" && item["lv"] == nil {
			inLanes += requests
			continue
		}
		line := family(key.PK) + "/" + family(strings.SplitN(key.SK, "_", 2)[0])
		for _, name := range []string{"kind", "email", "to", "role", "status", "action", "owners", "epoch", "key_count", "verified", "version", "model", "members", "successor", "ended_in", "provider", "enabled", "connections", "c", "c22", "r", "late", "lv"} {
			if value, ok := item[name]; ok {
				if user, isUser := value.(string); isUser && strings.HasPrefix(user, "usr_") {
					value = "usr" // of a random id
				}
				line += fmt.Sprintf(" %s=%v", name, value)
			}
		}
		all = append(all, line)
	}
	slices.Sort(all)
	return append(all, fmt.Sprintf("requests in lanes: %v", inLanes))
}
