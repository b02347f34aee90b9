package invitation_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/policy"
	"roster/internal/rostertest"
	"roster/internal/table"
	"roster/internal/user"
)

const accept = "POST /auth/accept-invite"

func accepting(token string) map[string]any { return map[string]any{"token": token} }

func acceptingAs(token, password string) map[string]any {
	return map[string]any{"token": token, "password": password, "name": "New User"}
}

func (w world) login(t testing.TB, address, password string) rostertest.Response {
	t.Helper()
	return w.Call(t, "POST /auth/login", "", map[string]any{"email": address, "password": password})
}

// Supabase 41618: mail scanners that open links used them up. logto 8331: the
// role stood in the link.
func TestShowTellsWhatALinkOffersAndChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(t, "welcome_message", "Be welcome")
	w.settings(t, "guidelines_url", "https://acme.example/guidelines")
	invited := w.invite(t, map[string]any{"email": "bob@example.com", "role": "developer", "message": "Hello"})
	tokens := map[string]bool{w.mailed(t, "bob@example.com"): true, shownToken(invited): false}
	before := w.DumpItems(t)
	for token, proves := range tokens {
		for range 3 {
			offered := w.Must(t, 200, "GET /auth/invitations/"+token, "", nil)
			for name, want := range map[string]any{
				"email": "bob@example.com", "role": "developer", "invited_by": "Ada", "message": "Hello", "status": "pending",
				"proves_mailbox": proves, "welcome_message": "Be welcome", "guidelines_url": "https://acme.example/guidelines",
			} {
				if got := offered.At("invitation", name); got != want {
					t.Errorf("%s is %v, want %v", name, got, want)
				}
			}
			if got := offered.String("invitation", "organization", "name"); got != "Acme" {
				t.Errorf("organization %q", got)
			}
			if _, told := offered.At("invitation").(map[string]any)["has_account"]; told != proves {
				t.Errorf("has_account told: %v", told)
			}
		}
		if strings.Contains(token, "developer") {
			t.Error("the token names the role")
		}
	}
	if after := w.DumpItems(t); len(after) != len(before) {
		t.Errorf("%d items, then %d", len(before), len(after))
	}
	w.person(t, "bob@example.com", true)
	for token, proves := range tokens {
		if got := w.Must(t, 200, "GET /auth/invitations/"+token, "", nil).At("invitation", "has_account"); proves && got != true {
			t.Errorf("has_account %v", got)
		} else if !proves && got != nil {
			t.Error("the shown link tells who has an account")
		}
	}
}

// zitadel 9860: wrong tries lost the invited user. supabase 101, better-auth 10509:
// errors without form or code.
func TestWrongTokensAreRefusedAlikeAndHarmNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invite(t, map[string]any{"email": "bob@example.com"})
	token := w.mailed(t, "bob@example.com")
	last := "A"
	if strings.HasSuffix(token, last) {
		last = "B"
	}
	swapped := token[:45] + "s" + token[46:]
	for _, wrong := range []string{"x", "ri_", token[:len(token)-1] + last, token + "A", strings.ToLower(token), swapped,
		"ri_" + strings.Repeat("0", 26) + token[29:], "ri_" + token[3:29] + strings.Repeat("\U0001F511", 4) + token[45:]} {
		answer := w.Call(t, accept, "", acceptingAs(wrong, password))
		if answer.Status != 404 && answer.Status != 422 {
			t.Errorf("%q: %s", wrong, answer.Raw)
		}
		if answer.Header.Get("Content-Type") != "application/problem+json" || answer.Code() == "" {
			t.Errorf("%q: %s", wrong, answer.Raw)
		}
	}
	w.acceptNew(t, token)
	used := w.Refused(t, 410, "invitation_gone", accept, "", acceptingAs(token, password))
	if used.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s", used.Raw)
	}
}

// kratos 2525: no way from invitation to account.
func TestMailedLinkMakesANewPersonAMember(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invite(t, map[string]any{
		"email": "bob@example.com", "role": "developer", "name": "Bob", "metadata": map[string]any{"team": "Backend"},
		"preset": "developer"})
	answer := w.acceptNew(t, w.mailed(t, "bob@example.com"))
	for name, want := range map[string]string{"name": "Acme", "role": "developer", "status": "active"} {
		if got := answer.String("organization", name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if answer.At("user", "email_verified") != true || answer.String("user", "name") != "New User" {
		t.Errorf("%s", answer.Raw)
	}
	me := w.Must(t, 200, "GET /auth/me", answer.String("access_token"), nil)
	if me.String("organization", "role") != "developer" {
		t.Errorf("%s", me.Raw)
	}
	m := w.get(t, loggedIn(answer).user)
	if m.Metadata != `{"team":"Backend"}` || m.Offer == nil || m.Offer.Preset != "developer" {
		t.Errorf("the member lacks what was offered: %+v", m)
	}
	if welcome := w.LastMail(t, "bob@example.com"); welcome.Kind != mail.Welcome || welcome.Data.Role != "developer" {
		t.Errorf("last mail: %+v", welcome)
	}
	if w.login(t, "bob@example.com", password).Status != 200 {
		t.Error("the new account cannot log in")
	}
}

func TestMailedLinkWithoutPasswordAsksForOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	invited := w.invite(t, map[string]any{"email": "bob@example.com"})
	w.Refused(t, 422, "invalid_input", accept, "", accepting(w.mailed(t, "bob@example.com")))
	w.Refused(t, 422, "invalid_input", accept, "", accepting(shownToken(invited)))
}

// Better Auth lets anyone register as the invited address and accept.
func TestMailedLinkTakesAnUnverifiedAccountOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(t, "allow_join_requests", true)
	squatted := w.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "bob@example.com", "password": "password of a squatter", "name": "Squatter", "organization": "Trap"})
	squatter := loggedIn(squatted)
	verification := w.mailed(t, "bob@example.com")
	w.Advance(time.Millisecond)
	key := squattersKey(t, w, squatted)
	refresh := map[string]any{"refresh_token": squatted.String("refresh_token")}
	w.Must(t, 201, "POST "+w.path("/join-requests"), squatter.token, nil)
	w.invite(t, map[string]any{"email": "bob@example.com", "role": "admin"})
	token := w.mailed(t, "bob@example.com")
	if got := w.Must(t, 200, "GET /auth/invitations/"+token, "", nil).At("invitation", "has_account"); got != false {
		t.Errorf("has_account %v for an account that yields", got)
	}
	answer := w.acceptNew(t, token)
	if answer.String("user", "id") != string(squatter.user) || answer.String("organization", "role") != "admin" {
		t.Errorf("%s", answer.Raw)
	}
	w.Refused(t, 401, "invalid_token", "GET /auth/me", squatter.token, nil)
	w.Refused(t, 401, "invalid_refresh_token", "POST /auth/refresh", "", refresh)
	w.Refused(t, 401, "invalid_key", "GET /api/organizations/"+string(squatted.OrganizationOf())+"/invitations", key, nil)
	w.Refused(t, 401, "invalid_verification_token", "POST /auth/verify-email", "", accepting(verification))
	if got := w.login(t, "bob@example.com", "password of a squatter"); got.Status != 401 {
		t.Errorf("the squatter's password works: %s", got.Raw)
	}
	if got := w.login(t, "bob@example.com", password); got.Status != 200 {
		t.Errorf("%s", got.Raw)
	}
}

func squattersKey(t *testing.T, w world, squatted rostertest.Response) string {
	t.Helper()
	trap := w
	trap.org = squatted.OrganizationOf()
	return trap.key(t, loggedIn(squatted).user)
}

func TestExistingAccountAcceptsWithItsToken(t *testing.T) {
	t.Parallel()
	for name, link := range map[string]func(world, rostertest.Response) string{
		"mailed": func(w world, _ rostertest.Response) string { return w.mailed(t, "bob@example.com") },
		"shown":  func(_ world, invited rostertest.Response) string { return shownToken(invited) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			bob := w.person(t, "bob@example.com", true)
			invited := w.invite(t, map[string]any{"email": "BOB@example.com", "role": "developer"})
			token := link(w, invited)
			// An invitation never sets the password of an existing account.
			answer := w.Must(t, 200, accept, bob.token, acceptingAs(token, "otherpassword"))
			if answer.String("organization", "role") != "developer" || answer.OrganizationOf() != w.org {
				t.Errorf("%s", answer.Raw)
			}
			me := w.Must(t, 200, "GET /auth/me", answer.String("access_token"), nil)
			if me.String("organization", "id") != string(w.org) || me.String("user", "name") != "Somebody" {
				t.Errorf("%s", me.Raw)
			}
			if w.login(t, "bob@example.com", "otherpassword").Status != 401 || w.login(t, "bob@example.com", password).Status != 200 {
				t.Error("the invitation changed the account's password")
			}
			// keycloak 36569: a second click breaks.
			again := w.Must(t, 200, accept, bob.token, accepting(token))
			if again.String("organization", "id") != string(w.org) {
				t.Errorf("%s", again.Raw)
			}
			w.Refused(t, 410, "invitation_gone", accept, "", acceptingAs(token, password))
			if mails := welcomes(t, w, "bob@example.com"); mails != 1 {
				t.Errorf("%d welcome mails", mails)
			}
		})
	}
}

func welcomes(t testing.TB, w world, address string) int {
	t.Helper()
	n := 0
	for _, m := range w.Mails(t, address) {
		if m.Kind == mail.Welcome {
			n++
		}
	}
	return n
}

func TestMailedLinkOfAnExistingAccountDemandsItsLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person(t, "bob@example.com", true)
	w.invite(t, map[string]any{"email": "bob@example.com"})
	w.Refused(t, 401, "login_required", accept, "", acceptingAs(w.mailed(t, "bob@example.com"), "otherpassword"))
	if w.login(t, "bob@example.com", password).Status != 200 {
		t.Error("the password changed")
	}
}

// vibe-kanban 3430, superlog 519.
func TestAnotherAddressDoesNotAccept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	eve := w.person(t, "eve@example.com", true)
	invited := w.invite(t, map[string]any{"email": "bob@example.com"})
	for _, token := range []string{w.mailed(t, "bob@example.com"), shownToken(invited)} {
		w.Refused(t, 403, "email_mismatch", accept, eve.token, accepting(token))
	}
	if w.get(t, eve.user) != nil {
		t.Error("eve is a member")
	}
}

func TestUnverifiedAccountNeedsTheMailedLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.person(t, "bob@example.com", false)
	invited := w.invite(t, map[string]any{"email": "bob@example.com"})
	w.Refused(t, 403, "email_unverified", accept, bob.token, accepting(shownToken(invited)))
	answer := w.Must(t, 200, accept, bob.token, accepting(w.mailed(t, "bob@example.com")))
	if answer.At("user", "email_verified") != true {
		t.Errorf("%s", answer.Raw)
	}
}

func TestShownLinkMakesAMemberAfterVerification(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	invited := w.invite(t, map[string]any{"email": "bob@example.com", "role": "developer"})
	token := shownToken(invited)
	asked := w.Must(t, 202, accept, "", acceptingAs(token, password))
	if asked.String("status") != "verification_required" || asked.At("access_token") != nil {
		t.Errorf("%s", asked.Raw)
	}
	verify := w.LastMail(t, "bob@example.com")
	if verify.Kind != mail.VerifyAddress || verify.Data.Organization != "Acme" {
		t.Fatalf("mail %+v", verify)
	}
	in := w.login(t, "bob@example.com", password)
	if in.At("organization") != nil {
		t.Errorf("a member before verification: %s", in.Raw)
	}
	for range 2 { // a second click is no error
		verified := w.Must(t, 200, "POST /auth/verify-email", "", accepting(verify.LinkToken()))
		if verified.At("user", "email_verified") != true || verified.String("organization", "role") != "developer" ||
			verified.String("invitation", "status") != "accepted" || verified.At("access_token") != nil {
			t.Errorf("%s", verified.Raw)
		}
	}
	if n := welcomes(t, w, "bob@example.com"); n != 1 {
		t.Errorf("%d welcome mails", n)
	}
	w.Refused(t, 410, "invitation_gone", accept, "", acceptingAs(token, password))
	w.Advance(user.VerificationTTL)
	w.Refused(t, 401, "invalid_verification_token", "POST /auth/verify-email", "", accepting(verify.LinkToken()))
}

// The answer to a shown link is the same, whoever has an account.
func TestShownLinkDoesNotTellWhoHasAnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person(t, "verified@example.com", true)
	w.person(t, "unverified@example.com", false)
	var answers []string
	for address, kind := range map[string]mail.Kind{
		"new@example.com": mail.VerifyAddress, "unverified@example.com": mail.VerifyAddress, "verified@example.com": mail.InvitationLogin,
	} {
		token := shownToken(w.invite(t, map[string]any{"email": address}))
		for range 3 {
			answers = append(answers, string(w.Must(t, 202, accept, "", acceptingAs(token, "otherpassword")).Raw))
			w.Advance(time.Millisecond)
			if m := w.LastMail(t, address); m.Kind != kind {
				t.Errorf("%s got %s", address, m.Kind)
			}
		}
		w.Refused(t, 429, "too_many_requests", accept, "", acceptingAs(token, password))
	}
	for _, a := range answers {
		if a != answers[0] {
			t.Errorf("%s differs from %s", a, answers[0])
		}
	}
	for address, want := range map[string]int{"new@example.com": 200, "unverified@example.com": 401, "verified@example.com": 401} {
		if got := w.login(t, address, "otherpassword").Status; got != want {
			t.Errorf("%s with the password that was sent: %d, want %d", address, got, want)
		}
	}
}

func TestVerificationOutlivesItsInvitation(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(w world, invitation string){
		"invitation_gone": func(w world, invitation string) {
			w.Must(t, 200, "DELETE "+w.path("/invitations/"+invitation), w.owner.token, nil)
		},
		"organization_suspended": func(w world, _ string) { w.settings(t, "status", "suspended") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			invited := w.invite(t, map[string]any{"email": "bob@example.com"})
			w.Must(t, 202, accept, "", acceptingAs(shownToken(invited), password))
			spoil(w, invited.String("invitation", "id"))
			answer := w.Must(t, 200, "POST /auth/verify-email", "", accepting(w.mailed(t, "bob@example.com")))
			if answer.At("user", "email_verified") != true || answer.At("organization") != nil || answer.String("invitation", "code") != name {
				t.Errorf("%s", answer.Raw)
			}
			if w.get(t, loggedIn(answer).user) != nil {
				t.Error("a member by an invitation that was not good")
			}
		})
	}
}

func TestVerifyEmailRefusesWrongTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person(t, "bob@example.com", false)
	token := w.mailed(t, "bob@example.com")
	for _, wrong := range []string{"rv_", token[:len(token)-2] + "AA", token + "A", "rv_" + strings.Repeat("Z", 70)} {
		w.Refused(t, 401, "invalid_verification_token", "POST /auth/verify-email", "", accepting(wrong))
	}
	w.Must(t, 200, "POST /auth/verify-email", "", accepting(token))
}

// §1 and chainloop 3264: the inviter's right is checked at acceptance.
func TestInvitersRightIsCheckedAtAcceptance(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(world, person){
		"suspended": func(w world, p person) { w.suspend(t, p.user) },
		"removed":   func(w world, p person) { w.remove(t, p.user) },
		"demoted":   func(w world, p person) { w.change(t, p.user, func(m *member.Member) { m.Role = "developer" }) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			admin := w.member(t, "admin@acme.example", "admin")
			invited := w.Must(t, 201, "POST "+w.path("/members/invite"), admin.token, map[string]any{"email": "bob@example.com", "role": "member"})
			token := w.mailed(t, "bob@example.com")
			spoil(w, admin)
			w.Refused(t, 410, "invitation_gone", "GET /auth/invitations/"+token, "", nil)
			w.Refused(t, 410, "invitation_gone", accept, "", acceptingAs(token, password))
			// Whoever sends it again answers for it.
			w.Must(t, 200, "POST "+w.path("/invitations/"+invited.String("invitation", "id")+"/resend"), w.owner.token, nil)
			w.acceptNew(t, token)
		})
	}
}

// TestAnInviterWithoutTheRequiredTwoFactorAdmitsNobody: neither by a new invitation nor
// by one from before, once the grace is over and until they have it.
func TestAnInviterWithoutTheRequiredTwoFactorAdmitsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.member(t, "admin@acme.example", "admin")
	admin.token = w.key(t, admin.user) // which outlives moves of the clock
	invite := func(address string) (token string) {
		w.Must(t, 201, "POST "+w.path("/members/invite"), admin.token, map[string]any{"email": address, "role": "member"})
		w.Advance(time.Millisecond)
		return w.mailed(t, address)
	}
	inTime, late := invite("anna@example.com"), invite("bob@example.com")
	w.settings(t, "policy", policy.Policy{TwoFactorSince: w.Now(), GraceDays: 1})
	w.acceptNew(t, inTime)
	w.Advance(24 * time.Hour)
	w.Refused(t, 403, "two_factor_required", "POST "+w.path("/members/invite"), admin.token, map[string]any{"email": "eve@example.com", "role": "member"})
	w.Refused(t, 403, "two_factor_required", w.bulk(), admin.token, map[string]any{"invitations": []any{map[string]any{"email": "eve@example.com", "role": "member"}}})
	w.Refused(t, 410, "invitation_gone", accept, "", acceptingAs(late, password))
	w.change(t, admin.user, func(m *member.Member) { m.TwoFactor = true })
	w.acceptNew(t, late)
	if mails := w.Mails(t, "eve@example.com"); len(mails) != 0 {
		t.Errorf("%v", mails)
	}
}

func TestSuspendedOrganizationTakesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invite(t, map[string]any{"email": "bob@example.com"})
	w.settings(t, "status", "suspended")
	w.Refused(t, 403, "organization_suspended", accept, "", acceptingAs(w.mailed(t, "bob@example.com"), password))
}

func TestRemovedMemberReturnsAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.member(t, "bob@example.com", "admin")
	before := w.get(t, bob.user)
	old := w.mailedOfKind(t, "bob@example.com", mail.Invitation)
	w.remove(t, bob.user)
	w.Refused(t, 410, "invitation_gone", accept, bob.token, accepting(old))
	w.Advance(time.Hour)
	w.invite(t, map[string]any{"email": "bob@example.com", "role": "viewer"})
	in := w.login(t, "bob@example.com", password)
	answer := w.Must(t, 200, accept, in.String("access_token"), accepting(w.mailed(t, "bob@example.com")))
	m := w.get(t, bob.user)
	if answer.String("organization", "role") != "viewer" || m.Status != access.Active || !m.CreatedAt.After(before.CreatedAt) {
		t.Errorf("%+v", m)
	}
}

func (w world) mailedOfKind(t testing.TB, address string, kind mail.Kind) string {
	t.Helper()
	for _, m := range w.Mails(t, address) {
		if m.Kind == kind {
			return m.LinkToken()
		}
	}
	t.Fatalf("no %s to %s", kind, address)
	return ""
}

// better-auth 9154, otari 668: two accepts at once.
func TestFiftyAcceptsAtOnceMakeOneMember(t *testing.T) {
	t.Parallel()
	for _, existing := range []bool{false, true} {
		w := newWorld(t)
		credential := ""
		if existing {
			credential = w.person(t, "bob@example.com", true).token
		}
		w.invite(t, map[string]any{"email": "bob@example.com", "role": "owner"})
		token := w.mailed(t, "bob@example.com")
		answers := make([]rostertest.Response, 50)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() { answers[i] = w.Call(t, accept, credential, acceptingAs(token, password)) })
		}
		wg.Wait()
		accepted := 0
		for _, a := range answers {
			switch a.Status {
			case 200:
				accepted++
			case 409, 410:
			default:
				t.Errorf("%d %s", a.Status, a.Raw)
			}
		}
		if existing && accepted != len(answers) || !existing && accepted != 1 {
			t.Errorf("existing account %v: %d accepted", existing, accepted)
		}
		if n := welcomes(t, w, "bob@example.com"); n != 1 {
			t.Errorf("%d welcome mails", n)
		}
		bob, err := user.ByEmail(t.Context(), w.Table, email.Address("bob@example.com"))
		if err != nil || bob == nil {
			t.Fatal(err)
		}
		if m := w.get(t, bob.ID); m.Status != access.Active || m.Version != 1 {
			t.Errorf("%+v", m)
		}
		if owners := w.owners(t); owners != 2 {
			t.Errorf("%d owners are counted", owners)
		}
	}
}

func (w world) owners(t testing.TB) int {
	t.Helper()
	var o *struct {
		Owners int `dynamodbav:"owners"`
	}
	if err := w.Table.Get(t.Context(), table.Into(table.Organization(w.org), &o)); err != nil {
		t.Fatal(err)
	}
	return o.Owners
}

// otari 668: an invitation is revoked while it is accepted.
func TestAcceptAndRevokeAtOnceAgree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.person(t, "bob@example.com", true)
	for range 10 {
		invited := w.invite(t, map[string]any{"email": "bob@example.com"})
		token := w.mailed(t, "bob@example.com")
		var accepted, revoked rostertest.Response
		var wg sync.WaitGroup
		wg.Go(func() { accepted = w.Call(t, accept, bob.token, accepting(token)) })
		wg.Go(func() {
			revoked = w.Call(t, "DELETE "+w.path("/invitations/"+invited.String("invitation", "id")), w.owner.token, nil)
		})
		wg.Wait()
		if (accepted.Status == 200) == (revoked.Status == 200) || accepted.Status != 200 && accepted.Status != 410 || revoked.Status != 200 && revoked.Status != 410 {
			t.Errorf("%s\n%s", accepted.Raw, revoked.Raw)
		}
		m := w.get(t, bob.user)
		if (m != nil && m.Status == access.Active) != (accepted.Status == 200) {
			t.Errorf("member %+v after %s", m, accepted.Raw)
		}
		if accepted.Status == 200 {
			w.remove(t, bob.user)
		}
		w.Advance(25 * time.Hour)
		bob = loggedIn(w.login(t, "bob@example.com", password))
	}
}

func TestAcceptCosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invite(t, map[string]any{"email": "bob@example.com", "role": "member", "message": "Welcome to our AI services platform!"})
	ctx, capacity := table.WithCapacity(t.Context())
	answer := w.CallContext(t, ctx, accept, "", acceptingAs(w.mailed(t, "bob@example.com"), password))
	if _, write := capacity.Units(); answer.Status != 200 || write > 22 {
		t.Errorf("%d, %.0f write units: %+v", answer.Status, write, capacity.Calls())
	}
}

func TestAcceptRepeatsWithItsIdempotencyKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invite(t, map[string]any{"email": "bob@example.com"})
	body := acceptingAs(w.mailed(t, "bob@example.com"), password)
	first := w.Must(t, 200, accept, "", body, "Idempotency-Key", "lost-answer")
	again := w.Must(t, 200, accept, "", body, "Idempotency-Key", "lost-answer")
	if string(first.Raw) != string(again.Raw) {
		t.Errorf("%s\n%s", first.Raw, again.Raw)
	}
}
