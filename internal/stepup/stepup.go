// Package stepup asks a person who is logged in for password and code once more,
// before something that a stolen session shall not do: to hand an organization
// over, to delete it, to weaken their account.
package stepup

import (
	"context"
	"errors"
	"time"

	"roster/internal/access"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/secret"
	"roster/internal/session"
	"roster/internal/table"
	"roster/internal/throttle"
	"roster/internal/user"
)

// Proof is what the person sends; embed it in the request of what it allows.
type Proof struct {
	Password field.Attempt `json:"password" required:"true"`
	// OTP is needed where the account has two-factor authentication.
	OTP field.OTP `json:"otp,omitzero"`
}

// Caller is who asks: an access.Identity, or an access.Actor, which may be no
// API key.
type Caller interface {
	User() id.User
	Key() id.Key
}

// ErrPassword refuses another password than the account's.
var ErrPassword = fault.New(fault.Forbidden, "wrong_password", "The password is not that of the account.")

// attempts bounds wrong proofs of one account. Only who has its session makes any,
// and they bar nobody from logging in.
var attempts = throttle.Limit{Name: "step-up", Times: 10, Per: 15 * time.Minute}

// Confirm is the Writes by which a proof is used up, in the transaction of what it
// allows: none where the account has no second factor. It is refused as Check is;
// the Writes with user.ErrOTP, where the code was used meanwhile. It takes as long
// as a log-in, so call it once, before any table.Retry.
func Confirm(ctx context.Context, e *env.Env, by Caller, p Proof) (used []table.Write, err error) {
	_, err = check(ctx, e, by, p.Password, func(u *user.User, keys *secret.Keys) (err error) {
		used, err = u.UseCode(keys, p.OTP, e.Now())
		return err
	})
	return used, err
}

// Check is Confirm for what changes the account itself: it returns the account, as
// it was read, with the proof used up in it, for user.Save. It is refused with
// ErrPassword, user.ErrOTPRequired, user.ErrOTP or access.ErrSession.
func Check(ctx context.Context, e *env.Env, by Caller, p Proof) (*user.User, error) {
	return check(ctx, e, by, p.Password, func(u *user.User, keys *secret.Keys) error {
		return u.SpendCode(keys, p.OTP, e.Now())
	})
}

// Password asks for the password alone, and returns the account. It is refused with
// ErrPassword or access.ErrSession.
func Password(ctx context.Context, e *env.Env, by Caller, password field.Attempt) (*user.User, error) {
	return check(ctx, e, by, password, func(*user.User, *secret.Keys) error { return nil })
}

func check(ctx context.Context, e *env.Env, by Caller, password field.Attempt, code func(*user.User, *secret.Keys) error) (*user.User, error) {
	if by.Key() != "" {
		return nil, access.ErrSession
	}
	if err := attempts.Take(ctx, e, string(by.User())); err != nil {
		return nil, err
	}
	u, err := user.Get(ctx, e.Table, by.User())
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, session.ErrToken
	}
	if !u.CheckPassword(field.Password(password)) {
		return nil, ErrPassword
	}
	keys, err := e.Keys(ctx)
	if err != nil {
		return nil, err
	}
	refused := code(u, keys)
	if refused != nil && !errors.Is(refused, user.ErrOTPRequired) {
		return nil, refused
	}
	if err := attempts.Return(ctx, e, string(by.User())); err != nil {
		return nil, err
	}
	return u, refused
}
