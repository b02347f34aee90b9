package stepup_test

import (
	"errors"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/rostertest"
	"roster/internal/stepup"
	"roster/internal/throttle"
	"roster/internal/totp"
	"roster/internal/user"
)

type caller struct {
	user id.User
	key  id.Key
}

func (c caller) User() id.User { return c.user }
func (c caller) Key() id.Key   { return c.key }

func account(t testing.TB, r *rostertest.Roster) user.User {
	t.Helper()
	u := user.New(r.Now(), "ada@example.com", "Ada", "newpassword123")
	if err := r.Table.Transact(t.Context(), user.Create(u, user.ErrEmailTaken)...); err != nil {
		t.Fatal(err)
	}
	return u
}

func TestAProofIsPasswordAndCode(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	u := account(t, r)
	by := caller{user: u.ID}
	confirm := func(by caller, password, otp string, want error) {
		t.Helper()
		writes, err := stepup.Confirm(t.Context(), r.Env, by, stepup.Proof{Password: field.Attempt(password), OTP: field.OTP(otp)})
		if err == nil {
			err = r.Table.Transact(t.Context(), writes...)
		}
		if !errors.Is(err, want) {
			t.Errorf("password %q, code %q: %v, want %v", password, otp, err, want)
		}
	}
	confirm(by, "newpassword123", "", nil)
	confirm(by, "another password", "", stepup.ErrPassword)
	confirm(caller{user: u.ID, key: id.NewKey(r.Now(), u.ID)}, "newpassword123", "", access.ErrSession)

	keys, err := r.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := u.SetUpTwoFactor(keys, r.Now())
	if _, err := u.EnableTwoFactor(keys, field.OTP(s.Code(totp.StepAt(r.Now()))), r.Now()); err != nil {
		t.Fatal(err)
	}
	if err := r.Table.Transact(t.Context(), user.Save(u, r.Now())); err != nil {
		t.Fatal(err)
	}
	r.Advance(totp.Step)
	code := s.Code(totp.StepAt(r.Now()))
	confirm(by, "newpassword123", "", user.ErrOTPRequired)
	confirm(by, "another password", code, stepup.ErrPassword)
	confirm(by, "newpassword123", "000000", user.ErrOTP)
	confirm(by, "newpassword123", code, nil)
	confirm(by, "newpassword123", code, user.ErrOTP)
}

func TestWrongProofsAreThrottledAndRightOnesAreNot(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	by := caller{user: account(t, r).ID}
	confirm := func(password field.Attempt) error {
		_, err := stepup.Confirm(t.Context(), r.Env, by, stepup.Proof{Password: password})
		return err
	}
	for range 12 {
		if err := confirm("newpassword123"); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if err := confirm("wrong"); !errors.Is(err, stepup.ErrPassword) {
			t.Fatal(err)
		}
	}
	if err := confirm("newpassword123"); !errors.Is(err, throttle.ErrTooMany) {
		t.Errorf("the eleventh: %v", err)
	}
	r.Advance(15 * time.Minute)
	if err := confirm("newpassword123"); err != nil {
		t.Errorf("after a while: %v", err)
	}
}
