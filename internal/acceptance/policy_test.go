package acceptance_test

import (
	"strings"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/policy"
)

const (
	policyURL  = "https://acme.example/policy"
	policyURL2 = "https://acme.example/policy-2027"
)

// acceptances counts the audit events of an action in an organization that show a change of
// which policy was accepted.
func (w world) acceptances(t testing.TB, action audit.Action) (n int) {
	t.Helper()
	for key, item := range w.DumpItems(t) {
		if !strings.HasPrefix(key.PK, "AU#") || item["action"] != string(action) {
			continue
		}
		if after, _ := item["after"].(string); strings.Contains(after, policyURL) {
			n++
		}
	}
	return n
}

// expectAccepted checks what one member and the list show of an acceptance.
func (w world) expectAccepted(t testing.TB, owner, p person, want any) {
	t.Helper()
	members := "/api/organizations/" + string(owner.organization) + "/members"
	one := w.Must(t, 200, "GET "+members+"/"+string(p.user), owner.key, nil).At("member", "policy")
	rows := []any{one}
	for _, row := range w.Must(t, 200, "GET "+members, owner.key, nil).At("members").([]any) {
		if row := row.(map[string]any); row["user_id"] == string(p.user) {
			rows = append(rows, row["policy"])
		}
	}
	if len(rows) != 2 {
		t.Fatalf("%s is not listed", p.email)
	}
	for _, got := range rows {
		how := any(nil)
		if got, ok := got.(map[string]any); ok {
			how = got["how"]
			if got["version"] == 1.0 && got["url"] != policyURL || got["accepted_at"] == nil {
				t.Errorf("%s: %v", p.email, got)
			}
		}
		if how != want {
			t.Errorf("%s accepted by %v, want %v", p.email, how, want)
		}
	}
}

// TestEachWayToAcceptAPolicy: whoever was shown it on the way in has accepted it;
// whoever was not says so themselves; each is recorded once.
func TestEachWayToAcceptAPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(t, "owner@acme.example", "Acme")
	org := "/api/organizations/" + string(owner.organization)
	accept := "POST " + org + "/policy/accept"
	w.Refused(t, 409, "no_policy", accept, owner.token, nil)
	w.invite(t, owner, "early@example.com", "member")
	early := w.mailed(t, "early@example.com")
	got := w.Must(t, 200, "PUT "+org, owner.key, map[string]any{"policy_url": policyURL, "allow_join_requests": true})
	if got.At("organization", "policy_version") != 1.0 || got.At("organization", "require_policy_acceptance") != false {
		t.Errorf("%s", got.Raw)
	}

	// An invitation.
	w.invited(t, org, owner.key, map[string]any{"email": "invited@example.com", "role": "member", "monthly_limit": "50", "membership_ends_at": "2027-06-30"})
	if mail := w.LastMail(t, "invited@example.com"); mail.Data.PolicyURL != policyURL {
		t.Errorf("the mail leads to %q", mail.Data.PolicyURL)
	}
	offered := w.Must(t, 200, "GET /auth/invitations/"+w.mailed(t, "invited@example.com"), "", nil)
	if offered.String("invitation", "policy_url") != policyURL || offered.At("invitation", "policy_version") != 1.0 ||
		offered.At("invitation", "monthly_limit") != 50.0 || offered.At("invitation", "daily_limit") != nil ||
		!strings.HasPrefix(offered.String("invitation", "membership_ends_at"), "2027-0") {
		t.Errorf("%s", offered.Raw)
	}
	invited := w.joined(t, "invited@example.com")
	w.expectAccepted(t, owner, invited, "invitation")
	if n := w.acceptances(t, audit.InvitationAccepted); n != 1 {
		t.Errorf("%d events of the invitation show it", n)
	}

	// A request that was shown it, and one that was let in at once.
	asks := w.owner(t, "asks@example.com", "")
	request := w.Must(t, 201, "POST "+org+"/join-requests", asks.token, map[string]any{})
	if request.String("join_request", "organization", "policy_url") != policyURL || request.At("join_request", "organization", "policy_version") != 1.0 {
		t.Errorf("%s", request.Raw)
	}
	w.Must(t, 200, "POST /api/admin/organization/join-requests/"+request.String("join_request", "id")+"/approve", owner.key, map[string]any{})
	w.expectAccepted(t, owner, asks, "join_request")
	w.Must(t, 200, "PUT "+org, owner.key, map[string]any{"auto_approve_requests": true})
	quick := w.owner(t, "quick@example.com", "")
	w.Must(t, 201, "POST "+org+"/join-requests", quick.token, map[string]any{})
	w.expectAccepted(t, owner, quick, nil)

	// One whose mail came before there was a policy, on a page that does not say more;
	// they accept it themselves, once.
	in := w.Must(t, 200, acceptInvite, "", map[string]any{"token": early, "password": password, "name": "Early"})
	bird := person{user: id.User(in.String("user", "id")), organization: owner.organization, token: in.String("access_token"), email: "early@example.com"}
	w.expectAccepted(t, owner, bird, nil)
	w.Refused(t, 422, "invalid_input", accept, bird.token, map[string]any{"policy_version": 0})
	changed := w.Refused(t, 409, "policy_changed", accept, bird.token, map[string]any{"policy_version": 2})
	if changed.At("policy_version") != 1.0 || changed.String("policy_url") != policyURL {
		t.Errorf("%s", changed.Raw)
	}
	first := w.Must(t, 200, accept, bird.token, map[string]any{"policy_version": 1})
	w.Advance(time.Minute)
	if again := w.Must(t, 200, accept, bird.token, nil); string(again.Raw) != string(first.Raw) {
		t.Errorf("a repeat changed something: %s\n%s", first.Raw, again.Raw)
	}
	w.expectAccepted(t, owner, bird, "consent")
	if n := w.acceptances(t, audit.MemberPolicyAccepted); n != 1 {
		t.Errorf("%d events of the acceptance", n)
	}

	// A policy that is another since the mail: the page's version counts, or none new.
	w.invite(t, owner, "silent@example.com", "member")
	w.Advance(time.Millisecond)
	w.invite(t, owner, "says@example.com", "member")
	w.Must(t, 200, "PUT "+org, owner.key, map[string]any{"policy_url": policyURL2})
	silent := w.joined(t, "silent@example.com")
	in = w.Must(t, 200, acceptInvite, "", map[string]any{"token": w.mailed(t, "says@example.com"), "password": password, "name": "Says", "policy_version": 2})
	for user, want := range map[string]float64{string(silent.user): 1, string(id.User(in.String("user", "id"))): 2} {
		if got := w.Must(t, 200, "GET "+org+"/members/"+user, owner.key, nil); got.At("member", "policy", "version") != want || got.String("member", "policy", "how") != "invitation" {
			t.Errorf("want version %v: %s", want, got.Raw)
		}
	}
}

// TestVersionsOfAPolicyOnlyRise, whatever becomes of its address.
func TestVersionsOfAPolicyOnlyRise(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(t, "owner@acme.example", "Acme")
	org := "/api/organizations/" + string(owner.organization)
	w.demand(t, owner.organization, func(o *organization.Organization) { o.PolicyURL = policyURL }) // from before versions
	for _, step := range []struct {
		body    map[string]any
		version float64
	}{
		{map[string]any{"welcome_message": "Hello"}, 1},
		{map[string]any{"policy_url": policyURL}, 1},
		{map[string]any{"policy_url": policyURL2}, 2},
		{map[string]any{"policy_version": 3}, 3},
		{map[string]any{"policy_url": policyURL, "policy_version": 3}, 3},
		{map[string]any{"policy_url": nil}, 0},
		{map[string]any{"welcome_message": "Hi"}, 0},
		{map[string]any{"policy_url": policyURL}, 4},
	} {
		if got := w.Must(t, 200, "PUT "+org, owner.key, step.body); got.At("organization", "policy_version") != step.version {
			t.Errorf("%v: %v, want %v", step.body, got.At("organization", "policy_version"), step.version)
		}
	}
	for _, wrong := range []any{3, 0, -1, 1.5, nil, "4", 1_000_001} {
		if got := w.Call(t, "PUT "+org, owner.key, map[string]any{"policy_version": wrong}); got.Status != 400 && got.Status != 422 {
			t.Errorf("version %v: %d %s", wrong, got.Status, got.Raw)
		}
	}
}

// TestARequiredPolicy refuses persons and their keys until they accept it, and not
// service accounts; and nobody locks themselves out, neither by requiring it nor by
// another policy.
func TestARequiredPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const code = "policy_not_accepted"
	owner := w.owner(t, "owner@acme.example", "Acme")
	org := "/api/organizations/" + string(owner.organization)
	accept := "POST " + org + "/policy/accept"
	ada := w.place(t, owner.organization, "ada@acme.example", "admin", access.Active)
	gateway := w.place(t, owner.organization, "gateway@acme.example", permission.Gateway, access.Active)
	asked := map[string]any{"user_id": ada.user}

	for i, change := range []map[string]any{
		{"policy_url": policyURL, "require_policy_acceptance": true},
		{"policy_url": policyURL2},
		{"policy_version": 5},
	} {
		w.Must(t, 200, "PUT "+org, owner.token, change)
		w.Advance(access.GateTTL)
		refused := w.Refused(t, 403, code, "PUT "+org, owner.token, map[string]any{"require_policy_acceptance": false})
		shown := w.Must(t, 200, "GET "+org, owner.token, nil)
		if refused.String("policy_url") != shown.String("organization", "policy_url") || refused.At("policy_version") != shown.At("organization", "policy_version") {
			t.Errorf("%s\n%s", refused.Raw, shown.Raw)
		}
		me := w.Must(t, 200, "GET /auth/me", ada.token, nil)
		if me.String("organization", "policy_to_accept", "policy_url") != refused.String("policy_url") || len(me.At("permissions").([]any)) != 0 {
			t.Errorf("%s", me.Raw)
		}
		w.Must(t, 200, accept, owner.token, nil)
		w.Must(t, 200, "GET "+org+"/members", owner.token, nil)
		w.Must(t, 200, "GET "+org+"/members", owner.key, nil)

		for _, credential := range []string{ada.token, ada.key} {
			w.Refused(t, 403, code, "GET "+org+"/members", credential, nil)
		}
		w.Refused(t, 403, code, "POST /v1/authorize", ada.key, nil)
		w.Refused(t, 403, code, "POST /v1/authorize", gateway.key, asked)
		w.Refused(t, 403, "session_required", accept, ada.key, nil)
		w.Must(t, 200, accept, ada.token, map[string]any{"policy_version": refused.At("policy_version")})
		w.Must(t, 200, "GET "+org+"/members", ada.key, nil)
		w.Must(t, 200, "POST /v1/authorize", ada.key, nil)
		w.Must(t, 200, "POST /v1/authorize", gateway.key, asked)
		if me := w.Must(t, 200, "GET /auth/me", ada.token, nil); me.At("organization", "policy_to_accept") != nil || len(me.At("permissions").([]any)) == 0 {
			t.Errorf("change %d: %s", i, me.Raw)
		}
	}
	w.Must(t, 200, "PUT "+org, owner.token, map[string]any{"policy_url": nil})
	w.Advance(access.GateTTL)
	bob := w.place(t, owner.organization, "bob@acme.example", "member", access.Active)
	w.Must(t, 200, "GET "+org, bob.key, nil)
	w.Must(t, 200, "POST /v1/authorize", bob.key, nil)
}

// TestAcceptingActsAtOnce where the gateway's process remembers an older policy.
func TestAcceptingActsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(t, "owner@acme.example", "Acme")
	org := "/api/organizations/" + string(owner.organization)
	w.Must(t, 200, "PUT "+org, owner.token, map[string]any{"policy_url": policyURL, "require_policy_acceptance": true})
	w.Must(t, 200, "POST "+org+"/policy/accept", owner.token, nil)
	w.Must(t, 200, "POST /v1/authorize", owner.key, nil)
	w.Must(t, 200, "PUT "+org, owner.token, map[string]any{"policy_url": policyURL2})
	w.Must(t, 200, "POST "+org+"/policy/accept", owner.token, nil)
	w.Must(t, 200, "POST /v1/authorize", owner.key, nil)
	w.Advance(access.GateTTL)
	w.Must(t, 200, "POST /v1/authorize", owner.key, nil)
}

// TestWhoMustDoBothDoesEach, in either order; and leaves, if they would not.
func TestWhoMustDoBothDoesEach(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(t, "owner@acme.example", "Acme")
	org := "/api/organizations/" + string(owner.organization)
	w.demand(t, owner.organization, func(o *organization.Organization) {
		o.Policy = policy.Policy{TwoFactorSince: w.Now()}
		o.PolicyURL, o.RequirePolicyAcceptance = policyURL, true
	})
	for order, acceptFirst := range map[string]bool{"accepts.first": true, "secures.first": false} {
		p := w.place(t, owner.organization, order+"@acme.example", "admin", access.Active)
		between := "policy_not_accepted"
		w.Refused(t, 403, "two_factor_required", "GET "+org+"/members", p.token, nil)
		if acceptFirst {
			w.Must(t, 200, "POST "+org+"/policy/accept", p.token, nil)
			between = "two_factor_required"
		} else {
			w.secured(t, p)
		}
		w.Refused(t, 403, between, "GET "+org+"/members", p.token, nil)
		if acceptFirst {
			w.secured(t, p)
		} else {
			w.Must(t, 200, "POST "+org+"/policy/accept", p.token, nil)
		}
		w.Must(t, 200, "GET "+org+"/members", p.token, nil)
		w.Must(t, 200, "GET "+org+"/members", p.key, nil)
	}
	leaves := w.place(t, owner.organization, "leaves@acme.example", "member", access.Active)
	w.Must(t, 200, "POST "+org+"/members/leave", leaves.token, nil)
}

// TestAnOwnerRestoresBeforeAccepting: nothing is accepted in what is being deleted.
func TestAnOwnerRestoresBeforeAccepting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(t, "owner@acme.example", "Acme")
	org := "/api/organizations/" + string(owner.organization)
	w.Must(t, 200, "DELETE "+org, owner.token, map[string]any{"password": password, "confirm": "Acme"})
	w.demand(t, owner.organization, func(o *organization.Organization) { o.PolicyURL, o.RequirePolicyAcceptance = policyURL, true })
	w.Refused(t, 403, "organization_deleting", "POST "+org+"/policy/accept", owner.token, nil)
	w.Must(t, 200, "POST "+org+"/restore", owner.token, nil)
	w.Must(t, 200, "POST "+org+"/policy/accept", owner.token, nil)
	w.Must(t, 200, "GET "+org+"/members", owner.token, nil)
}

// TestWhatASquatterAcceptedIsNotTheHolders.
func TestWhatASquatterAcceptedIsNotTheHolders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(t, "owner@acme.example", "Acme")
	org := "/api/organizations/" + string(owner.organization)
	w.Must(t, 200, "PUT "+org, owner.token, map[string]any{"policy_url": policyURL, "allow_join_requests": true})
	in := w.Must(t, 201, "POST /auth/register", "", map[string]any{"email": "ceo@example.com", "password": password, "name": "Squatter"})
	squatter := person{user: id.User(in.String("user", "id")), organization: owner.organization, token: in.String("access_token"), email: "ceo@example.com"}
	link := w.mailed(t, "ceo@example.com")
	request := w.Must(t, 201, "POST "+org+"/join-requests", squatter.token, map[string]any{}).String("join_request", "id")
	w.Must(t, 200, "POST /api/admin/organization/join-requests/"+request+"/approve", owner.key, map[string]any{})
	w.expectAccepted(t, owner, squatter, "join_request")
	w.Must(t, 200, "POST /auth/verify-email", "", map[string]any{
		"token": link, "password": "the holder's own password", "claim": true})
	w.expectAccepted(t, owner, squatter, nil)
}
