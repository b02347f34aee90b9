package account_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/account"
	"roster/internal/audit"
	"roster/internal/email"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/rostertest"
	"roster/internal/user"
)

const another = "something quite different"

// forget asks for a link to a new password, and returns its token.
func forget(t testing.TB, r *rostertest.Roster, address string, headers ...string) string {
	t.Helper()
	r.Advance(time.Millisecond) // the newest mail is told by its time
	r.Must(t, 200, "POST /auth/password/forgot", "", map[string]any{"email": address}, headers...)
	m := r.LastMail(t, address)
	if m.Kind != mail.PasswordReset || !strings.HasPrefix(m.Data.Link, r.PublicURL+"/reset#") {
		t.Fatalf("mail %s with the link %s", m.Kind, m.Data.Link)
	}
	return m.LinkToken()
}

func resetting(token, password string) map[string]any {
	return map[string]any{"token": token, "password": password}
}

const resetRoute = "POST /auth/password/reset"

// ended expects that neither token of a session works.
func ended(t testing.TB, r *rostertest.Roster, session rostertest.Response) {
	t.Helper()
	r.Refused(t, 401, "invalid_token", "GET /auth/me", session.String("access_token"), nil)
	r.Refused(t, 401, "invalid_refresh_token", "POST /auth/refresh", "", map[string]any{"refresh_token": session.String("refresh_token")})
}

func TestAForgottenPasswordIsReplacedByAMailedLink(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints, member.Endpoints)
	in := register(t, r, "ada@example.com", "Engines")
	verify(t, r, in)
	org, ada := in.OrganizationOf(), id.User(in.String("user", "id"))
	key := membertest.GiveKey(t, r, org, ada)
	second := login(t, r, "ada@example.com", "")

	r.Must(t, 200, "POST /auth/password/forgot", "", map[string]any{"email": "Ada@Example.com"})
	token := forget(t, r, "ada@example.com")
	for key, item := range r.DumpItems(t) {
		if strings.Contains(fmt.Sprint(key, item), token[len(token)-43:]) {
			t.Errorf("the token lies open in %v", key)
		}
	}
	r.Must(t, 200, "GET /auth/me", in.String("access_token"), nil) // nothing ended by that
	refused := r.Refused(t, 422, "invalid_input", resetRoute, "", resetting(token, "short"))
	if !strings.Contains(string(refused.Raw), `"pointer":"/password"`) {
		t.Errorf("%s", refused.Raw)
	}
	reset := r.Must(t, 200, resetRoute, "", resetting(token, another))
	if reset.String("user", "email") != "ada@example.com" || reset.At("access_token") != nil {
		t.Errorf("%s", reset.Raw)
	}
	ended(t, r, in)
	ended(t, r, second)
	if m := r.LastMail(t, "ada@example.com"); m.Kind != mail.PasswordChanged || m.Data.Link != r.PublicURL+"/reset" {
		t.Errorf("mail %s with the link %s", m.Kind, m.Data.Link)
	}
	if got := login(t, r, "ada@example.com", ""); got.Code() != "invalid_login" {
		t.Errorf("the password before: %s", got.Raw)
	}
	r.Must(t, 200, "POST /auth/login", "", map[string]any{"email": "ada@example.com", "password": another})
	r.Must(t, 200, "GET /api/organizations/"+string(org)+"/members/"+string(ada), key, nil)
	if got := actions(t, r, org); got[len(got)-1] != string(audit.PasswordReset) {
		t.Errorf("audit events %v", got)
	}
	r.Refused(t, 401, "invalid_reset_token", resetRoute, "", resetting(token, "yet another password"))
}

func TestNoOtherTokenIsALinkToANewPassword(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "")
	verification := r.LastMail(t, "ada@example.com").LinkToken()
	token := forget(t, r, "ada@example.com")
	for _, junk := range []string{
		"rp_", "rp_x", token + "x", token[:len(token)-1], "rv_" + token[3:], verification, "rp_" + verification[3:],
		in.String("access_token"), in.String("refresh_token"), "rp_" + strings.Repeat("0", 26) + token[29:],
	} {
		r.Refused(t, 401, "invalid_reset_token", resetRoute, "", resetting(junk, another))
	}
	r.Must(t, 200, resetRoute, "", resetting(token, another))
}

// witness counts the calls of DynamoDB, by their kind.
type witness struct {
	next http.RoundTripper
	mu   sync.Mutex
	seen []string
}

func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.seen = append(w.seen, r.Header.Get("X-Amz-Target"))
	w.mu.Unlock()
	return w.next.RoundTrip(r)
}

func (w *witness) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = nil
	return seen
}

// Who asks for a link learns nothing about the address: the answers are the same to
// the byte, the last of too many too, and so is the work.
func TestForgettingTellsNothingAboutAddresses(t *testing.T) {
	t.Parallel()
	var w witness
	r := rostertest.NewWith(t, func(next http.RoundTripper) http.RoundTripper {
		w.next = next
		return &w
	}, account.Endpoints)
	register(t, r, "ada@example.com", "Engines")
	ask := func(address string) ([]byte, []string) {
		w.take()
		got := r.Call(t, "POST /auth/password/forgot", "", map[string]any{"email": address}, "X-Forwarded-For", "198.51.100.1")
		return bytes.ReplaceAll(got.Raw, []byte(got.String("request_id")), nil), w.take()
	}
	for n := range 5 {
		known, knownWork := ask("ada@example.com")
		unknown, unknownWork := ask("eve@example.com")
		if !bytes.Equal(known, unknown) {
			t.Errorf("asked %d times: %s and %s", n, known, unknown)
		}
		if !slices.Equal(knownWork, unknownWork) {
			t.Errorf("asked %d times: %v and %v", n, knownWork, unknownWork)
		}
	}
	if mails := r.Mails(t, "eve@example.com"); len(mails) > 0 {
		t.Errorf("mails to nobody's address: %+v", mails)
	}
	if mails := r.Mails(t, "ada@example.com"); len(mails) != 1+3 {
		t.Errorf("%d mails", len(mails))
	}
}

// A stranger who asks for links, as often as they may, bars nobody: where they have
// used an hour up, the last of its links work, and who was there before asks on.
func TestStrangersWhoAskForLinksBarNobody(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	verify(t, r, register(t, r, "ada@example.com", ""))
	body := map[string]any{"email": "ada@example.com"}
	var links []string
	for n := range 3 {
		links = append(links, forget(t, r, "ada@example.com", "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", n)))
	}
	refused := r.Refused(t, 429, "too_many_requests", "POST /auth/password/forgot", "", body, "X-Forwarded-For", "198.51.100.77")
	if refused.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	own := forget(t, r, "ada@example.com")
	r.Refused(t, 401, "invalid_reset_token", resetRoute, "", resetting(links[0], another)) // of four, the newest three work
	r.Must(t, 200, resetRoute, "", resetting(links[1], another))
	for _, link := range []string{links[1], links[2], own} { // one was used, so all are over
		r.Refused(t, 401, "invalid_reset_token", resetRoute, "", resetting(link, password))
	}
	for range 2 {
		forget(t, r, "ada@example.com")
	}
	r.Refused(t, 429, "too_many_requests", "POST /auth/password/forgot", "", body)

	for hour := 0; hour < 2; hour++ {
		r.Advance(time.Hour)
		for range 3 {
			forget(t, r, "ada@example.com", "X-Forwarded-For", "198.51.100.1")
		}
	}
	r.Advance(time.Hour)
	forget(t, r, "ada@example.com", "X-Forwarded-For", "198.51.100.1")
	r.Refused(t, 429, "too_many_requests", "POST /auth/password/forgot", "", body, "X-Forwarded-For", "198.51.100.1") // ten a day
	forget(t, r, "ada@example.com")
}

func TestOnePlaceAsksForFewAddresses(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	for n := range 20 {
		r.Must(t, 200, "POST /auth/password/forgot", "", map[string]any{"email": fmt.Sprintf("p%d@example.com", n)})
	}
	r.Refused(t, 429, "too_many_requests", "POST /auth/password/forgot", "", map[string]any{"email": "p20@example.com"})
	r.Must(t, 200, "POST /auth/password/forgot", "", map[string]any{"email": "p20@example.com"}, "X-Forwarded-For", "198.51.100.1")
}

func TestALinkToANewPasswordWorksForAnHour(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	register(t, r, "ada@example.com", "")
	early := forget(t, r, "ada@example.com")
	r.Advance(30 * time.Minute)
	late := forget(t, r, "ada@example.com")
	r.Advance(30 * time.Minute)
	r.Refused(t, 401, "invalid_reset_token", resetRoute, "", resetting(early, another))
	r.Must(t, 200, resetRoute, "", resetting(late, another))
}

func TestALinkIsUsedOnceAlsoOfManyAtOnce(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	register(t, r, "ada@example.com", "Engines")
	links := []string{forget(t, r, "ada@example.com"), forget(t, r, "ada@example.com")}
	var (
		wg       sync.WaitGroup
		statuses [4]int
	)
	for i := range statuses {
		wg.Go(func() {
			statuses[i] = r.Call(t, resetRoute, "", resetting(links[i%2], fmt.Sprintf("different word %d", i))).Status
		})
	}
	wg.Wait()
	for i, status := range statuses {
		want := 401
		if status == 200 {
			want = 200
		}
		if got := r.Call(t, "POST /auth/login", "", map[string]any{"email": "ada@example.com", "password": fmt.Sprintf("different word %d", i)}); got.Status != want {
			t.Errorf("after the reset answered with %d, logging in by its password: %s", status, got.Raw)
		}
	}
	slices.Sort(statuses[:])
	if statuses != [4]int{200, 401, 401, 401} {
		t.Errorf("%v", statuses)
	}
}

// Two-factor authentication stands: a link proves the mailbox alone.
func TestAResetTakesTheSecondFactor(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "Engines")
	verify(t, r, in)
	p, recovery := secure(t, r, in.String("access_token"))
	elsewhere := []string{"X-Forwarded-For", "198.51.100.7"}
	with := func(token, otp string, headers ...string) rostertest.Response {
		body := resetting(token, another)
		if otp != "" {
			body["otp"] = otp
		}
		return r.Call(t, resetRoute, "", body, headers...)
	}
	token := forget(t, r, "ada@example.com")
	if got := with(token, ""); got.Status != 401 || got.Code() != "otp_required" {
		t.Errorf("%s", got.Raw)
	}
	for range 10 {
		if got := with(token, "000000", elsewhere...); got.Code() != "invalid_otp" {
			t.Fatalf("%s", got.Raw)
		}
	}
	if got := with(token, p.code(r, 0), elsewhere...); got.Status != 429 {
		t.Errorf("the eleventh guess: %s", got.Raw)
	}
	r.Must(t, 200, "GET /auth/me", in.String("access_token"), nil)
	code := p.code(r, 0)
	if got := with(token, code); got.Status != 200 || got.At("user", "two_factor") != true {
		t.Fatalf("%s", got.Raw)
	}
	enter := func(otp string) rostertest.Response {
		return r.Call(t, "POST /auth/login", "", map[string]any{"email": "ada@example.com", "password": another, "otp": otp})
	}
	if got := enter(code); got.Code() != "invalid_otp" {
		t.Errorf("the code that was used for it logs in: %s", got.Raw)
	}
	if got := with(forget(t, r, "ada@example.com"), recovery[0]); got.Status != 200 {
		t.Errorf("%s", got.Raw)
	}
	if got := enter(recovery[0]); got.Code() != "invalid_otp" {
		t.Errorf("the recovery code that was used for it logs in: %s", got.Raw)
	}
	if got := enter(recovery[1]); got.Status != 200 {
		t.Errorf("%s", got.Raw)
	}
}

func changing(current, next string) map[string]any {
	return map[string]any{"current_password": current, "new_password": next}
}

func TestChangingThePasswordEndsAllOtherSessions(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "Engines")
	verify(t, r, in)
	other := login(t, r, "ada@example.com", "")
	link := forget(t, r, "ada@example.com")
	token := in.String("access_token")
	r.Refused(t, 403, "wrong_password", "PUT /auth/password", token, changing("a guess", another))
	refused := r.Refused(t, 422, "invalid_input", "PUT /auth/password", token, changing(password, "short"))
	if !strings.Contains(string(refused.Raw), `"pointer":"/new_password"`) {
		t.Errorf("%s", refused.Raw)
	}
	refused = r.Refused(t, 422, "invalid_input", "PUT /auth/password", token, changing(password, "engines1"))
	if !strings.Contains(string(refused.Raw), `"pointer":"/new_password"`) {
		t.Errorf("%s", refused.Raw)
	}
	r.Advance(time.Millisecond)
	r.Must(t, 200, "PUT /auth/password", token, changing(password, another))
	ended(t, r, other)
	r.Must(t, 200, "GET /auth/me", token, nil)
	renewed := r.Must(t, 200, "POST /auth/refresh", "", map[string]any{"refresh_token": in.String("refresh_token")})
	if renewed.OrganizationOf() != in.OrganizationOf() {
		t.Errorf("%s", renewed.Raw)
	}
	r.Refused(t, 401, "invalid_reset_token", resetRoute, "", resetting(link, password))
	if m := r.LastMail(t, "ada@example.com"); m.Kind != mail.PasswordChanged {
		t.Errorf("mail %s", m.Kind)
	}
	if got := actions(t, r, in.OrganizationOf()); got[len(got)-1] != string(audit.PasswordChanged) {
		t.Errorf("audit events %v", got)
	}
	if got := login(t, r, "ada@example.com", ""); got.Code() != "invalid_login" {
		t.Errorf("the password before: %s", got.Raw)
	}
}

func TestChangingThePasswordTakesTheSecondFactor(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "")
	verify(t, r, in)
	p, _ := secure(t, r, in.String("access_token"))
	body := changing(password, another)
	r.Refused(t, 401, "otp_required", "PUT /auth/password", in.String("access_token"), body)
	body["otp"] = p.code(r, 5)
	r.Refused(t, 401, "invalid_otp", "PUT /auth/password", in.String("access_token"), body)
	body["otp"] = p.code(r, 0)
	r.Must(t, 200, "PUT /auth/password", in.String("access_token"), body)
	spent := r.Call(t, "POST /auth/login", "", map[string]any{"email": "ada@example.com", "password": another, "otp": p.code(r, 0)})
	if spent.Code() != "invalid_otp" {
		t.Errorf("the code that was used for it logs in: %s", spent.Raw)
	}
}

// sessions are those that are listed, by id, with whether they are current.
func sessions(t testing.TB, r *rostertest.Roster, token string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for path := "GET /auth/sessions?limit=2"; ; {
		page := r.Must(t, 200, path, token, nil)
		for _, s := range page.At("sessions").([]any) {
			s := s.(map[string]any)
			all[s["id"].(string)] = s["current"].(bool)
		}
		if page.String("next_cursor") == "" {
			return all
		}
		path = "GET /auth/sessions?limit=2&cursor=" + page.String("next_cursor")
	}
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "Engines")
	eve := register(t, r, "eve@example.com", "")
	r.Advance(time.Minute)
	var others []rostertest.Response
	for n := range 3 {
		others = append(others, login(t, r, "ada@example.com", "", "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", n), "User-Agent", fmt.Sprint("Browser ", n)))
		r.Advance(time.Minute)
	}
	renewed := r.Must(t, 200, "POST /auth/refresh", "", map[string]any{"refresh_token": others[2].String("refresh_token")})
	token := in.String("access_token")
	first := r.Must(t, 200, "GET /auth/sessions?limit=1", token, nil).At("sessions").([]any)[0].(map[string]any)
	want := map[string]any{
		"id": first["id"], "created_at": r.Now().Add(-time.Minute).Format(time.RFC3339Nano), "last_used_at": r.Now().Format(time.RFC3339Nano),
		"expires_at": r.Now().Add(30*24*time.Hour - time.Minute).Format(time.RFC3339Nano), "ip": "203.0.113.2", "agent": "Browser 2",
		"organization_id": in.String("organization", "id"), "current": false,
	}
	if fmt.Sprint(first) != fmt.Sprint(want) {
		t.Errorf("%v\nwant %v", first, want)
	}
	all := sessions(t, r, token)
	if len(all) != 4 {
		t.Fatalf("%v", all)
	}
	for id, current := range all {
		r.Refused(t, 404, "session_not_found", "DELETE /auth/sessions/"+id, eve.String("access_token"), nil)
		if current && sessions(t, r, others[0].String("access_token"))[id] {
			t.Error("two sessions are the current one")
		}
	}
	last := first["id"].(string)
	r.Must(t, 200, "DELETE /auth/sessions/"+last, token, nil)
	ended(t, r, renewed)
	r.Refused(t, 404, "session_not_found", "DELETE /auth/sessions/"+last, token, nil)
	if all := sessions(t, r, token); len(all) != 3 {
		t.Errorf("%v", all)
	}

	r.Must(t, 200, "DELETE /auth/sessions", token, nil)
	ended(t, r, others[0])
	ended(t, r, others[1])
	left := sessions(t, r, token)
	if len(left) != 1 {
		t.Fatalf("%v", left)
	}
	for id, current := range left {
		if !current {
			t.Errorf("%v", left)
		}
		r.Must(t, 200, "DELETE /auth/sessions/"+id, token, nil)
	}
	ended(t, r, in)
	r.Must(t, 200, "GET /auth/me", eve.String("access_token"), nil)
}

func TestOfSessionsThatEndEachOtherOneIsLeft(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "")
	all := []rostertest.Response{in}
	for range 5 {
		all = append(all, login(t, r, "ada@example.com", ""))
	}
	var wg sync.WaitGroup
	for _, s := range all {
		wg.Go(func() { r.Call(t, "DELETE /auth/sessions", s.String("access_token"), nil) })
	}
	wg.Wait()
	live := 0
	for _, s := range all {
		if r.Call(t, "GET /auth/me", s.String("access_token"), nil).Status == 200 {
			live++
		}
	}
	if live != 1 {
		t.Errorf("%d sessions are left", live)
	}
}

// TestHistoriesOfSessions lets a person log in, renew tokens, change, forget and
// reset the password and end sessions, in any order: a session goes on if and only if
// nothing ended it, and the list shows those that do.
func TestHistoriesOfSessions(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		address := fmt.Sprintf("p%d@example.com", n)
		u := user.User{ID: id.NewUser(r.Now()), Email: email.Address(address), Name: "Ada", Password: user.HashPassword(password), Verified: true, CreatedAt: r.Now()}
		if err := r.Table.Transact(t.Context(), user.Create(u, user.ErrEmailTaken)...); err != nil {
			rt.Fatal(err)
		}
		type live struct{ access, refresh string }
		all, alive := []live{}, []bool{}
		opened := func(a rostertest.Response) {
			all, alive = append(all, live{a.String("access_token"), a.String("refresh_token")}), append(alive, true)
		}
		only := func(keep int) {
			for i := range alive {
				alive[i] = alive[i] && i == keep
			}
		}
		opened(login(t, r, address, ""))
		var (
			links []string
			asked int
		)
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			r.Advance(time.Second)
			i := rapid.IntRange(0, len(all)-1).Draw(rt, "session")
			expect := func(a rostertest.Response, works bool) bool {
				if (a.Status == 200) != works || !works && a.Status != 401 {
					rt.Fatalf("session %d of %v: %s", i, alive, a.Raw)
				}
				return works
			}
			switch step := rapid.SampledFrom([]string{"log in", "renew", "change", "forget", "reset", "end", "end others", "log out"}).Draw(rt, "step"); step {
			case "log in":
				opened(login(t, r, address, ""))
			case "renew":
				a := r.Call(t, "POST /auth/refresh", "", map[string]any{"refresh_token": all[i].refresh})
				if expect(a, alive[i]) {
					all[i] = live{a.String("access_token"), a.String("refresh_token")}
				}
			case "change":
				if expect(r.Call(t, "PUT /auth/password", all[i].access, changing(password, password)), alive[i]) {
					only(i)
					links = nil
				}
			case "forget":
				if asked++; asked <= 3 { // what an hour admits
					links = append(links, forget(t, r, address, "X-Forwarded-For", fmt.Sprintf("2001:db8:%x:%x::1", n, asked)))
				}
			case "reset":
				if len(links) > 0 {
					r.Must(t, 200, resetRoute, "", resetting(links[0], password))
					only(-1)
					links = nil
				}
			case "end":
				if alive[i] {
					ids := r.Must(t, 200, "GET /auth/sessions?limit=100", all[i].access, nil).At("sessions").([]any)
					ending := ids[rapid.IntRange(0, len(ids)-1).Draw(rt, "ended")].(map[string]any)["id"].(string)
					for j := range all { // whose it is, that session knows
						if alive[j] && sessions(t, r, all[j].access)[ending] {
							alive[j] = false
						}
					}
					r.Must(t, 200, "DELETE /auth/sessions/"+ending, all[i].access, nil)
				}
			case "end others":
				if expect(r.Call(t, "DELETE /auth/sessions", all[i].access, nil), alive[i]) {
					only(i)
				}
			case "log out":
				if expect(r.Call(t, "POST /auth/logout", all[i].access, nil), alive[i]) {
					alive[i] = false
				}
			}
			count := 0
			for j := range all {
				if alive[j] {
					count++
				}
			}
			for j, s := range all {
				if got := r.Call(t, "GET /auth/me", s.access, nil).Status == 200; got != alive[j] {
					rt.Fatalf("session %d goes on: %t, want %t", j, got, alive[j])
				}
				if alive[j] && len(sessions(t, r, s.access)) != count {
					rt.Fatalf("%d sessions go on, listed are %v", count, sessions(t, r, s.access))
				}
			}
		}
	})
}
