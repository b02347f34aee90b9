package console_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func TestNewPersonJoinsByTheMailedLink(t *testing.T) {
	t.Parallel()
	s := visit(t)
	token, org := s.acme(t)
	const markup = `<img src=x onerror="document.body.remove()"> & hello`
	_, mailed := s.invite(t, token, org, "new@acme.example", markup)

	s.open(t, mailed)
	text := s.see(t, "Join Acme")
	for _, want := range []string{"You’ve been invited", "Olga Owner", markup, "new@acme.example", "member"} {
		if !strings.Contains(text, want) {
			t.Errorf("the invitation does not say %q:\n%s", want, text)
		}
	}
	s.fill(t, "#name", "Nora New")
	s.press(t, "#create .button")
	s.wait(t, "Please fill this in.")
	s.fill(t, "#password", "short")
	s.press(t, "#create .button")
	s.wait(t, "shorter than 8 characters")
	s.fill(t, "#password", "newpassword123")
	s.press(t, "#create .button")
	s.see(t, "You’re in Acme")
	s.press(t, "#make-key")
	s.wait(t, "rk_")

	var key string
	s.do(t, chromedp.Text("#key", &key, chromedp.ByQuery))
	if listed := s.Call(t, "GET /api/organizations/"+org+"/keys", key, nil); listed.Status != 200 {
		t.Errorf("the key that was shown does not work: %s", listed.Raw)
	}
	var kept int
	s.do(t, chromedp.Evaluate(`localStorage.length + sessionStorage.length + document.cookie.length`, &kept))
	if kept != 0 {
		t.Error("the browser keeps something after the page is closed")
	}
	s.open(t, mailed)
	s.see(t, "This invitation is over")
}

// The page shows what one agrees to and gets, and accepts the version that it shows:
// here one that is newer than the mail.
func TestPageShowsThePolicyThatItAccepts(t *testing.T) {
	t.Parallel()
	s := visit(t)
	token, org := s.acme(t)
	_, mailed := s.invite(t, token, org, "new@acme.example", "Hello")
	s.Must(t, 200, "PUT /api/organizations/"+org, token, map[string]any{"policy_url": "https://acme.example/policy", "default_monthly_limit": "50"})
	s.open(t, mailed)
	text := s.see(t, "Join Acme")
	for _, want := range []string{"by accepting you agree", "usage policy", "$50 a month", "Without an end date"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q:\n%s", want, text)
		}
	}
	s.fill(t, "#name", "Nora New")
	s.fill(t, "#password", "newpassword123")
	s.press(t, "#create .button")
	s.see(t, "You’re in Acme")
	listed := s.Must(t, 200, "GET /api/organizations/"+org+"/members?search=new", token, nil)
	row := listed.At("members").([]any)[0].(map[string]any)
	if got, ok := row["policy"].(map[string]any); !ok || got["version"] != 1.0 || got["how"] != "invitation" {
		t.Errorf("%s", listed.Raw)
	}
}

func TestNewPersonWithTheSharedLinkProvesTheirAddress(t *testing.T) {
	t.Parallel()
	s := visit(t)
	token, org := s.acme(t)
	shown, _ := s.invite(t, token, org, "new@acme.example", "")

	s.open(t, shown)
	s.see(t, "Join Acme")
	s.fill(t, "#name", "Nora New")
	s.fill(t, "#password", "newpassword123")
	s.Advance(time.Second)
	s.press(t, "#create .button")
	s.see(t, "Check your mail")

	verify := s.LastMail(t, "new@acme.example").Data.Link
	s.open(t, verify)
	s.see(t, "Verify your address")
	login := map[string]any{"email": "new@acme.example", "password": "newpassword123"}
	if before := s.Must(t, 200, "POST /auth/login", "", login); before.At("user", "email_verified") != false {
		t.Errorf("opening the link proved the address: %s", before.Raw)
	}
	s.press(t, "#verify .button")
	s.wait(t, "Please fill this in.")
	s.fill(t, "#password", "short")
	s.press(t, "#verify .button")
	s.wait(t, "shorter than 8 characters")
	if before := s.Must(t, 200, "POST /auth/login", "", login); before.At("user", "email_verified") != false {
		t.Errorf("a click without a password proved the address: %s", before.Raw)
	}
	s.fill(t, "#password", "newpassword123")
	s.press(t, "#verify .button")
	s.see(t, "You’re in Acme")
	if after := s.Must(t, 200, "POST /auth/login", "", login); after.String("organization", "name") != "Acme" {
		t.Errorf("not a member: %s", after.Raw)
	}
}

func TestPageTakesAnAccountOverFromWhoeverClaimedTheAddress(t *testing.T) {
	t.Parallel()
	s := visit(t)
	s.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "victim@acme.example", "password": "known to the attacker", "name": "Squatter"})
	s.open(t, s.LastMail(t, "victim@acme.example").Data.Link)
	if text := s.see(t, "Verify your address"); !strings.Contains(text, "If it was not you who registered this address, choose a new one") {
		t.Errorf("the page does not say what a new password does:\n%s", text)
	}
	s.fill(t, "#password", "newpassword123")
	s.press(t, "#verify .button")
	s.see(t, "Did you register this address?")
	s.press(t, "#retype")
	s.see(t, "Verify your address")
	s.press(t, "#verify .button")
	s.see(t, "Did you register this address?")
	s.press(t, "#claim")
	s.see(t, "Your address is verified")
	for password, status := range map[string]int{"known to the attacker": 401, "newpassword123": 200} {
		s.Must(t, status, "POST /auth/login", "", map[string]any{"email": "victim@acme.example", "password": password})
	}
}

func TestHolderOfAnAccountLogsInToJoin(t *testing.T) {
	t.Parallel()
	s := visit(t)
	token, org := s.acme(t)
	s.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "known@acme.example", "password": "newpassword123", "name": "Karl Known"})
	s.Must(t, 200, "POST /auth/verify-email", "", map[string]any{"token": s.LastMail(t, "known@acme.example").LinkToken()})
	_, mailed := s.invite(t, token, org, "known@acme.example", "")

	s.open(t, mailed)
	if text := s.see(t, "Join Acme"); !strings.Contains(text, "You have an account already.") {
		t.Errorf("the page does not say that there is an account:\n%s", text)
	}
	s.fill(t, "#login-password", "wrongpassword")
	s.press(t, "#login .button")
	s.wait(t, "The address or the password is wrong.")
	s.fill(t, "#login-password", "newpassword123")
	s.press(t, "#login .button")
	s.see(t, "You’re in Acme")
}

func TestLoggingInAsSomeoneElseDoesNotJoin(t *testing.T) {
	t.Parallel()
	s := visit(t)
	token, org := s.acme(t)
	shown, _ := s.invite(t, token, org, "new@acme.example", "")
	s.open(t, shown)
	s.see(t, "Join Acme")
	s.press(t, `[data-show="login"]`)
	s.fill(t, "#login-email", "owner@acme.example")
	s.fill(t, "#login-password", "newpassword123")
	s.press(t, "#login .button")
	s.wait(t, "The invitation is for new@acme.example. Log in with that account.")
}

func TestLinksThatLeadNowhereSaySo(t *testing.T) {
	t.Parallel()
	s := visit(t)
	token, org := s.acme(t)
	shown, mailed := s.invite(t, token, org, "new@acme.example", "")

	s.open(t, "/invite")
	s.see(t, "This link is not complete")
	s.open(t, "/verify")
	s.see(t, "This link is not complete")
	s.open(t, "/invite#nonsense/../../x")
	s.see(t, "This link leads nowhere")
	s.open(t, shown[:len(shown)-1]+"~")
	s.see(t, "This link leads nowhere")
	s.open(t, "/verify#nonsense")
	s.see(t, "Verify your address")
	s.fill(t, "#password", "newpassword123")
	s.press(t, "#verify .button")
	s.see(t, "This link does not work any more")
	s.Advance(8 * 24 * time.Hour)
	s.open(t, mailed)
	if text := s.see(t, "This invitation has expired"); !strings.Contains(text, "Ask the person who invited you for a new one.") {
		t.Errorf("the page does not say what to do:\n%s", text)
	}
}
