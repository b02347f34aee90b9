package account

import (
	"context"
	"errors"
	"slices"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/email"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/secret"
	"roster/internal/session"
	"roster/internal/table"
	"roster/internal/throttle"
	"roster/internal/user"
)

// LoginRequest logs a person in.
type LoginRequest struct {
	Email    email.Address `json:"email" required:"true"`
	Password field.Attempt `json:"password" required:"true"`
	// Organization is the one to enter; where it is not said, the one used last.
	Organization id.Organization `json:"org_id,omitzero"`
	// OTP is needed where the account has two-factor authentication.
	OTP field.OTP `json:"otp,omitzero"`
}

var errLogin = fault.New(fault.Unauthenticated, "invalid_login", "The address or the password is wrong.")

// Limits on wrong guesses. An account knows the places where it was logged in, and
// whoever comes from one of them is counted apart: nothing that is tried elsewhere
// keeps them out.
var (
	// One address, from one place.
	guesses = throttle.Limit{Name: "login", Times: 20, Per: 15 * time.Minute}
	// One address, from all strange places together.
	guessesAt = throttle.Limit{Name: "login-at", Times: 100, Per: time.Hour}
	// Any address, from one place.
	guessesFrom = throttle.Limit{Name: "login-from", Times: 1000, Per: 15 * time.Minute}
	// One address, from one place that it knows: the bound of NIST SP 800-63B, section 5.2.2.
	guessesKnown = throttle.Limit{Name: "login-known", Times: 100, Per: time.Hour}

	// Codes of one account, by who knows its password.
	codes      = throttle.Limit{Name: "otp", Times: 10, Per: 15 * time.Minute}
	codesDaily = throttle.Limit{Name: "otp-day", Times: 50, Per: 24 * time.Hour}
)

// Login opens a session: in the organization that is named, or else in the one
// that was used last or, where that does not admit its person any more, in
// another. Neither the answer nor the time it takes tells whether there is an
// account.
func (s Service) Login(ctx context.Context, from api.Client, in LoginRequest) (Tokens, error) {
	u, err := user.ByEmail(ctx, s.Table, in.Email)
	if err != nil {
		return Tokens{}, err
	}
	place := throttle.Network(from.IP)
	guess := guessing(in.Email, place, u.Knows(place))
	if err := guess.Take(ctx, s.Env); err != nil {
		return Tokens{}, err
	}
	if !u.CheckPassword(field.Password(in.Password)) {
		return Tokens{}, errLogin
	}
	if err := guess.Return(ctx, s.Env); err != nil {
		return Tokens{}, err
	}
	used, err := s.secondFactor(ctx, u, in.OTP, place)
	if err != nil {
		return Tokens{}, err
	}
	return OpenSession(ctx, s.Env, *u, in.Organization, from, used...)
}

// guessing is what bounds a guess at the password of an address. The narrowest
// limit comes first: what it refuses counts against no other.
func guessing(address email.Address, place string, known bool) throttle.Attempt {
	who := id.AddressHash(string(address))
	if known {
		return throttle.Attempt{{Limit: guessesKnown, Subject: place + "#" + who}}
	}
	return throttle.Attempt{
		{Limit: guesses, Subject: place + "#" + who},
		{Limit: guessesAt, Subject: who},
		{Limit: guessesFrom, Subject: place},
	}
}

// secondFactor is the Writes by which a code of the account is used up.
func (s Service) secondFactor(ctx context.Context, u *user.User, code field.OTP, place string) (used []table.Write, err error) {
	err = s.tryCode(ctx, u, code, place, func(keys *secret.Keys) (err error) {
		used, err = u.UseCode(keys, code, s.Now())
		return err
	})
	return used, err
}

// tryCode lets a code of the account be used, where it has a second factor. Wrong
// ones are throttled and never bar the account for good, and those from elsewhere do
// not bar who comes from a known place.
func (s Service) tryCode(ctx context.Context, u *user.User, code field.OTP, place string, use func(*secret.Keys) error) error {
	switch {
	case u.TwoFactor == nil:
		return nil
	case code == "":
		return user.ErrOTPRequired
	}
	who := string(u.ID)
	if u.Knows(place) {
		who += "#" + place
	}
	guess := throttle.Attempt{{Limit: codes, Subject: who}, {Limit: codesDaily, Subject: who}}
	if err := guess.Take(ctx, s.Env); err != nil {
		return err
	}
	keys, err := s.Keys(ctx)
	if err != nil {
		return err
	}
	if err := use(keys); err != nil {
		return err
	}
	return guess.Return(ctx, s.Env)
}

// OpenSession logs an account in, to an organization if one is named, with further
// writes. An organization that demands another password is not entered: the tokens
// are for none, and change it.
func OpenSession(ctx context.Context, e *env.Env, u user.User, named id.Organization, from api.Client, writes ...table.Write) (Tokens, error) {
	memberships, err := member.Memberships(ctx, e, u.ID)
	if err != nil {
		return Tokens{}, err
	}
	live := session.New(e.Now(), u.ID, u.SessionEpoch, from)
	entered, err := enter(memberships, named, u.LastOrganization)
	if err != nil {
		return Tokens{}, err
	}
	var (
		in    *Membership
		ended *Ended
	)
	if entered != nil {
		if ended, err = endedBy(entered.Organization, entered.Organization.Policy.Enter(live.Login(u.PasswordLength), e.Now())); err != nil {
			return Tokens{}, err
		}
	}
	if entered != nil && ended == nil {
		if err := noteTwoFactor(ctx, e, u.TwoFactor != nil, &entered.Member); err != nil {
			return Tokens{}, err
		}
		live = live.In(entered.Organization.ID, entered.Member.Epoch)
		in = MembershipOf(entered.Organization, entered.Member)
	}
	out, err := NewTokens(ctx, e, View(u), live, in)
	if err != nil {
		return Tokens{}, err
	}
	out.Ended = ended
	if out, err = api.Commit(ctx, e.Table, out, append(writes, live.Create())...); err != nil {
		return Tokens{}, err
	}
	if place := throttle.Network(from.IP); !u.Knows(place) {
		u.Meet(place)
		if err := e.Table.Transact(ctx, u.SavePlaces()); err != nil { // the next log-in there tries again
			e.Log.WarnContext(ctx, "place of a log-in not kept", "error", err)
		}
	}
	return out, nil
}

// enter picks the organization of a log-in: the one that is named, and no other;
// else the last one if it admits the member, else the first that does; nil if
// none does.
func enter(memberships []member.Membership, named, last id.Organization) (*member.Membership, error) {
	if named != "" {
		i := slices.IndexFunc(memberships, func(m member.Membership) bool { return m.Organization.ID == named })
		if i < 0 {
			return nil, access.ErrOrg
		}
		return &memberships[i], memberships[i].Admit()
	}
	var first *member.Membership
	for i := range memberships {
		switch m := &memberships[i]; {
		case m.Admit() != nil:
		case m.Organization.ID == last:
			return m, nil
		case first == nil || first.Organization.Admit() != nil: // an owner's that is being deleted comes last
			first = m
		}
	}
	return first, nil
}

// noteTwoFactor lets a membership that a person enters say that the account has a
// second factor, where it does not yet: it was made while that was turned on, or
// that was cut off.
func noteTwoFactor(ctx context.Context, e *env.Env, has bool, m *member.Member) error {
	if !has || m.TwoFactor {
		return nil
	}
	err := e.Table.Transact(ctx, member.SetTwoFactor(m.Organization, m.ID, true), user.HasTwoFactor(m.ID))
	if errors.Is(err, table.ErrChanged) { // it was turned off meanwhile
		return nil
	}
	m.TwoFactor = err == nil
	return err
}
