package account

import (
	"context"
	"crypto/subtle"
	"slices"

	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/email"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/outbox"
	"roster/internal/session"
	"roster/internal/table"
	"roster/internal/throttle"
	"roster/internal/user"
)

// RegisterRequest opens an account.
type RegisterRequest struct {
	Email    email.Address  `json:"email" required:"true"`
	Password field.Password `json:"password" required:"true"`
	Name     field.Name     `json:"name" required:"true"`
	// Organization names a first organization; the caller becomes its owner.
	Organization field.Name `json:"organization,omitzero"`
	// SetupToken makes the account the deployment's first platform administrator.
	SetupToken field.Token `json:"setup_token,omitzero"`
}

var (
	errSetupToken = fault.New(fault.Forbidden, "invalid_setup_token", "The set-up token is not that of this deployment.")
	errSetupUsed  = fault.New(fault.Conflict, "setup_done", "The set-up token was used already.")
)

// Register opens an account and logs it in. The address counts as verified once
// the mailed link was followed.
func (s Service) Register(ctx context.Context, from api.Client, in RegisterRequest) (Tokens, error) {
	if err := registrations.Take(ctx, s.Env, throttle.Network(from.IP)); err != nil {
		return Tokens{}, err
	}
	if err := AllowPassword(ctx, s.Env, "/password", in.Password, user.User{Email: in.Email, Name: in.Name},
		organization.Organization{Name: in.Organization}); err != nil {
		return Tokens{}, err
	}
	now := s.Now()
	u := user.New(now, in.Email, in.Name, in.Password)
	var writes []table.Write
	if in.SetupToken != "" {
		claim, err := s.claimSetup(ctx, in.SetupToken, u)
		if err != nil {
			return Tokens{}, err
		}
		u.Platform = true
		writes = append(writes, claim)
	}
	var (
		org     organization.Organization
		founder member.Member
		founded *Membership
	)
	if in.Organization != "" {
		if !s.OpenSignUp && !u.Platform {
			return Tokens{}, errSignUpClosed
		}
		org, founder = newOrganization(now, View(u), in.Organization)
		founded = MembershipOf(org, founder)
		writes = append(writes, founding(now, org, founder, audit.User(u.ID, from))...)
	}
	u.LastOrganization = org.ID
	u.Meet(throttle.Network(from.IP))
	verify, err := VerificationMail(ctx, s.Env, &u, "")
	if err != nil {
		return Tokens{}, err
	}
	live := session.New(now, u.ID, u.SessionEpoch, from).In(org.ID, founder.Epoch)
	writes = slices.Concat(user.Create(u, user.ErrEmailTaken), writes, []table.Write{live.Create(), verify})
	out, err := NewTokens(ctx, s.Env, View(u), live, founded)
	if err != nil {
		return Tokens{}, err
	}
	return api.Commit(ctx, s.Table, out, writes...)
}

// claimSetup is the Write that uses up the set-up token.
func (s Service) claimSetup(ctx context.Context, token field.Token, u user.User) (table.Write, error) {
	want, err := s.SetupToken(ctx)
	if err != nil {
		return table.Write{}, err
	}
	if want == "" || subtle.ConstantTimeCompare([]byte(want), []byte(token)) != 1 {
		return table.Write{}, errSetupToken
	}
	type setup struct {
		User id.User `dynamodbav:"user"`
	}
	return table.Write{Key: table.Setup(), Put: setup{u.ID}, If: table.Absent, Else: errSetupUsed}, nil
}

// VerificationMail gives an account a new link, and is the Write of its mail. Where
// the link's click also accepts an invitation, the mail names its organization.
func VerificationMail(ctx context.Context, e *env.Env, u *user.User, organization field.Name) (table.Write, error) {
	token := u.StartVerification(e.Now())
	return outbox.Enqueue(ctx, e, outbox.Mail{To: u.Email, Kind: mail.VerifyAddress, Data: mail.Data{
		Recipient: string(u.Name), Organization: string(organization),
		Link: verifyLink(e, token), ExpiresAt: u.Verification.ExpiresAt,
	}})
}

// verifyLink leads to the page that proves an address. The token stands in the
// fragment: mail scanners that open links change nothing, and no log sees it.
func verifyLink(e *env.Env, token string) string { return e.PublicURL + "/verify#" + token }
