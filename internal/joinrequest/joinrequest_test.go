package joinrequest_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/mail"
	"roster/internal/rostertest"
	"roster/internal/table"
)

func TestRequestWaitsForApproval(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.person(t, "bob@example.com", true)
	asked := w.Must(t, 201, "POST "+w.path("/join-requests"), bob.token, map[string]any{"message": "Let me in"})
	request := asked.String("join_request", "id")
	for name, want := range map[string]string{"status": "pending", "message": "Let me in", "email": "bob@example.com", "user_id": string(bob.user)} {
		if got := asked.String("join_request", name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	again := w.Must(t, 200, "POST "+w.path("/join-requests"), bob.token, map[string]any{"message": "Please"})
	if string(again.Raw) != string(asked.Raw) {
		t.Errorf("asking again: %s", again.Raw)
	}
	w.Refused(t, 403, "member_pending", "POST /auth/switch-org", bob.token, map[string]any{"org_id": w.org})

	mine := w.Must(t, 200, "GET /auth/join-requests", bob.token, nil).At("join_requests").([]any)
	if len(mine) != 1 || mine[0].(map[string]any)["id"] != request {
		t.Errorf("mine: %v", mine)
	}
	listed := w.Must(t, 200, "GET "+requests, w.owner.token, nil).At("join_requests").([]any)
	if len(listed) != 1 || listed[0].(map[string]any)["id"] != request || listed[0].(map[string]any)["email_verified"] != true {
		t.Errorf("listed: %v", listed)
	}

	approved := w.Must(t, 200, approve(request), w.owner.token, nil)
	if approved.String("join_request", "status") != "approved" || approved.String("join_request", "role") != "member" {
		t.Errorf("%s", approved.Raw)
	}
	if welcome := w.LastMail(t, "bob@example.com"); welcome.Kind != mail.Welcome {
		t.Errorf("last mail: %s", welcome.Kind)
	}
	in := w.Must(t, 200, "POST /auth/switch-org", bob.token, map[string]any{"org_id": w.org})
	if in.String("organization", "role") != "member" {
		t.Errorf("%s", in.Raw)
	}
	for list, credential := range map[string]string{"GET " + requests: w.owner.token, "GET /auth/join-requests": bob.token} {
		if left := w.Must(t, 200, list, credential, nil).At("join_requests").([]any); len(left) != 0 {
			t.Errorf("%s: %v", list, left)
		}
	}
	w.Refused(t, 409, "already_member", "POST "+w.path("/join-requests"), bob.token, nil)
}

func TestApproveAgainChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.admin(t, "admin@acme.example")
	bob := w.person(t, "bob@example.com", true)
	request := w.join(t, bob)
	first := w.Must(t, 200, approve(request), w.owner.token, map[string]any{"role": "developer"})
	before := w.get(t, bob.user)
	again := w.Must(t, 200, approve(request), admin.token, map[string]any{"role": "viewer"})
	if string(first.Raw) != string(again.Raw) {
		t.Errorf("%s\n%s", first.Raw, again.Raw)
	}
	if after := w.get(t, bob.user); after.Version != before.Version || after.Role != "developer" {
		t.Errorf("%+v", after)
	}
	w.Refused(t, 409, "join_request_approved", reject(request), admin.token, map[string]any{"reason": "Too late"})
	if n := w.mails(t, "bob@example.com", mail.Welcome); n != 1 {
		t.Errorf("%d welcome mails", n)
	}
}

func TestOrganizationThatTakesNoRequestsLooksAbsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.person(t, "bob@example.com", true)
	absent := w.Refused(t, 404, "organization_not_found", "POST /api/organizations/org_01ARZ3NDEKTSV4RRFFQ69G5FAV/join-requests", bob.token, nil)
	for name, value := range map[string]any{"allow_join_requests": false, "status": "suspended"} {
		w.settings(t, name, value)
		refused := w.Refused(t, 404, "organization_not_found", "POST "+w.path("/join-requests"), bob.token, nil)
		if refused.String("detail") != absent.String("detail") {
			t.Errorf("%s\n%s", refused.Raw, absent.Raw)
		}
		w.settings(t, "allow_join_requests", true)
	}
}

func TestRejectedPersonHearsTheReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.person(t, "bob@example.com", true)
	request := w.join(t, bob)
	w.Advance(time.Millisecond)
	rejected := w.Must(t, 200, reject(request), w.owner.token, map[string]any{"reason": "Not affiliated with organization"})
	if rejected.String("join_request", "status") != "rejected" {
		t.Errorf("%s", rejected.Raw)
	}
	if m := w.LastMail(t, "bob@example.com"); m.Kind != mail.Rejected || m.Data.Reason != "Not affiliated with organization" {
		t.Errorf("mail %+v", m)
	}
	if w.get(t, bob.user) != nil {
		t.Error("a rejected person is left in the organization")
	}
	w.Refused(t, 404, "join_request_not_found", approve(request), w.owner.token, nil)
	w.Refused(t, 404, "join_request_not_found", reject(request), w.owner.token, nil)
	if next := w.join(t, bob); next == request {
		t.Error("a new request has the id of a rejected one")
	}
	w.Refused(t, 404, "join_request_not_found", approve(request), w.owner.token, nil)
}

func TestWithdraw(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob, eve := w.person(t, "bob@example.com", true), w.person(t, "eve@example.com", true)
	request := w.join(t, bob)
	w.Refused(t, 404, "join_request_not_found", "DELETE /auth/join-requests/"+request, eve.token, nil)
	if got := w.Must(t, 200, "DELETE /auth/join-requests/"+request, bob.token, nil).String("join_request", "status"); got != "withdrawn" {
		t.Errorf("status %q", got)
	}
	w.Refused(t, 404, "join_request_not_found", "DELETE /auth/join-requests/"+request, bob.token, nil)
	w.Refused(t, 404, "join_request_not_found", approve(request), w.owner.token, nil)
	if len(w.pending(t)) != 0 {
		t.Errorf("%v", w.pending(t))
	}
}

// assembledhq 1306, clerk demo 12: a claimed or look-alike address was let in.
func TestAutoApprovalIsForVerifiedAddressesOfTheDomains(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		address  string
		verified bool
		domains  []string
		status   string
	}{
		"domain":        {"bob@acme.com", true, []string{"acme.com"}, "approved"},
		"unverified":    {"bob@acme.com", false, []string{"acme.com"}, "pending"},
		"subdomain":     {"bob@eu.acme.com", true, []string{"acme.com"}, "pending"},
		"any subdomain": {"bob@eu.acme.com", true, []string{"*.acme.com"}, "approved"},
		"look-alike":    {"bob@notacme.com", true, []string{"*.acme.com", "acme.com"}, "pending"},
		"everyone":      {"bob@example.com", true, nil, "approved"},
		"not everyone":  {"bob@example.com", false, nil, "pending"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.settings(t, "auto_approve_requests", true)
			w.settings(t, "auto_approve_domains", c.domains)
			w.settings(t, "default_role", "developer")
			bob := w.person(t, c.address, c.verified)
			asked := w.Must(t, 201, "POST "+w.path("/join-requests"), bob.token, nil)
			if got := asked.String("join_request", "status"); got != c.status {
				t.Fatalf("status %q, want %q", got, c.status)
			}
			if c.status == "approved" {
				if m := w.get(t, bob.user); m.Status != access.Active || m.Role != "developer" {
					t.Errorf("%+v", m)
				}
				if n := w.mails(t, c.address, mail.Welcome); n != 1 {
					t.Errorf("%d welcome mails", n)
				}
			}
		})
	}
}

func TestAskingAgainOnceVerifiedIsApprovedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(t, "auto_approve_requests", true)
	bob := w.person(t, "bob@example.com", false)
	request := w.join(t, bob)
	w.Must(t, 200, "POST /auth/verify-email", "", map[string]any{"token": w.LastMail(t, "bob@example.com").LinkToken()})
	asked := w.Must(t, 201, "POST "+w.path("/join-requests"), bob.token, nil)
	if asked.String("join_request", "status") != "approved" || asked.String("join_request", "id") != request {
		t.Errorf("%s", asked.Raw)
	}
}

func TestWhoWasRemovedWaitsEvenWhereOthersAreLetIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(t, "auto_approve_requests", true)
	bob := w.person(t, "bob@example.com", true)
	w.join(t, bob)
	before := w.get(t, bob.user)
	w.remove(t, bob.user)
	w.Advance(time.Minute)
	asked := w.Must(t, 201, "POST "+w.path("/join-requests"), bob.token, nil)
	request := asked.String("join_request", "id")
	if asked.String("join_request", "status") != "pending" {
		t.Fatalf("%s", asked.Raw)
	}
	again := w.Must(t, 200, "POST "+w.path("/join-requests"), bob.token, nil)
	if again.String("join_request", "status") != "pending" {
		t.Fatalf("asking twice lets the removed in: %s", again.Raw)
	}
	listed := w.Must(t, 200, "GET "+requests, w.owner.token, nil).At("join_requests").([]any)
	if listed[0].(map[string]any)["returning"] != true {
		t.Errorf("%v", listed)
	}
	w.Must(t, 200, reject(request), w.owner.token, nil)
	if m := w.get(t, bob.user); m == nil || m.Status != access.Removed {
		t.Fatalf("the history of a former member is lost: %+v", m)
	}
	w.Must(t, 200, approve(w.join(t, bob)), w.owner.token, nil)
	if m := w.get(t, bob.user); m.Status != access.Active || !m.CreatedAt.After(before.CreatedAt) {
		t.Errorf("%+v", m)
	}
}

func TestRequestOfAnEarlierMembershipIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.person(t, "bob@example.com", true)
	earlier := w.join(t, bob)
	w.Must(t, 200, approve(earlier), w.owner.token, nil)
	w.remove(t, bob.user)
	w.Refused(t, 404, "join_request_not_found", approve(earlier), w.owner.token, nil)
	w.join(t, bob)
	w.Refused(t, 404, "join_request_not_found", approve(earlier), w.owner.token, nil)
	w.Refused(t, 404, "join_request_not_found", reject(earlier), w.owner.token, nil)
}

func TestSuspendedMemberCannotAskAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.person(t, "bob@example.com", true)
	w.Must(t, 200, approve(w.join(t, bob)), w.owner.token, nil)
	w.suspend(t, bob.user)
	w.Refused(t, 409, "member_suspended", "POST "+w.path("/join-requests"), bob.token, nil)
}

func TestApproverGrantsNoMoreThanTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.admin(t, "admin@acme.example")
	bob := w.person(t, "bob@example.com", true)
	request := w.join(t, bob)
	w.Refused(t, 403, "owner_required", approve(request), admin.token, map[string]any{"role": "owner"})
	w.Refused(t, 422, "invalid_input", approve(request), admin.token, map[string]any{"role": "emperor"})
	w.settings(t, "default_role", "owner")
	w.Refused(t, 403, "owner_required", approve(request), admin.token, nil)

	// An owner's invitation of the same address is for an owner to settle.
	w.invite(t, "bob@example.com", "owner")
	w.Refused(t, 403, "owner_required", approve(request), admin.token, map[string]any{"role": "member"})
	w.Refused(t, 403, "owner_required", reject(request), admin.token, nil)
	w.Must(t, 200, approve(request), w.owner.token, map[string]any{"role": "owner"})
}

func TestRequestsAreTheOrganizationsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	request := w.join(t, w.person(t, "bob@example.com", true))
	rival := w
	rival.found(t, "eve@rival.example")
	w.Refused(t, 404, "join_request_not_found", approve(request), rival.owner.token, nil)
	w.Refused(t, 404, "join_request_not_found", reject(request), rival.owner.token, nil)
	if listed := w.Must(t, 200, "GET "+requests, rival.owner.token, nil).At("join_requests").([]any); len(listed) != 0 {
		t.Errorf("%v", listed)
	}
}

func TestListPagesThroughRequestsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 3 {
		w.join(t, w.person(t, fmt.Sprintf("asks%d@example.com", i), i == 0))
		for j := range 4 {
			w.invite(t, fmt.Sprintf("asks%d.invited%d@example.com", i, j), "member")
		}
	}
	var seen []string
	for next, rounds := "", 0; rounds < 10; rounds++ {
		answer := w.Must(t, 200, "GET "+requests+"?limit=1&cursor="+next, w.owner.token, nil)
		for _, r := range answer.At("join_requests").([]any) {
			seen = append(seen, fmt.Sprintf("%v %v", r.(map[string]any)["email"], r.(map[string]any)["email_verified"]))
		}
		if next = answer.String("next_cursor"); next == "" {
			break
		}
	}
	if got := strings.Join(seen, ", "); got != "asks0@example.com true, asks1@example.com false, asks2@example.com false" {
		t.Errorf("listed %s", got)
	}
}

func TestPersonAsksSoOften(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.person(t, "bob@example.com", true)
	w.join(t, bob)
	for range 19 {
		w.Must(t, 200, "POST "+w.path("/join-requests"), bob.token, nil)
	}
	w.Refused(t, 429, "too_many_requests", "POST "+w.path("/join-requests"), bob.token, nil)
}

// Settling an invitation or a request settles the other of the same address.
func TestSettlingOneSettlesTheOther(t *testing.T) {
	t.Parallel()
	type state struct {
		world
		bob        person
		request    string
		invitation string
		mailed     string
	}
	for name, c := range map[string]struct {
		settle func(*testing.T, state)
		member bool
		left   string
	}{
		"accept": {func(t *testing.T, s state) {
			s.Must(t, 200, accept, s.bob.token, map[string]any{"token": s.mailed})
			s.Must(t, 200, approve(s.request), s.owner.token, nil)
		}, true, ""},
		"approve": {func(t *testing.T, s state) {
			s.Must(t, 200, approve(s.request), s.owner.token, nil)
			s.Refused(t, 410, "invitation_gone", accept, "", map[string]any{"token": s.mailed, "password": password})
			s.Must(t, 200, accept, s.bob.token, map[string]any{"token": s.mailed})
		}, true, ""},
		"reject": {func(t *testing.T, s state) {
			s.Must(t, 200, reject(s.request), s.owner.token, nil)
			s.Refused(t, 410, "invitation_gone", accept, s.bob.token, map[string]any{"token": s.mailed})
		}, false, ""},
		"revoke": {func(t *testing.T, s state) {
			s.Must(t, 200, "DELETE "+s.path("/invitations/"+s.invitation), s.owner.token, nil)
			s.Refused(t, 404, "join_request_not_found", approve(s.request), s.owner.token, nil)
			if n := s.mails(t, s.bob.email, mail.Rejected); n != 1 {
				t.Errorf("%d mails say that the request came to nothing", n)
			}
		}, false, ""},
		"withdraw": {func(t *testing.T, s state) {
			s.Must(t, 200, "DELETE /auth/join-requests/"+s.request, s.bob.token, nil)
		}, false, "invitation bob@example.com"},
	} {
		for _, invitedFirst := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, invited first: %v", name, invitedFirst), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				s := state{world: w, bob: w.person(t, "bob@example.com", true)}
				if !invitedFirst {
					s.request = w.join(t, s.bob)
				}
				invited := w.invite(t, "bob@example.com", "developer")
				s.invitation, s.mailed = invited.String("invitation", "id"), w.LastMail(t, "bob@example.com").LinkToken()
				if invitedFirst {
					s.request = w.join(t, s.bob)
				}
				if waiting := w.pending(t); len(waiting) != 2 {
					t.Fatalf("waiting: %v", waiting)
				}
				c.settle(t, s)
				m := w.get(t, s.bob.user)
				if isMember := m != nil && m.Status == access.Active; isMember != c.member {
					t.Errorf("member: %+v", m)
				}
				waiting := w.pending(t)
				if c.left == "" && len(waiting) != 0 || c.left != "" && (len(waiting) != 1 || waiting[c.left] != 1) {
					t.Errorf("waiting still: %v", waiting)
				}
			})
		}
	}
}

func TestAutoApprovalSettlesTheInvitation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.person(t, "bob@example.com", true)
	w.invite(t, "bob@example.com", "admin")
	w.settings(t, "auto_approve_requests", true)
	if got := w.Must(t, 201, "POST "+w.path("/join-requests"), bob.token, nil).String("join_request", "role"); got != "member" {
		t.Errorf("role %q: a request grants what the invitation offers", got)
	}
	if waiting := w.pending(t); len(waiting) != 0 {
		t.Errorf("waiting still: %v", waiting)
	}
}

// Everything that settles, at once: one way in or none, and nothing left waiting.
func TestSettlingAtOnceAgrees(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for round := range 8 {
		address := fmt.Sprintf("bob%d@example.com", round)
		bob := w.person(t, address, true)
		request := w.join(t, bob)
		invited := w.invite(t, address, "developer")
		token := w.LastMail(t, address).LinkToken()
		calls := []func() rostertest.Response{
			func() rostertest.Response { return w.Call(t, accept, bob.token, map[string]any{"token": token}) },
			func() rostertest.Response { return w.Call(t, approve(request), w.owner.token, nil) },
			func() rostertest.Response { return w.Call(t, reject(request), w.owner.token, nil) },
			func() rostertest.Response {
				return w.Call(t, "DELETE "+w.path("/invitations/"+invited.String("invitation", "id")), w.owner.token, nil)
			},
			func() rostertest.Response {
				return w.Call(t, "POST "+w.path("/members/invite"), w.owner.token, map[string]any{"email": address})
			},
		}
		if round%2 == 0 {
			calls = calls[:2] // both let in
		}
		answers := make([]rostertest.Response, len(calls))
		var wg sync.WaitGroup
		for i, call := range calls {
			wg.Go(func() { answers[i] = call() })
		}
		wg.Wait()
		for _, a := range answers {
			if a.Status >= 500 {
				t.Errorf("%s", a.Raw)
			}
		}
		m, waiting := w.get(t, bob.user), w.pending(t)
		active := m != nil && m.Status == access.Active
		if active && (waiting["invitation "+address] != 0 || waiting["person "+address] != 0) {
			t.Errorf("a member whose invitation or request waits: %v", waiting)
		}
		if n := w.mails(t, address, mail.Welcome); active && n != 1 || !active && n != 0 {
			t.Errorf("active %v, %d welcome mails", active, n)
		}
		if len(calls) == 2 && !active {
			t.Error("neither the acceptance nor the approval counts")
		}
	}
}

func TestInviteWhileApproving(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for round := range 10 {
		address := fmt.Sprintf("bob%d@example.com", round)
		bob := w.person(t, address, true)
		request := w.join(t, bob)
		var invited, approved rostertest.Response
		var wg sync.WaitGroup
		wg.Go(func() {
			invited = w.Call(t, "POST "+w.path("/members/invite"), w.owner.token, map[string]any{"email": address})
		})
		wg.Go(func() { approved = w.Call(t, approve(request), w.owner.token, nil) })
		wg.Wait()
		if approved.Status != 200 || invited.Status != 201 && invited.Code() != "already_member" {
			t.Errorf("%s\n%s", approved.Raw, invited.Raw)
		}
		if w.invitationOf(t, address).Open() {
			t.Error("a member has an open invitation")
		}
	}
}

func TestApproveCosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, want := range map[string]float64{"alone": 12, "with an invitation": 13} {
		bob := w.person(t, strings.ReplaceAll(name, " ", "")+"@example.com", true)
		request := w.join(t, bob)
		if name != "alone" {
			w.invite(t, bob.email, "member")
		}
		ctx, capacity := table.WithCapacity(t.Context())
		answer := w.CallContext(t, ctx, approve(request), w.owner.token, nil)
		if _, write := capacity.Units(); answer.Status != 200 || write > want {
			t.Errorf("%s: %d, %.0f write units: %+v", name, answer.Status, write, capacity.Calls())
		}
	}
}
