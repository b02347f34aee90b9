package invitation

import (
	"context"
	"slices"
	"time"

	"roster/internal/access"
	"roster/internal/account"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/email"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/outbox"
	"roster/internal/table"
	"roster/internal/team"
	"roster/internal/user"
)

// Invite offers a membership to an address, and mails it a link. A pending
// invitation of the address is renewed. Whether the address has an account makes
// no difference to the answer.
func (s Service) Invite(ctx context.Context, by access.Actor, in InviteRequest) (Answer, error) {
	var out Answer
	count := s.countMail(ctx, id.AddressHash(string(in.Email)))
	err := table.Retry(ctx, func() error {
		c, t, err := s.consider(ctx, by, in)
		if err != nil {
			return err
		}
		next, l, err := c.next(by, t, s.Now())
		if err != nil {
			return err
		}
		if err := count(); err != nil {
			return err
		}
		writes, err := s.offer(ctx, by, c, next, l)
		if err != nil {
			return err
		}
		out, err = api.Commit(ctx, s.Table, s.answerWithLink(next, l), writes...)
		return err
	})
	return out, err
}

// consider reads what decides about inviting an address, and refuses what the
// caller may not offer.
func (s Service) consider(ctx context.Context, by access.Actor, in InviteRequest) (circumstances, terms, error) {
	c, err := s.circumstances(ctx, by, in)
	if err != nil {
		return c, terms{}, err
	}
	now := s.Now()
	t, err := in.terms(*c.organization, now)
	if err != nil {
		return c, t, err
	}
	return c, t, c.allow(by, t, now)
}

// offer is the Writes of an invitation and its mail.
func (s Service) offer(ctx context.Context, by access.Actor, c circumstances, next Invitation, l links) ([]table.Write, error) {
	mailed, err := s.mail(ctx, *c.organization, next, l.mailed)
	if err != nil {
		return nil, err
	}
	action, before := audit.InvitationCreated, (*Invitation)(nil)
	if c.invitation.Open() {
		action, before = audit.InvitationRenewed, c.invitation
	}
	return []table.Write{save(c.invitation, next), c.unchanged(), mailed, record(action, by, before, next)}, nil
}

// circumstances are what decides about inviting an address, as read.
type circumstances struct {
	organization *organization.Organization
	inviter      *user.User
	address      email.Address
	invitation   *Invitation
	holder       *user.Holder
	member       *member.Member
	// teams are those that are asked for, in order; nil where there is none.
	teams []*team.Team
}

func (s Service) circumstances(ctx context.Context, by access.Actor, in InviteRequest) (circumstances, error) {
	c := circumstances{address: in.Email, teams: make([]*team.Team, len(in.TeamIDs))}
	reads := []table.Read{
		organization.Read(by.Organization(), &c.organization),
		user.Read(by.User(), &c.inviter),
		Read(by.Organization(), in.Email, &c.invitation),
		user.ReadHolder(in.Email, &c.holder),
	}
	for i, of := range in.TeamIDs {
		reads = append(reads, team.Read(by.Organization(), of, &c.teams[i]))
	}
	if err := s.Table.Get(ctx, reads...); err != nil {
		return c, err
	}
	if err := s.inviterIsVerified(ctx, by, c.inviter); err != nil || c.holder == nil {
		return c, err
	}
	err := s.Table.Get(ctx, member.Read(by.Organization(), c.holder.User, &c.member))
	return c, err
}

// inviterIsVerified refuses whoever has not proved an address, where anyone may
// sign up: mail would go out in their name. For a service account answers the
// member who is responsible for it.
func (s Service) inviterIsVerified(ctx context.Context, by access.Actor, inviter *user.User) error {
	if !s.OpenSignUp {
		return nil
	}
	if inviter == nil {
		service, err := member.Get(ctx, s.Table, by.Organization(), by.User())
		if err != nil {
			return err
		}
		if inviter, err = user.Get(ctx, s.Table, service.Responsible); err != nil {
			return err
		}
	}
	if inviter == nil || !inviter.Verified {
		return account.ErrUnverified
	}
	return nil
}

// allow refuses a role that the caller may not grant, also where it would replace
// one; teams that there are not; and to invite who is a member, or may not become one.
func (c circumstances) allow(by access.Actor, t terms, now time.Time) error {
	if err := c.organization.Policy.Join(c.address); err != nil {
		return err
	}
	if err := member.MayGrant(by, t.role, member.Person); err != nil {
		return err
	}
	if i := slices.Index(c.teams, nil); i >= 0 {
		return noTeam(i)
	}
	if err := c.invitation.Grantable(by); err != nil || c.member == nil {
		return err
	}
	switch c.member.At(now).Status {
	case access.Active:
		return member.ErrAlreadyMember
	case access.Suspended:
		return member.ErrSuspendedMember
	}
	return nil
}

// next is the invitation on the terms, with new links.
func (c circumstances) next(by access.Actor, t terms, now time.Time) (Invitation, links, error) {
	return c.invitation.renew(by.Organization(), t, now).issue(by, *c.organization, now)
}

// unchanged is the check that the address belongs to no member still.
func (c circumstances) unchanged() table.Write {
	if c.holder == nil {
		return user.Unclaimed(c.address)
	}
	return member.Unchanged(c.organization.ID, c.holder.User, c.member)
}

func (s Service) mail(ctx context.Context, o organization.Organization, i Invitation, token string) (table.Write, error) {
	return outbox.Enqueue(ctx, s.Env, outbox.Mail{
		To: i.Email, Kind: mail.Invitation,
		Data: mail.Data{
			GuidelinesURL: string(o.GuidelinesURL), PolicyURL: string(o.PolicyURL),
			Organization: string(o.Name), Recipient: string(i.Name), Actor: i.Invite.ByName, Role: i.Role,
			Message: string(i.Invite.Message), Link: inviteLink(s.Env, token), ExpiresAt: i.ExpiresAt,
		},
		Invitation: &outbox.InvitationRef{Organization: i.Organization, ID: i.ID, Generation: i.Generation},
	})
}

func (s Service) answerWithLink(i Invitation, l links) Answer {
	v := i.view(i.UpdatedAt)
	v.Link = inviteLink(s.Env, l.shown)
	return Answer{v}
}

// record is the Write of an administrator's audit event.
func record(action audit.Action, by access.Actor, read *Invitation, i Invitation, also ...string) table.Write {
	event := audit.Event{Action: action, Actor: audit.Member(by), Target: string(i.ID), Also: also}
	if read != nil {
		event.Before, event.After = audit.Changes(read.recorded(), i.recorded())
	} else {
		_, event.After = audit.Changes(Invitation{}.recorded(), i.recorded())
	}
	return audit.Record(i.UpdatedAt, i.Organization, event)
}

// recorded is what an audit event shows of an invitation, by the API's names. Mails
// is how many were sent.
func (i Invitation) recorded() map[string]any {
	return map[string]any{
		"role": i.Role, "status": i.Status, "expires_at": i.ExpiresAt, "metadata": i.Metadata, "offer": i.Invite.Offer,
		"mails": i.Generation,
	}
}
