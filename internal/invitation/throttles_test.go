package invitation_test

import (
	"fmt"
	"testing"
	"time"

	"roster/internal/mail"
)

// founded returns the world with another organization of its own owner.
func (w world) founded(t *testing.T, n int) world {
	t.Helper()
	address := fmt.Sprintf("owner%d@rival.example", n)
	registered := w.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": address, "password": password, "name": "Rival", "organization": "Rival"})
	w.Must(t, 200, verify, "", map[string]any{"token": w.mailed(t, address)})
	w.org, w.owner = registered.OrganizationOf(), loggedIn(registered)
	w.owner.token = w.key(t, w.owner.user)
	return w
}

func TestFreshOrganizationsDoNotFloodAnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var last world
	var pending, shown string
	body := map[string]any{"email": "victim@example.com"}
	for n := range 10 {
		last = w.founded(t, n)
		invited := last.invite(t, body)
		pending, shown = invited.String("invitation", "id"), shownToken(invited)
	}
	refused := w.Refused(t, 429, "too_many_requests", "POST "+w.path("/members/invite"), w.owner.token, body)
	if refused.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	last.Refused(t, 429, "too_many_requests", "POST "+last.path("/invitations/"+pending+"/resend"), last.owner.token, nil)
	w.Refused(t, 429, "too_many_requests", accept, "", acceptingAs(shown, password))
	if n := len(w.Mails(t, "victim@example.com")); n != 10 {
		t.Errorf("%d mails", n)
	}
	w.Advance(24 * time.Hour)
	w.Must(t, 201, "POST "+w.path("/members/invite"), w.owner.token, body)
	w.Must(t, 202, accept, "", acceptingAs(shown, password))
}

// What is refused sends no mail, and does not count as one.
func TestRefusedInvitationsDoNotBlockAnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 15 {
		w.Refused(t, 422, "invalid_input", "POST "+w.path("/members/invite"), w.owner.token,
			map[string]any{"email": "bob@example.com", "role": "emperor"})
	}
	w.invite(t, map[string]any{"email": "bob@example.com"})
}

func TestSharedLinksOfManyOrganizationsMailThreeProofsADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person(t, "known@example.com", true)
	for address, kind := range map[string]mail.Kind{"new@example.com": mail.VerifyAddress, "known@example.com": mail.InvitationLogin} {
		for n := range 5 {
			other := w.founded(t, len(address)*10+n)
			token := shownToken(other.invite(t, map[string]any{"email": address}))
			if n < 3 {
				w.Must(t, 202, accept, "", acceptingAs(token, password))
				continue
			}
			w.Advance(time.Hour)
			w.Refused(t, 429, "too_many_requests", accept, "", acceptingAs(token, password))
		}
		proofs := 0
		for _, m := range w.Mails(t, address) {
			if m.Kind == kind && m.Data.Organization != "" {
				proofs++
			}
		}
		if proofs != 3 {
			t.Errorf("%d mails of kind %s to %s, want 3", proofs, kind, address)
		}
	}
}
