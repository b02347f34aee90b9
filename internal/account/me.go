package account

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/member"
	"roster/internal/permission"
	"roster/internal/policy"
	"roster/internal/session"
)

// MeAnswer is who the caller is: the account, and the organization of the token.
type MeAnswer struct {
	User         UserView    `json:"user"`
	Organization *Membership `json:"organization"`
	// Permissions are none as long as the caller lacks the two-factor authentication
	// that the organization requires.
	Permissions []permission.Permission `json:"permissions"`
}

// Me says who the caller is, and what they may do in the token's organization.
func (s Service) Me(ctx context.Context, by access.Identity, _ api.None) (MeAnswer, error) {
	out := MeAnswer{User: self(by), Permissions: []permission.Permission{}}
	if by.Organization() == "" {
		return out, nil
	}
	in, err := member.MembershipIn(ctx, s.Env, by.Organization(), by.User())
	if err != nil {
		return MeAnswer{}, err
	}
	if err := in.Member.Status.Admit(); err != nil {
		return MeAnswer{}, err
	}
	if in.Member.Epoch != by.Epoch() || by.Session().IsEndedIn(by.Organization()) {
		return MeAnswer{}, session.ErrToken
	}
	out.Organization = MembershipOf(in.Organization, in.Member)
	if in.Organization.Policy.Act(in.Member.TwoFactor, s.Now()) == nil && out.Organization.ToAccept == (policy.Terms{}) {
		out.Permissions = in.Organization.Roles.Of(in.Member.Role).List()
	}
	return out, nil
}
