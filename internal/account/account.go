// Package account is what people do with their accounts: register, prove their
// address, log in and out, move between their organizations, found one.
package account

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/email"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/policy"
	"roster/internal/route"
	"roster/internal/session"
	"roster/internal/throttle"
	"roster/internal/user"
)

// Service has the use cases of accounts.
type Service struct{ *env.Env }

// Endpoints are the routes of accounts, and the founding of organizations.
func Endpoints(e *env.Env) []api.Endpoint {
	s := Service{e}
	return []api.Endpoint{
		api.Handle(route.Register, api.Anyone, s.Register),
		api.Handle(route.ResendVerification, access.Person(e), s.ResendVerification),
		api.Handle(route.Login, api.Anyone, s.Login),
		api.Handle(route.Refresh, api.Anyone, s.Refresh),
		api.Handle(route.Logout, access.Person(e), s.Logout),
		api.Handle(route.ForgotPassword, api.Anyone, s.ForgotPassword),
		api.Handle(route.ResetPassword, api.Anyone, s.ResetPassword),
		api.Handle(route.ChangePassword, access.Person(e), s.ChangePassword),
		api.Handle(route.ListSessions, access.Person(e), s.ListSessions),
		api.Handle(route.EndSession, access.Person(e), s.EndSession),
		api.Handle(route.EndOtherSessions, access.Person(e), s.EndOtherSessions),
		api.Handle(route.Me, access.Person(e), s.Me),
		api.Handle(route.MyOrganizations, access.Person(e), s.ListOrganizations),
		api.Handle(route.SwitchOrganization, access.Person(e), s.SwitchOrganization),
		api.Handle(route.JWKS, api.Anyone, s.JWKS),
		api.Handle(route.CreateOrganization, access.Person(e), s.CreateOrganization),
		api.Handle(route.SetUpTwoFactor, access.Person(e), s.SetUpTwoFactor),
		api.Handle(route.EnableTwoFactor, access.Person(e), s.EnableTwoFactor),
		api.Handle(route.DisableTwoFactor, access.Person(e), s.DisableTwoFactor),
	}
}

// Limits on what costs others something; those on guesses stand beside Login.
var (
	registrations = throttle.Limit{Name: "register", Times: 100, Per: time.Hour}
	verifications = throttle.Limit{Name: "verify", Times: 3, Per: time.Hour}
	foundings     = throttle.Limit{Name: "found", Times: 10, Per: 24 * time.Hour}
)

var errSignUpClosed = fault.New(fault.Forbidden, "sign_up_closed",
	"Organizations of this deployment are created by its platform administrators.")

// Tokens is the answer of everything that logs a person in.
type Tokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"`
	// ExpiresIn is the access token's life, in seconds.
	ExpiresIn int      `json:"expires_in"`
	User      UserView `json:"user"`
	// Org is that of the tokens; null, they are for none: switch to one.
	Org *Membership `json:"organization"`
	// Ended is the organization that the session was in, or was to enter, where that
	// does not admit its person, or this session, any more.
	Ended *Ended `json:"ended,omitzero"`
}

// Ended is an organization that a session is not in any more; Code and Detail say why.
type Ended struct {
	ID     id.Organization `json:"id"`
	Name   field.Name      `json:"name"`
	Code   string          `json:"code"`
	Detail string          `json:"detail"`
}

// UserView is an account as its holder sees it.
type UserView struct {
	ID       id.User       `json:"id"`
	Email    email.Address `json:"email"`
	Name     field.Name    `json:"name"`
	Verified bool          `json:"email_verified"`
	// TwoFactor: logging in takes a code, or a recovery code.
	TwoFactor     bool `json:"two_factor"`
	Administrator bool `json:"platform_administrator,omitzero"`
}

// Membership is an organization as one of its members sees it.
type Membership struct {
	ID     id.Organization `json:"id"`
	Name   field.Name      `json:"name"`
	Role   string          `json:"role"`
	Status member.Status   `json:"status"`
	// OrganizationStatus is the organization's own: where it is not active, members
	// may do nothing in it.
	OrganizationStatus organization.Status `json:"organization_status"`
	// DeletesAt is when the data of an organization that is being deleted are erased.
	DeletesAt time.Time `json:"deletes_at,omitzero"`
	// TwoFactorRequiredFrom is told to who has no two-factor authentication where the
	// organization requires it: from then on they may do nothing in it before they
	// have set it up.
	TwoFactorRequiredFrom time.Time `json:"two_factor_required_from,omitzero"`
	// ToAccept is the policy that the member has to accept before they do anything else
	// in the organization.
	ToAccept policy.Terms `json:"policy_to_accept,omitzero"`
}

// View shows an account.
func View(u user.User) UserView {
	return UserView{
		ID: u.ID, Email: u.Email, Name: u.Name, Verified: u.Verified, TwoFactor: u.TwoFactor != nil, Administrator: u.Platform,
	}
}

// self is the account of who calls, as authentication read it.
func self(by access.Identity) UserView {
	return UserView{
		ID: by.User(), Email: by.Email(), Name: by.Name(), Verified: by.Verified(), TwoFactor: by.TwoFactor(), Administrator: by.PlatformAdministrator(),
	}
}

// MembershipOf shows a member's organization.
func MembershipOf(o organization.Organization, m member.Member) *Membership {
	out := &Membership{
		ID: o.ID, Name: o.Name, Role: m.Role, Status: m.Status, OrganizationStatus: o.Status, DeletesAt: o.DeletesAt,
		ToAccept: m.Owed(o),
	}
	if !m.TwoFactor {
		out.TwoFactorRequiredFrom = o.Policy.TwoFactorFrom()
	}
	return out
}

// NewTokens is the answer that logs an account in with a session.
func NewTokens(ctx context.Context, e *env.Env, u UserView, s session.Session, in *Membership) (Tokens, error) {
	keys, err := e.Keys(ctx)
	if err != nil {
		return Tokens{}, err
	}
	t, err := s.Tokens(e, keys)
	if err != nil {
		return Tokens{}, err
	}
	return Tokens{
		AccessToken: t.Access, RefreshToken: t.Refresh, TokenType: "Bearer",
		ExpiresIn: int(session.AccessTTL.Seconds()), User: u, Org: in,
	}, nil
}
