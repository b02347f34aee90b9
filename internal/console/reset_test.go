package console_test

import (
	"encoding/base32"
	"strings"
	"testing"
	"time"

	"roster/internal/mail"
	"roster/internal/totp"
)

func TestForgottenPasswordIsReplacedInTheBrowser(t *testing.T) {
	t.Parallel()
	s := visit(t)
	s.acme(t)
	s.open(t, s.PublicURL+"/reset")
	s.see(t, "Forgot your password?")
	s.fill(t, "#email", "owner@acme")
	s.press(t, "#forgot .button")
	s.wait(t, "This is not an")
	s.Advance(time.Second) // the newest mail is told by its time
	s.fill(t, "#email", "owner@acme.example")
	s.press(t, "#forgot .button")
	if text := s.see(t, "A link is on its way"); !strings.Contains(text, "owner@acme.example") {
		t.Errorf("the page shows:\n%s", text)
	}
	m := s.LastMail(t, "owner@acme.example")
	if m.Kind != mail.PasswordReset {
		t.Fatalf("mail %s", m.Kind)
	}
	s.open(t, m.Data.Link)
	s.see(t, "Choose a new password")
	s.fill(t, "#password", "short")
	s.press(t, "#reset .button")
	s.wait(t, "This is shorter")
	s.fill(t, "#password", "something quite different")
	s.press(t, "#reset .button")
	s.see(t, "You have a new password")
	s.Must(t, 200, "POST /auth/login", "", map[string]any{"email": "owner@acme.example", "password": "something quite different"})

	s.open(t, m.Data.Link)
	s.see(t, "Choose a new password")
	s.fill(t, "#password", "something else again")
	s.press(t, "#reset .button")
	s.see(t, "This link does not work any more")
	s.press(t, "#again")
	s.see(t, "Forgot your password?")
}

func TestPageAsksForTheSecondFactor(t *testing.T) {
	t.Parallel()
	s := visit(t)
	token, _ := s.acme(t)
	setup := s.Must(t, 200, "POST /auth/2fa/setup", token, map[string]any{"password": "newpassword123"})
	secret, err := base32.StdEncoding.DecodeString(setup.String("secret"))
	if err != nil {
		t.Fatal(err)
	}
	code := func() string { return totp.Secret(secret).Code(totp.StepAt(s.Now())) }
	s.Must(t, 200, "POST /auth/2fa/enable", token, map[string]any{"otp": code()})
	s.Advance(totp.Step)
	s.Must(t, 200, "POST /auth/password/forgot", "", map[string]any{"email": "owner@acme.example"})
	s.open(t, s.LastMail(t, "owner@acme.example").Data.Link)
	s.see(t, "Choose a new password")
	s.fill(t, "#password", "something quite different")
	s.press(t, "#reset .button")
	s.see(t, "One more step")
	s.fill(t, "#otp", "000000")
	s.press(t, "#code .button")
	s.wait(t, "This code is wrong")
	s.fill(t, "#otp", code())
	s.press(t, "#code .button")
	s.see(t, "You have a new password")
}
