package joinrequest_test

import (
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/mail"
	"roster/internal/organization"
	"roster/internal/rostertest"
)

// claim is a person with an address that is another's, who asks to join, and the
// invitation of the address's holder.
type claim struct {
	world
	attacker            person
	request, invitation string
	shown, mailed       string
}

func newClaim(t *testing.T, role string) claim {
	t.Helper()
	c := claim{world: newWorld(t)}
	invited := c.Must(t, 201, "POST "+c.path("/members/invite"), c.owner.token, map[string]any{
		"email": "ceo@example.com", "role": role, "metadata": map[string]any{"secret": "plan"}, "preset": "power_user"})
	c.invitation, c.shown, c.mailed = invited.String("invitation", "id"), c.world.shown(t, invited), c.LastMail(t, "ceo@example.com").LinkToken()
	c.Advance(time.Millisecond)
	c.attacker = c.person(t, "ceo@example.com", false)
	c.request = c.join(t, c.attacker)
	return c
}

const holders = "the holder's password"

// acceptByMail is what the holder of the mailbox does.
func (c claim) acceptByMail(t *testing.T) rostertest.Response {
	t.Helper()
	return c.Must(t, 200, accept, "", map[string]any{"token": c.mailed, "password": holders, "name": "Chief"})
}

func TestClaimedAddressGetsNothingOfTheInvitation(t *testing.T) {
	t.Parallel()
	c := newClaim(t, "admin")
	c.Must(t, 200, approve(c.request), c.owner.token, nil)
	if m := c.get(t, c.attacker.user); m.Role != "member" || m.Offer != nil || m.Metadata != "" {
		t.Errorf("the attacker got %+v", m)
	}
	if !c.invitationOf(t, "ceo@example.com").Open() {
		t.Fatal("the invitation is settled by a request of somebody else")
	}
	key := c.key(t, c.attacker.user)
	c.Advance(time.Millisecond)

	answer := c.acceptByMail(t)
	if answer.String("organization", "role") != "admin" || answer.String("user", "id") != string(c.attacker.user) {
		t.Errorf("%s", answer.Raw)
	}
	m := c.get(t, c.attacker.user)
	if m.Status != access.Active || m.Role != "admin" || m.Name != "Chief" || m.Offer == nil || m.Metadata != `{"secret":"plan"}` {
		t.Errorf("the holder got %+v", m)
	}
	c.Refused(t, 401, "invalid_token", "GET /auth/me", c.attacker.token, nil)
	c.Refused(t, 401, "invalid_key", "GET "+requests, key, nil)
	for password, status := range map[string]int{password: 401, holders: 200} {
		c.Must(t, status, "POST /auth/login", "", map[string]any{"email": "ceo@example.com", "password": password})
	}
	if len(c.pending(t)) != 0 || c.mails(t, "ceo@example.com", mail.Welcome) != 1 {
		t.Errorf("waiting still: %v", c.pending(t))
	}
}

func TestApprovedMemberKeepsTheHigherRole(t *testing.T) {
	t.Parallel()
	c := newClaim(t, "viewer")
	c.Must(t, 200, approve(c.request), c.owner.token, map[string]any{"role": "owner"})
	if answer := c.acceptByMail(t); answer.String("organization", "role") != "owner" {
		t.Errorf("%s", answer.Raw)
	}
	if m := c.get(t, c.attacker.user); m.Role != "owner" || m.Offer == nil {
		t.Errorf("%+v", m)
	}
	c.Refused(t, 410, "invitation_gone", accept, "", map[string]any{"token": c.mailed, "password": holders})
}

// Owners are counted, however one comes about.
func TestApprovedMemberBecomesTheOwnerTheyWereInvitedToBe(t *testing.T) {
	t.Parallel()
	c := newClaim(t, "owner")
	c.Must(t, 200, approve(c.request), c.owner.token, nil)
	c.acceptByMail(t)
	if org, err := organization.Get(t.Context(), c.Table, c.org); err != nil || org.Owners != 2 {
		t.Errorf("%+v, %v", org, err)
	}
}

func TestApprovedMemberWhoVerifiesLaterAcceptsAsWell(t *testing.T) {
	t.Parallel()
	c := newClaim(t, "developer")
	c.Must(t, 200, approve(c.request), c.owner.token, nil)
	c.Advance(time.Millisecond)
	c.Must(t, 202, accept, "", map[string]any{"token": c.shown, "password": holders})
	verified := c.Must(t, 200, "POST /auth/verify-email", "", map[string]any{
		"token": c.LastMail(t, "ceo@example.com").LinkToken(), "password": holders, "claim": true})
	if verified.String("organization", "role") != "developer" || verified.String("invitation", "status") != "accepted" {
		t.Errorf("%s", verified.Raw)
	}
	c.Refused(t, 401, "invalid_token", "GET /auth/me", c.attacker.token, nil)
}

// Where an unverified administrator may invite, they might raise themselves.
func TestNobodyRaisesThemselvesByAnInvitationOfTheirOwn(t *testing.T) {
	t.Parallel()
	c := newClaim(t, "viewer")
	c.OpenSignUp = false
	c.Must(t, 200, approve(c.request), c.owner.token, map[string]any{"role": "admin"})
	key := c.key(t, c.attacker.user)
	before := c.get(t, c.attacker.user)
	c.Must(t, 200, "POST "+c.path("/invitations/"+c.invitation+"/resend"), key, nil)
	if answer := c.acceptByMail(t); answer.String("organization", "role") != "admin" {
		t.Errorf("%s", answer.Raw)
	}
	after := c.get(t, c.attacker.user)
	if after.Role != "admin" || after.Offer != nil || len(after.Keys) != 0 || after.Version != before.Version+1 {
		t.Errorf("%+v", after)
	}
}

func TestRejectingAClaimedAddressLeavesTheInvitation(t *testing.T) {
	t.Parallel()
	c := newClaim(t, "admin")
	c.Must(t, 200, reject(c.request), c.owner.token, nil)
	if answer := c.acceptByMail(t); answer.String("organization", "role") != "admin" {
		t.Errorf("%s", answer.Raw)
	}
}

func TestRevokingTheInvitationLeavesAClaimedRequest(t *testing.T) {
	t.Parallel()
	c := newClaim(t, "admin")
	c.Must(t, 200, "DELETE "+c.path("/invitations/"+c.invitation), c.owner.token, nil)
	if m := c.get(t, c.attacker.user); m == nil || m.Status != access.Pending {
		t.Errorf("%+v", m)
	}
	if n := c.mails(t, "ceo@example.com", mail.Rejected); n != 0 {
		t.Errorf("%d mails to the holder say that a request which is not theirs came to nothing", n)
	}
}

// An owner's invitation is for owners to settle; a request that does not settle
// it is for whoever may approve it.
func TestClaimedAddressOfAnInvitedOwnerIsForAdministratorsToDecide(t *testing.T) {
	t.Parallel()
	c := newClaim(t, "owner")
	c.Must(t, 200, reject(c.request), c.admin(t, "admin@acme.example").token, nil)
	if !c.invitationOf(t, "ceo@example.com").Open() {
		t.Error("an administrator ended an owner's invitation")
	}
}
