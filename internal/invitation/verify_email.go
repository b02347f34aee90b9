package invitation

import (
	"cmp"
	"context"
	"errors"
	"time"

	"roster/internal/account"
	"roster/internal/api"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/table"
	"roster/internal/throttle"
	"roster/internal/user"
)

// VerifyRequest proves an address by the token that was mailed to it.
type VerifyRequest struct {
	Token field.Token `json:"token" required:"true"`
	// Password is the account's. Whoever asks a person to verify has to ask for it,
	// lest they verify an account that somebody else made with their address.
	Password field.Password `json:"password,omitzero"`
	// Claim makes an account that somebody else made the holder's: the password
	// becomes this one, and all sessions, keys and open requests of the account end.
	Claim bool `json:"claim,omitzero"`
}

var errNotThePassword = fault.New(fault.Forbidden, "password_mismatch",
	"The address was registered with another password. If it was not you who did, claim the account.")

var errVerified = fault.New(fault.Conflict, "already_verified",
	"The address is verified already, and the account has another password.")

// guesses bounds how often a link is tried with wrong passwords.
var guesses = throttle.Limit{Name: "verify-guess", Times: 20, Per: time.Hour}

func (in VerifyRequest) Validate() []fault.Field {
	if in.Claim && in.Password == "" {
		return []fault.Field{{Pointer: "/password", Reason: "is required to claim an account"}}
	}
	return nil
}

// VerifyAnswer is the account, and the organization of which it became a member.
type VerifyAnswer struct {
	User         account.UserView    `json:"user"`
	Organization *account.Membership `json:"organization"`
	// Invitation says what became of the invitation by which the account was made.
	Invitation *Outcome `json:"invitation,omitzero"`
}

// Outcome is what became of an invitation; Code and Detail say why, if it was not
// accepted.
type Outcome struct {
	Status Status `json:"status"`
	Code   string `json:"code,omitzero"`
	Detail string `json:"detail,omitzero"`
}

// VerifyEmail marks the account's address as proved, and accepts the invitation
// by whose shown link the account was made. An invitation that is no longer good
// does not keep the address from being verified. Repeated with the same token
// until that expires, it answers the same and changes nothing, whatever the
// password; but a claim with another password than the account's is refused.
func (s Service) VerifyEmail(ctx context.Context, from api.Client, in VerifyRequest) (VerifyAnswer, error) {
	holder, err := user.VerificationUser(in.Token)
	if err != nil {
		return VerifyAnswer{}, err
	}
	var out VerifyAnswer
	err = table.Retry(ctx, func() error {
		now := s.Now()
		u, err := user.Get(ctx, s.Table, holder)
		if err != nil {
			return err
		}
		if err := u.CheckVerification(in.Token, now); err != nil {
			return err
		}
		repeat := u.Verified
		if err := s.own(ctx, u, in, from); err != nil {
			return err
		}
		u.Verified, u.Verification.Asked = true, nil
		var writes []table.Write
		if out, writes, err = s.joinByVerification(ctx, u, from, repeat); err != nil || repeat {
			return err
		}
		out, err = api.Commit(ctx, s.Table, out, append(writes, user.Save(*u, now))...)
		return err
	})
	return out, err
}

// own tells whether the account is of who verifies it, and makes it theirs where
// they claim it. A take-over that was interrupted is completed.
func (s Service) own(ctx context.Context, u *user.User, in VerifyRequest, from api.Client) error {
	if in.Password == "" || u.Verified && !in.Claim {
		return account.FinishTakeOver(ctx, s.Env, u, from)
	}
	if err := guesses.Take(ctx, s.Env, string(u.ID)); err != nil {
		return err
	}
	switch {
	case in.Claim && !u.Verified:
		if err := s.allowClaim(ctx, *u, in.Password); err != nil {
			return err
		}
		return account.TakeOver(ctx, s.Env, u, in.Password, from)
	case u.CheckPassword(in.Password):
		return account.FinishTakeOver(ctx, s.Env, u, from)
	case in.Claim:
		return errVerified
	}
	return errNotThePassword
}

// allowClaim refuses a password that who claims an account may not choose, by what
// the organizations demand of which they are, or by the invitation become, a member.
func (s Service) allowClaim(ctx context.Context, u user.User, password field.Password) error {
	var joining []organization.Organization
	for _, ref := range u.Invitations() {
		o, err := organization.Get(ctx, s.Table, ref.Organization)
		switch {
		case err != nil:
			return err
		case o != nil:
			joining = append(joining, *o)
		}
	}
	return account.AllowPassword(ctx, s.Env, "/password", password, u, joining...)
}

// joinByVerification is the answer for an account, and the Writes by which it
// accepts its invitation, if it has one that is good.
func (s Service) joinByVerification(ctx context.Context, u *user.User, from api.Client, repeat bool) (VerifyAnswer, []table.Write, error) {
	out := VerifyAnswer{User: account.View(*u)}
	ref := u.Verification.Invitation
	if ref == nil {
		return out, nil, nil
	}
	p, err := s.prospect(ctx, ref.Organization, ref.ID.AddressHash())
	if err != nil {
		return out, nil, err
	}
	if err := member.Lapse(ctx, s.Env, p.member); err != nil {
		return out, nil, err
	}
	if p.invitation == nil || p.invitation.ID != ref.ID {
		out.Invitation = &Outcome{Status: Revoked, Code: errGone.Code, Detail: errGone.Detail}
		return out, nil, nil
	}
	if p.invitation.Status == Accepted && p.invitation.AcceptedBy == u.ID {
		out.Invitation = &Outcome{Status: Accepted}
		if p.member != nil {
			out.Organization = account.MembershipOf(*p.organization, *p.member)
		}
		return out, nil, nil
	}
	if refused, ok := errors.AsType[*fault.Error](p.acceptable(s.Now())); ok {
		out.Invitation = &Outcome{Status: p.invitation.StatusAt(s.Now()), Code: refused.Code, Detail: refused.Detail}
		return out, nil, nil
	}
	if repeat {
		out.Invitation = &Outcome{Status: p.invitation.Status}
		return out, nil, nil
	}
	u.LastOrganization = cmp.Or(u.LastOrganization, p.organization.ID)
	m, writes, err := s.admission(ctx, p, *u, from)
	if err != nil {
		return out, nil, err
	}
	out.Organization, out.Invitation = account.MembershipOf(*p.organization, m), &Outcome{Status: Accepted}
	return out, writes, nil
}
