package invitation

import (
	"context"
	"slices"

	"roster/internal/access"
	"roster/internal/account"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/session"
	"roster/internal/table"
	"roster/internal/user"
)

// AcceptRequest accepts an invitation by one of its links.
type AcceptRequest struct {
	Token field.Token `json:"token" required:"true"`
	// Password and Name are those of a new account. An account that exists keeps
	// its own.
	Password field.Password `json:"password,omitzero"`
	Name     field.Name     `json:"name,omitzero"`
	// PolicyVersion is that of the policy which the person was shown. Where it is not
	// said, they accept the one to which the newest mail led.
	PolicyVersion organization.PolicyVersion `json:"policy_version,omitzero"`
}

// AcceptAnswer is tokens of the new member, or what is to be done first.
type AcceptAnswer struct {
	*account.Tokens
	// Status is "verification_required" where the address is yet to be proved, by
	// a link that was mailed to it.
	Status string `json:"status,omitzero"`
}

// StatusCode is 202 as long as there is no member.
func (a AcceptAnswer) StatusCode() int {
	if a.Tokens == nil {
		return 202
	}
	return 200
}

var (
	errMismatch      = fault.New(fault.Forbidden, "email_mismatch", "The invitation is for another address than that of your account.")
	errLoginRequired = fault.New(fault.Unauthenticated, "login_required", "There is an account with the invited address: log in to accept.")
	errPassword      = fault.InvalidField("/password", "is required for a new account")
)

// Accept makes the invited person a member.
//
// The mailed link proves the mailbox: without a verified account, it makes one
// and logs it in. The shown link asks for that proof first. The holder of a
// verified account accepts with its access token. Accepting again with the access
// token of who accepted gives new tokens.
func (s Service) Accept(ctx context.Context, who access.Identity, in AcceptRequest) (AcceptAnswer, error) {
	t, err := readToken(in.Token)
	if err != nil {
		return AcceptAnswer{}, err
	}
	if who.User() == "" && t.link == shown {
		return s.askForProof(ctx, t, in)
	}
	var out AcceptAnswer
	err = table.Retry(ctx, func() error {
		p, err := s.open(ctx, t)
		if err != nil {
			return err
		}
		if err := member.Lapse(ctx, s.Env, p.member); err != nil {
			return err
		}
		p.shown = in.PolicyVersion
		switch {
		case who.User() == "":
			out, err = s.acceptByMail(ctx, who.Client(), p, in)
		case p.invitation.Email != who.Email():
			return errMismatch
		case p.invitation.Status == Accepted && p.invitation.AcceptedBy == who.User():
			out, err = s.acceptedBefore(ctx, who, p)
		default:
			out, err = s.acceptByAccount(ctx, who, p, t.link)
		}
		return err
	})
	return out, err
}

// acceptByAccount is acceptance by the logged-in holder of the invited address.
func (s Service) acceptByAccount(ctx context.Context, who access.Identity, p prospect, l link) (AcceptAnswer, error) {
	if err := p.acceptable(s.Now()); err != nil {
		return AcceptAnswer{}, err
	}
	if who.Session().IsEndedIn(p.organization.ID) {
		return AcceptAnswer{}, member.ErrLogInAgain
	}
	if err := p.organization.Policy.Enter(who.Login(), s.Now()); err != nil {
		return AcceptAnswer{}, err
	}
	u := *p.account
	if l == mailed && !u.Verified {
		if err := account.FinishTakeOver(ctx, s.Env, &u, who.Client()); err != nil {
			return AcceptAnswer{}, err
		}
		u.Verified, u.Verification = true, nil
	}
	if !u.Verified {
		return AcceptAnswer{}, account.ErrUnverified
	}
	u.LastOrganization = p.organization.ID
	m, writes, err := s.admission(ctx, p, u, who.Client())
	if err != nil {
		return AcceptAnswer{}, err
	}
	live, move := who.Session().Scope(p.organization.ID, m.Epoch, s.Now())
	out, err := s.tokens(ctx, u, live, p, m)
	if err != nil {
		return AcceptAnswer{}, err
	}
	return api.Commit(ctx, s.Table, out, append(writes, user.Save(u, s.Now()), move)...)
}

// acceptedBefore answers who accepted already, and changes no membership.
func (s Service) acceptedBefore(ctx context.Context, who access.Identity, p prospect) (AcceptAnswer, error) {
	if p.member == nil || p.member.Status == access.Removed {
		return AcceptAnswer{}, errGone
	}
	if err := p.member.Status.Admit(); err != nil {
		return AcceptAnswer{}, err
	}
	if err := p.member.Enter(who.Session()); err != nil {
		return AcceptAnswer{}, err
	}
	if err := p.organization.Policy.Enter(who.Login(), s.Now()); err != nil {
		return AcceptAnswer{}, err
	}
	live, move := who.Session().Scope(p.organization.ID, p.member.Epoch, s.Now())
	out, err := s.tokens(ctx, *p.account, live, p, *p.member)
	if err != nil {
		return AcceptAnswer{}, err
	}
	return api.Commit(ctx, s.Table, out, move)
}

// acceptByMail is acceptance by who proves the mailbox and has no verified account.
func (s Service) acceptByMail(ctx context.Context, from api.Client, p prospect, in AcceptRequest) (AcceptAnswer, error) {
	now := s.Now()
	if err := p.acceptable(now); err != nil {
		return AcceptAnswer{}, err
	}
	if p.account != nil && p.account.Verified {
		return AcceptAnswer{}, s.loginRequired(ctx, p)
	}
	if in.Password == "" {
		return AcceptAnswer{}, errPassword
	}
	if err := s.allowPassword(ctx, p, in); err != nil {
		return AcceptAnswer{}, err
	}
	u, accountWrites, err := s.provenAccount(ctx, p, from, in)
	if err != nil {
		return AcceptAnswer{}, err
	}
	m, writes, err := s.admission(ctx, p, u, from)
	if err != nil {
		return AcceptAnswer{}, err
	}
	live := session.New(now, u.ID, u.SessionEpoch, from).In(p.organization.ID, m.Epoch)
	out, err := s.tokens(ctx, u, live, p, m)
	if err != nil {
		return AcceptAnswer{}, err
	}
	return api.Commit(ctx, s.Table, out, slices.Concat(writes, accountWrites, []table.Write{live.Create()})...)
}

// loginRequired is the refusal of a verified account's holder; table.ErrChanged if
// it was this very invitation that made the account, since it was read.
func (s Service) loginRequired(ctx context.Context, p prospect) error {
	now, err := s.get(ctx, p.invitation.Organization, p.invitation.ID)
	switch {
	case err != nil:
		return err
	case now.Version != p.invitation.Version:
		return table.ErrChanged
	}
	return errLoginRequired
}

// admission is the Writes by which an account becomes a member, and that member.
// Who was let in before, by a request of the then unverified account, gets what
// they were invited to, but no second welcome.
func (s Service) admission(ctx context.Context, p prospect, u user.User, from api.Client) (member.Member, []table.Write, error) {
	now := s.Now()
	m, err := p.admit(u, now)
	if err != nil {
		return member.Member{}, nil, err
	}
	if m, err = m.InOfferedTeams(ctx, s.Table); err != nil {
		return member.Member{}, nil, err
	}
	settled := p.invitation.settled(Accepted, u.ID, now)
	if u.ID == p.inviter.ID { // a member who sent it again: nobody gives themselves anything
		m = *p.member
	}
	before, after := member.Difference(p.member, m)
	writes := []table.Write{
		save(p.invitation, settled),
		p.inviterStays(),
		audit.Record(now, p.organization.ID, audit.Event{
			Action: audit.InvitationAccepted, Actor: audit.User(u.ID, from), Target: string(settled.ID),
			Also: []string{string(u.ID)}, Before: before, After: after,
		}),
	}
	if u.ID == p.inviter.ID {
		return m, writes, nil
	}
	writes = append(writes, member.Save(p.member, m, now)...)
	if p.member != nil && p.member.Status == access.Active {
		return m, writes, nil
	}
	welcome, err := member.Welcome(ctx, s.Env, *p.organization, m)
	if err != nil {
		return member.Member{}, nil, err
	}
	return m, append(writes, welcome), nil
}

func (s Service) tokens(ctx context.Context, u user.User, live session.Session, p prospect, m member.Member) (AcceptAnswer, error) {
	t, err := account.NewTokens(ctx, s.Env, account.View(u), live, account.MembershipOf(*p.organization, m))
	return AcceptAnswer{Tokens: &t}, err
}
