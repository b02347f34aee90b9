package invitation_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/permission"
	"roster/internal/rostertest"
)

const (
	verify   = "POST /auth/verify-email"
	attacker = "known to the attacker"
)

func verifying(token, password string) map[string]any {
	return map[string]any{"token": token, "password": password}
}

func claiming(token, password string) map[string]any {
	return map[string]any{"token": token, "password": password, "claim": true}
}

func TestAMistypedPasswordVerifiesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.squat(t, "squatted@acme.example")
	token := w.mailed(t, "squatted@acme.example")
	w.Refused(t, 403, "password_mismatch", verify, "", verifying(token, "known to the atacker"))
	w.Refused(t, 422, "invalid_input", verify, "", map[string]any{"token": token, "claim": true})
	w.logsIn(t, "squatted@acme.example", map[string]bool{attacker: true})
	w.Must(t, 200, verify, "", verifying(token, attacker))
	w.logsIn(t, "squatted@acme.example", map[string]bool{attacker: true})
}

func TestALinkIsNoWayToGuessPasswords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.squat(t, "squatted@acme.example")
	token := w.mailed(t, "squatted@acme.example")
	for range 20 {
		w.Refused(t, 403, "password_mismatch", verify, "", verifying(token, "guessed password"))
	}
	w.Refused(t, 429, "too_many_requests", verify, "", verifying(token, attacker))
}

// logsIn tells with which of passwords somebody logs in.
func (w world) logsIn(t *testing.T, address string, passwords map[string]bool) {
	t.Helper()
	for password, works := range passwords {
		if got := w.login(t, address, password); (got.Status == 200) != works {
			t.Errorf("logging in with %q: %s", password, got.Raw)
		}
	}
}

// squat registers an address with the attacker's password.
func (w world) squat(t *testing.T, address string) rostertest.Response {
	t.Helper()
	defer w.Advance(time.Millisecond)
	return w.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": address, "password": attacker, "name": "Squatter", "organization": "Trap"})
}

func TestSquatterIsOutOnceTheInvitedPersonVerifies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(t, "allow_join_requests", true)
	squatted := w.squat(t, "victim@acme.example")
	squatter := loggedIn(squatted)
	key := squattersKey(t, w, squatted)
	w.Must(t, 201, "POST "+w.path("/join-requests"), squatter.token, nil)
	token := shownToken(w.invite(t, map[string]any{"email": "victim@acme.example", "role": "admin"}))
	w.Must(t, 202, accept, "", acceptingAs(token, password))

	verified := w.Must(t, 200, verify, "", claiming(w.mailed(t, "victim@acme.example"), password))
	if verified.String("organization", "role") != "admin" || verified.String("invitation", "status") != "accepted" {
		t.Errorf("%s", verified.Raw)
	}
	w.logsIn(t, "victim@acme.example", map[string]bool{attacker: false, password: true})
	w.Refused(t, 401, "invalid_token", "GET /auth/me", squatter.token, nil)
	w.Refused(t, 401, "invalid_refresh_token", "POST /auth/refresh", "", map[string]any{"refresh_token": squatted.String("refresh_token")})
	w.Refused(t, 401, "invalid_key", "GET /api/organizations/"+string(squatted.OrganizationOf())+"/invitations", key, nil)
}

func TestInviterWithTheSharedLinkGetsNoAccountOfTheInvited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := shownToken(w.invite(t, map[string]any{"email": "victim@acme.example"}))
	w.Must(t, 202, accept, "", acceptingAs(token, attacker))
	w.Must(t, 200, verify, "", claiming(w.mailed(t, "victim@acme.example"), password))
	w.logsIn(t, "victim@acme.example", map[string]bool{attacker: false, password: true})
}

func TestSquattersRequestsEndOnceTheHolderVerifies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(t, "allow_join_requests", true)
	squatter := loggedIn(w.squat(t, "victim@acme.example"))
	request := w.Must(t, 201, "POST "+w.path("/join-requests"), squatter.token, nil).String("join_request", "id")
	w.Must(t, 200, verify, "", claiming(w.mailed(t, "victim@acme.example"), password))
	w.Refused(t, 404, "join_request_not_found", "POST /api/admin/organization/join-requests/"+request+"/approve", w.owner.token, nil)
	if w.get(t, squatter.user) != nil {
		t.Error("the squatter's request waits still")
	}
}

// An invitation that is over does not spare the squatter's request to join there.
func TestSquattersRequestEndsWithoutTheInvitation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(t, "allow_join_requests", true)
	squatter := loggedIn(w.squat(t, "victim@acme.example"))
	w.Must(t, 201, "POST "+w.path("/join-requests"), squatter.token, nil)
	invited := w.invite(t, map[string]any{"email": "victim@acme.example"})
	w.Must(t, 202, accept, "", acceptingAs(shownToken(invited), password))
	w.Must(t, 200, "DELETE "+w.path("/invitations/"+invited.String("invitation", "id")), w.owner.token, nil)
	verified := w.Must(t, 200, verify, "", claiming(w.mailed(t, "victim@acme.example"), password))
	if verified.String("invitation", "code") != "invitation_gone" {
		t.Errorf("%s", verified.Raw)
	}
	if w.get(t, squatter.user) != nil {
		t.Error("the squatter's request waits still")
	}
}

func TestVerifyingWithTheAccountsPasswordKeepsWhatThereIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	registered := w.squat(t, "ada@example.com")
	key := squattersKey(t, w, registered)
	w.Must(t, 200, verify, "", verifying(w.mailed(t, "ada@example.com"), attacker))
	if me := w.Must(t, 200, "GET /auth/me", loggedIn(registered).token, nil); me.At("user", "email_verified") != true {
		t.Errorf("%s", me.Raw)
	}
	w.Must(t, 200, "GET /api/organizations/"+string(registered.OrganizationOf())+"/invitations", key, nil)
}

func TestVerifiedAccountYieldsToNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person(t, "ada@example.com", false)
	token := w.mailed(t, "ada@example.com")
	first := w.Must(t, 200, verify, "", map[string]any{"token": token})
	w.Refused(t, 409, "already_verified", verify, "", claiming(token, "another password"))
	again := w.Must(t, 200, verify, "", claiming(token, password))
	if string(first.Raw) != string(again.Raw) {
		t.Errorf("%s\n%s", first.Raw, again.Raw)
	}
	w.Must(t, 200, "GET /auth/me", ada.token, nil)
	w.logsIn(t, "ada@example.com", map[string]bool{password: true, "another password": false})
}

// breaking fails the transactions that say something, as long as there is something.
type breaking struct {
	next http.RoundTripper
	says atomic.Pointer[string]
}

func (b *breaking) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if says := b.says.Load(); says != nil && bytes.Contains(body, []byte(*says)) {
		return nil, errors.New("broken")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return b.next.RoundTrip(r)
}

// A squatter's session ends before the keys do: it makes no others meanwhile. An
// interrupted claim is completed by whatever verifies the account.
func TestAnInterruptedClaimLeavesTheSquatterNothing(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]map[string]any{
		"with a claim":       {"password": password, "claim": true},
		"with the password":  {"password": password},
		"without a password": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken := new(breaking)
			w := newWorldWith(t, func(next http.RoundTripper) http.RoundTripper {
				broken.next = next
				return broken
			})
			squatted := w.squat(t, "victim@acme.example")
			key, inTrap := squattersKey(t, w, squatted), "GET /api/organizations/"+string(squatted.OrganizationOf())+"/invitations"
			token := w.mailed(t, "victim@acme.example")

			broken.says.Store(new("member.keys_revoked"))
			w.Must(t, 503, verify, "", claiming(token, password))
			broken.says.Store(nil)
			w.Refused(t, 401, "invalid_token", inTrap, loggedIn(squatted).token, nil)
			w.logsIn(t, "victim@acme.example", map[string]bool{attacker: false})

			again["token"] = token
			w.Must(t, 200, verify, "", again)
			w.Refused(t, 401, "invalid_key", inTrap, key, nil)
			w.logsIn(t, "victim@acme.example", map[string]bool{attacker: false, password: true})
		})
	}
}

func TestTakeOverIsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(t, "allow_join_requests", true)
	squatted := w.squat(t, "victim@acme.example")
	squattersKey(t, w, squatted)
	squatter := loggedIn(squatted)
	request := w.Must(t, 201, "POST "+w.path("/join-requests"), squatter.token, nil).String("join_request", "id")
	w.Must(t, 200, verify, "", claiming(w.mailed(t, "victim@acme.example"), password))
	if got := w.recorded(t, "join_request.withdrawn", string(squatter.user)); !slices.Equal(got, []string{request}) {
		t.Errorf("withdrawn: %v", got)
	}
	if got := w.recorded(t, "member.keys_revoked", string(squatter.user)); !slices.Equal(got, []string{string(squatter.user)}) {
		t.Errorf("revoked: %v", got)
	}
}

// recorded lists the targets of what somebody did.
func (w world) recorded(t *testing.T, action, by string) (targets []string) {
	t.Helper()
	for key, item := range w.DumpItems(t) {
		actor, _ := item["actor"].(map[string]any)
		if strings.HasPrefix(key.PK, "AU#") && item["action"] == action && actor["id"] == by {
			targets = append(targets, item["target"].(string))
		}
	}
	return targets
}

// Anybody may have a shown link, and send it with any password.
func TestAStrangersShownLinkJoinsNobody(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]map[string]any{
		"with the password":  {"password": password},
		"without a password": {},
		"with a claim":       {"password": "the holder's third", "claim": true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			own := w.Must(t, 201, "POST /auth/register", "", map[string]any{
				"email": "bob@example.com", "password": password, "name": "Bob", "organization": "Bobs"})
			w.Advance(time.Millisecond)
			w.Must(t, 202, accept, "", acceptingAs(shownToken(w.invite(t, map[string]any{"email": "bob@example.com"})), attacker))
			in["token"] = w.mailed(t, "bob@example.com")
			verified := w.Must(t, 200, verify, "", in)
			if verified.At("organization") != nil || verified.At("invitation") != nil || w.get(t, loggedIn(own).user) != nil {
				t.Errorf("%s", verified.Raw)
			}
			if chosen, ok := in["password"].(string); ok {
				if led := w.login(t, "bob@example.com", chosen); led.OrganizationOf() != own.OrganizationOf() {
					t.Errorf("%s", led.Raw)
				}
			}
		})
	}
}

func TestAStrangersShownLinkKeepsWhatTheHolderAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := shownToken(w.invite(t, map[string]any{"email": "bob@example.com"}))
	for _, sent := range []string{password, attacker} {
		w.Must(t, 202, accept, "", acceptingAs(token, sent))
		w.Advance(time.Millisecond)
	}
	verified := w.Must(t, 200, verify, "", verifying(w.mailed(t, "bob@example.com"), password))
	if verified.OrganizationOf() != w.org || verified.String("invitation", "status") != "accepted" {
		t.Errorf("%s", verified.Raw)
	}
}

func TestVerificationLeavesTheOrganizationOfTheNextLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := w.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "bob@example.com", "password": password, "name": "Bob", "organization": "Bobs"})
	w.Advance(time.Millisecond)
	w.Must(t, 202, accept, "", acceptingAs(shownToken(w.invite(t, map[string]any{"email": "bob@example.com"})), password))
	verified := w.Must(t, 200, verify, "", verifying(w.mailed(t, "bob@example.com"), password))
	if verified.OrganizationOf() != w.org {
		t.Errorf("%s", verified.Raw)
	}
	if led := w.login(t, "bob@example.com", password); led.OrganizationOf() != own.OrganizationOf() {
		t.Errorf("%s", led.Raw)
	}
}

func TestAResentVerificationAcceptsTheInvitationStill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Must(t, 202, accept, "", acceptingAs(shownToken(w.invite(t, map[string]any{"email": "bob@example.com"})), password))
	w.Advance(time.Millisecond)
	in := w.login(t, "bob@example.com", password)
	w.Must(t, 200, "POST /auth/verify-email/resend", in.String("access_token"), nil)
	verified := w.Must(t, 200, verify, "", verifying(w.mailed(t, "bob@example.com"), password))
	if verified.OrganizationOf() != w.org || verified.String("invitation", "status") != "accepted" {
		t.Errorf("%s", verified.Raw)
	}
}

// Who made a key for a member could not have made it for a role above their own.
func TestKeysOfOthersDoNotRiseByAnInvitation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.member(t, "admin@acme.example", "admin")
	w.settings(t, "allow_join_requests", true)
	bob := w.person(t, "bob@acme.example", false)
	w.invite(t, map[string]any{"email": "bob@acme.example", "role": "owner"})
	mailed := w.mailed(t, "bob@acme.example")
	request := w.Must(t, 201, "POST "+w.path("/join-requests"), bob.token, nil).String("join_request", "id")
	w.Must(t, 200, "POST /api/admin/organization/join-requests/"+request+"/approve", admin.token, nil)
	makers := map[id.Key]id.User{}
	w.change(t, bob.user, func(m *member.Member) {
		m.Keys = map[id.Key]access.KeyRecord{}
		for _, maker := range []id.User{admin.user, w.owner.user} {
			key := id.NewKey(w.Now(), bob.user)
			makers[key] = maker
			m.Keys[key] = access.KeyRecord{
				Name: "key", CreatedBy: maker, CreatedAt: w.Now(), Cap: &access.Cap{Permissions: permission.Roles(nil).Of(m.Role)},
			}
		}
	})
	w.Must(t, 200, accept, bob.token, accepting(mailed))
	risen := w.get(t, bob.user)
	if risen.Role != "owner" || len(risen.Keys) != 2 {
		t.Errorf("%+v", risen)
	}
	for key, maker := range makers {
		if capped := risen.Keys[key].Cap; capped.Owner != (maker == w.owner.user) {
			t.Errorf("the key that %s made may do what %+v says", maker, capped)
		}
	}
}

const resetRoute = "POST /auth/password/reset"

// forget asks for a link to a new password, and returns its token.
func (w world) forget(t *testing.T, address string) string {
	t.Helper()
	w.Advance(time.Millisecond)
	w.Must(t, 200, "POST /auth/password/forgot", "", map[string]any{"email": address})
	return w.mailed(t, address)
}

// A link to a new password proves the mailbox as a verification link does: whoever
// had made the account with somebody else's address is out.
func TestSquatterIsOutOnceTheHolderResetsThePassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(t, "allow_join_requests", true)
	squatted := w.squat(t, "victim@acme.example")
	squatter := loggedIn(squatted)
	verification := w.mailed(t, "victim@acme.example")
	key := squattersKey(t, w, squatted)
	w.Must(t, 201, "POST "+w.path("/join-requests"), squatter.token, nil)

	token := w.forget(t, "victim@acme.example")
	answer := w.Must(t, 200, resetRoute, "", map[string]any{"token": token, "password": password})
	if answer.At("user", "email_verified") != true {
		t.Errorf("%s", answer.Raw)
	}
	w.logsIn(t, "victim@acme.example", map[string]bool{attacker: false, password: true})
	w.Refused(t, 401, "invalid_token", "GET /auth/me", squatter.token, nil)
	w.Refused(t, 401, "invalid_refresh_token", "POST /auth/refresh", "", map[string]any{"refresh_token": squatted.String("refresh_token")})
	w.Refused(t, 401, "invalid_key", "GET /api/organizations/"+string(squatted.OrganizationOf())+"/invitations", key, nil)
	if w.get(t, squatter.user) != nil {
		t.Error("the squatter's request waits still")
	}
	w.Refused(t, 401, "invalid_verification_token", verify, "", verifying(verification, attacker))
	w.Refused(t, 401, "invalid_reset_token", resetRoute, "", map[string]any{"token": token, "password": attacker})
}

// An invitation that waits for the account's verification is not accepted by a new
// password: its holder accepts it themselves.
func TestAResetAcceptsNoInvitation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shown := shownToken(w.invite(t, map[string]any{"email": "victim@acme.example", "role": "admin"}))
	w.Must(t, 202, accept, "", acceptingAs(shown, attacker))
	token := w.forget(t, "victim@acme.example")
	reset := w.Must(t, 200, resetRoute, "", map[string]any{"token": token, "password": password})
	if w.get(t, id.User(reset.String("user", "id"))) != nil {
		t.Error("the invitation was accepted")
	}
	in := w.login(t, "victim@acme.example", password)
	if in.Status != 200 || in.At("organization") != nil {
		t.Fatalf("%s", in.Raw)
	}
	if joined := w.Must(t, 200, accept, in.String("access_token"), map[string]any{"token": shown}); joined.String("organization", "role") != "admin" {
		t.Errorf("%s", joined.Raw)
	}
}

// A reset that is cut off while the account yields, or after, is completed by the
// same link, and the squatter never comes back.
func TestAResetThatIsCutOffIsCompletedByTheSameLink(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"member.keys_revoked", "account.password_reset"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			broken := new(breaking)
			w := newWorldWith(t, func(next http.RoundTripper) http.RoundTripper {
				broken.next = next
				return broken
			})
			squatted := w.squat(t, "victim@acme.example")
			key, inTrap := squattersKey(t, w, squatted), "GET /api/organizations/"+string(squatted.OrganizationOf())+"/invitations"
			body := map[string]any{"token": w.forget(t, "victim@acme.example"), "password": password}

			broken.says.Store(&at)
			w.Must(t, 503, resetRoute, "", body)
			broken.says.Store(nil)
			w.Refused(t, 401, "invalid_token", inTrap, loggedIn(squatted).token, nil)
			w.logsIn(t, "victim@acme.example", map[string]bool{attacker: false})

			if again := w.Must(t, 200, resetRoute, "", body); again.At("user", "email_verified") != true {
				t.Errorf("%s", again.Raw)
			}
			w.Refused(t, 401, "invalid_key", inTrap, key, nil)
			w.Refused(t, 401, "invalid_reset_token", resetRoute, "", body)
			w.logsIn(t, "victim@acme.example", map[string]bool{attacker: false, password: true})
		})
	}
}
