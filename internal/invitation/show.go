package invitation

import (
	"context"
	"time"

	"roster/internal/api"
	"roster/internal/email"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/money"
)

// ShowRequest names an invitation by a link's token.
type ShowRequest struct {
	Token field.Token `path:"token" json:"-"`
}

// ShowAnswer is what an invitation link offers.
type ShowAnswer struct {
	Invitation Offered `json:"invitation"`
}

// Offered is an invitation as the invited person sees it.
type Offered struct {
	Organization OfferedOrganization `json:"organization"`
	Email        email.Address       `json:"email"`
	Name         field.Name          `json:"name"`
	Role         string              `json:"role"`
	InvitedBy    string              `json:"invited_by"`
	Message      field.Text          `json:"message"`
	Status       Status              `json:"status"`
	ExpiresAt    time.Time           `json:"expires_at"`
	// ProvesMailbox: the link came by mail, so that no further proof is needed.
	ProvesMailbox bool `json:"proves_mailbox"`
	// HasAccount, told to the mailed link alone: log in to accept.
	HasAccount     *bool      `json:"has_account,omitzero"`
	WelcomeMessage field.Text `json:"welcome_message"`
	GuidelinesURL  field.URL  `json:"guidelines_url"`
	// PolicyURL leads to the policy that one accepts with the invitation, by sending the
	// version along.
	PolicyURL     field.URL `json:"policy_url"`
	PolicyVersion int       `json:"policy_version,omitzero"`
	// MonthlyLimit and DailyLimit are what will bind the member, in USD; null is
	// unlimited.
	MonthlyLimit *money.Amount `json:"monthly_limit"`
	DailyLimit   *money.Amount `json:"daily_limit"`
	// MembershipEndsAt is when the membership is to end; null, it is not.
	MembershipEndsAt *time.Time `json:"membership_ends_at"`
}

// OfferedOrganization is the organization of an invitation.
type OfferedOrganization struct {
	ID   id.Organization `json:"id"`
	Name field.Name      `json:"name"`
}

// Show tells what a link offers, and refuses one that cannot be accepted. It
// changes nothing, however often mail scanners ask.
func (s Service) Show(ctx context.Context, _ api.Client, in ShowRequest) (ShowAnswer, error) {
	t, err := readToken(in.Token)
	if err != nil {
		return ShowAnswer{}, err
	}
	p, err := s.open(ctx, t)
	if err != nil {
		return ShowAnswer{}, err
	}
	if err := p.acceptable(s.Now()); err != nil {
		return ShowAnswer{}, err
	}
	i, o := p.invitation, p.organization
	out := Offered{
		Organization: OfferedOrganization{o.ID, o.Name}, Email: i.Email, Name: i.Name, Role: i.Role,
		InvitedBy: i.Invite.ByName, Message: i.Invite.Message, Status: i.Status, ExpiresAt: i.ExpiresAt,
		ProvesMailbox:  t.link == mailed,
		WelcomeMessage: o.WelcomeMessage, GuidelinesURL: o.GuidelinesURL, PolicyURL: o.PolicyURL,
	}
	promised := member.Member{Role: i.Role, Offer: i.Invite.Offer}
	limits := promised.Limits(*o, s.Now())
	out.PolicyVersion, out.MonthlyLimit, out.DailyLimit = o.Terms().Version, limits.MonthlyLimit, limits.DailyLimit
	if promised.Offer != nil && !promised.Offer.EndsAt.IsZero() {
		out.MembershipEndsAt = new(promised.Offer.EndsAt.UTC())
	}
	if t.link == mailed {
		out.HasAccount = new(p.account != nil && p.account.Verified)
	}
	return ShowAnswer{out}, nil
}

// open reads what a token leads to.
func (s Service) open(ctx context.Context, t token) (prospect, error) {
	p, err := s.prospect(ctx, t.organization, t.addressHash)
	if err == nil && !t.leadsTo(p.invitation) {
		err = errNotFound
	}
	return p, err
}
