package user_test

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/field"
	"roster/internal/rostertest"
	"roster/internal/secret"
	"roster/internal/totp"
	"roster/internal/user"
)

func otp(t interface{ Fatal(...any) }, text string) field.OTP {
	var o field.OTP
	if err := o.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return o
}

// secured is a stored account with a second factor.
func secured(t testing.TB, r *rostertest.Roster) (u *user.User, s totp.Secret, recovery []string) {
	t.Helper()
	ada := user.New(r.Now(), "ada@example.com", "Ada", "newpassword123")
	keys, err := r.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s = ada.SetUpTwoFactor(keys, r.Now())
	if recovery, err = ada.EnableTwoFactor(keys, otp(t, s.Code(totp.StepAt(r.Now()))), r.Now()); err != nil {
		t.Fatal(err)
	}
	if err := r.Table.Transact(t.Context(), user.Create(ada, user.ErrEmailTaken)...); err != nil {
		t.Fatal(err)
	}
	return &ada, s, recovery
}

// use presents a code to the stored account.
func use(t testing.TB, r *rostertest.Roster, u *user.User, code field.OTP) error {
	t.Helper()
	keys, err := r.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stored, err := user.Get(t.Context(), r.Table, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	writes, err := stored.UseCode(keys, code, r.Now())
	if err != nil {
		return err
	}
	return r.Table.Transact(t.Context(), writes...)
}

func TestACodeIsUsedOnce(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	u, s, recovery := secured(t, r)
	first := otp(t, s.Code(totp.StepAt(r.Now())))
	if err := use(t, r, u, first); !errors.Is(err, user.ErrOTP) {
		t.Errorf("the code that turned it on is taken again: %v", err)
	}
	if err := use(t, r, u, ""); !errors.Is(err, user.ErrOTPRequired) {
		t.Errorf("no code: %v", err)
	}
	r.Advance(totp.Step)
	next := otp(t, s.Code(totp.StepAt(r.Now())))
	if err := use(t, r, u, next); err != nil {
		t.Errorf("the next code: %v", err)
	}
	if err := use(t, r, u, next); !errors.Is(err, user.ErrOTP) {
		t.Errorf("a code is taken twice: %v", err)
	}
	if err := use(t, r, u, otp(t, recovery[3])); err != nil {
		t.Errorf("a recovery code: %v", err)
	}
	if err := use(t, r, u, otp(t, recovery[3])); !errors.Is(err, user.ErrOTP) {
		t.Errorf("a recovery code is taken twice: %v", err)
	}
	for i, code := range recovery {
		if err := use(t, r, u, otp(t, code)); (err == nil) != (i != 3) {
			t.Errorf("recovery code %d: %v", i, err)
		}
	}
}

// Ten log-ins at once present the same code: one gets in.
func TestOneCodeLetsOneOfManyIn(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	u, s, recovery := secured(t, r)
	r.Advance(totp.Step)
	keys, err := r.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for what, code := range map[string]field.OTP{
		"code": otp(t, s.Code(totp.StepAt(r.Now()))), "recovery code": otp(t, recovery[0]),
	} {
		stored, err := user.Get(t.Context(), r.Table, u.ID) // as each of them read it
		if err != nil {
			t.Fatal(err)
		}
		var (
			in atomic.Int32
			wg sync.WaitGroup
		)
		for range 10 {
			wg.Go(func() {
				writes, err := stored.UseCode(keys, code, r.Now())
				if err == nil {
					err = r.Table.Transact(t.Context(), writes...)
				}
				switch {
				case err == nil:
					in.Add(1)
				case !errors.Is(err, user.ErrOTP):
					t.Errorf("%s: %v", what, err)
				}
			})
		}
		wg.Wait()
		if in.Load() != 1 {
			t.Errorf("one %s let %d in", what, in.Load())
		}
	}
}

// A code that was checked does not count for a second factor that replaced the one
// that it is of.
func TestACodeOfAnEarlierSecondFactorIsRefused(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	u, s, _ := secured(t, r)
	keys, err := r.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.Advance(totp.Step)
	writes, err := u.UseCode(keys, otp(t, s.Code(totp.StepAt(r.Now()))), r.Now())
	if err != nil {
		t.Fatal(err)
	}
	replaced := *u
	other := replaced.SetUpTwoFactor(keys, r.Now())
	r.Advance(-time.Minute)
	if _, err := replaced.EnableTwoFactor(keys, otp(t, other.Code(totp.StepAt(r.Now()))), r.Now()); err != nil {
		t.Fatal(err)
	}
	if err := r.Table.Transact(t.Context(), user.Save(replaced, r.Now())); err != nil {
		t.Fatal(err)
	}
	if err := r.Table.Transact(t.Context(), writes...); !errors.Is(err, user.ErrOTP) {
		t.Errorf("%v", err)
	}
}

func TestTheDatabaseAloneHasNoSecretAndNoCode(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	u, s, recovery := secured(t, r)
	if u.TwoFactor.Secret == s.String() || u.TwoFactor.Secret == string(s) {
		t.Error("the secret is stored as it is")
	}
	foreign, err := secret.Derive("another deployment's secret of 32 bytes or more")
	if err != nil {
		t.Fatal(err)
	}
	r.Advance(totp.Step)
	code := otp(t, s.Code(totp.StepAt(r.Now())))
	if _, err := u.UseCode(foreign, code, r.Now()); !errors.Is(err, user.ErrOTP) {
		t.Errorf("keys of another deployment open the secret: %v", err)
	}
	if _, err := u.UseCode(foreign, otp(t, recovery[0]), r.Now()); err != nil {
		t.Errorf("a recovery code depends on the keys: %v", err)
	}
	keys, _ := r.Keys(t.Context())
	moved := *u
	moved.ID = "usr_01JD9Z3V4T5W6X7Y8Z9ABCDEFG"
	if _, err := moved.UseCode(keys, code, r.Now()); !errors.Is(err, user.ErrOTP) {
		t.Errorf("a secret opens for another account: %v", err)
	}
	for _, code := range recovery {
		for digest := range u.TwoFactor.Recovery {
			if digest == code {
				t.Error("a recovery code is stored as it is")
			}
		}
	}
}

func TestASetUpIsNothingUntilItsFirstCode(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	keys, err := r.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u := user.New(r.Now(), "ada@example.com", "Ada", "newpassword123")
	if _, err := u.EnableTwoFactor(keys, "000000", r.Now()); !errors.Is(err, user.ErrOTP) {
		t.Errorf("without a set-up: %v", err)
	}
	s := u.SetUpTwoFactor(keys, r.Now())
	if writes, err := u.UseCode(keys, "", r.Now()); err != nil || writes != nil {
		t.Errorf("a set-up demands codes: %v", err)
	}
	r.Advance(time.Hour)
	if _, err := u.EnableTwoFactor(keys, otp(t, s.Code(totp.StepAt(r.Now()))), r.Now()); !errors.Is(err, user.ErrOTP) {
		t.Errorf("after an hour: %v", err)
	}
}

// Over any history of codes presented, each step and each recovery code counts at
// most once, and steps only go up.
func TestNoHistoryOfCodesCountsOneTwice(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	u, s, recovery := secured(t, r)
	var (
		taken []string
		last  int64
	)
	rapid.Check(t, func(rt *rapid.T) {
		r.Advance(time.Duration(rapid.IntRange(0, 70).Draw(rt, "seconds")) * time.Second)
		step := totp.StepAt(r.Now()) + rapid.Int64Range(-2, 2).Draw(rt, "off")
		code := s.Code(step)
		if rapid.Bool().Draw(rt, "recovery") {
			code = rapid.SampledFrom(recovery).Draw(rt, "code")
		}
		err := use(t, r, u, otp(rt, code))
		if err != nil && !errors.Is(err, user.ErrOTP) {
			rt.Fatal(err)
		}
		if err != nil {
			return
		}
		if len(code) > totp.Digits {
			if slices.Contains(taken, code) {
				rt.Fatalf("recovery code %s twice", code)
			}
			taken = append(taken, code)
			return
		}
		if step <= last {
			rt.Fatalf("step %d after %d", step, last)
		}
		last = step
	})
}
