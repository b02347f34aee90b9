package invitation

import (
	"context"

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
	"roster/internal/user"
)

// Invite offers a membership to an address, and mails it a link. A pending
// invitation of the address is renewed. Whether the address has an account makes
// no difference to the answer.
func (s Service) Invite(ctx context.Context, by access.Actor, in InviteRequest) (Answer, error) {
	var out Answer
	count := s.countMail(ctx, id.AddressHash(string(in.Email)))
	err := table.Retry(ctx, func() error {
		now := s.Now()
		c, err := s.circumstances(ctx, by, in.Email)
		if err != nil {
			return err
		}
		if err := member.Lapse(ctx, s.Env, c.member); err != nil {
			return err
		}
		t, err := in.terms(*c.organization, now)
		if err != nil {
			return err
		}
		if err := c.allow(by, t.role); err != nil {
			return err
		}
		next, l, err := c.invitation.renew(by.Organization(), t, now).issue(by, c.organization.InvitationDays, now)
		if err != nil {
			return err
		}
		if err := count(); err != nil {
			return err
		}
		mailed, err := s.mail(ctx, by, next, l.mailed)
		if err != nil {
			return err
		}
		action, before := audit.InvitationCreated, (*Invitation)(nil)
		if c.invitation.Open() {
			action, before = audit.InvitationRenewed, c.invitation
		}
		out, err = api.Commit(ctx, s.Table, s.answerWithLink(next, l),
			save(c.invitation, next), c.unchanged(), mailed, record(action, by, before, next))
		return err
	})
	return out, err
}

// circumstances are what decides about inviting an address, as read.
type circumstances struct {
	organization *organization.Organization
	inviter      *user.User
	address      email.Address
	invitation   *Invitation
	holder       *user.Holder
	member       *member.Member
}

func (s Service) circumstances(ctx context.Context, by access.Actor, address email.Address) (circumstances, error) {
	c := circumstances{address: address}
	if err := s.Table.Get(ctx,
		organization.Read(by.Organization(), &c.organization),
		user.Read(by.User(), &c.inviter),
		Read(by.Organization(), address, &c.invitation),
		user.ReadHolder(address, &c.holder),
	); err != nil {
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
// one; and to invite who is a member, or may not become one.
func (c circumstances) allow(by access.Actor, role string) error {
	if err := c.organization.Policy.Join(c.address); err != nil {
		return err
	}
	if err := member.MayGrant(by, role, member.Person); err != nil {
		return err
	}
	if err := c.invitation.Grantable(by); err != nil || c.member == nil {
		return err
	}
	switch c.member.Status {
	case access.Active:
		return member.ErrAlreadyMember
	case access.Suspended:
		return member.ErrSuspendedMember
	}
	return nil
}

// unchanged is the check that the address belongs to no member still.
func (c circumstances) unchanged() table.Write {
	if c.holder == nil {
		return user.Unclaimed(c.address)
	}
	return member.Unchanged(c.organization.ID, c.holder.User, c.member)
}

func (s Service) mail(ctx context.Context, by access.Actor, i Invitation, token string) (table.Write, error) {
	return outbox.Enqueue(ctx, s.Env, outbox.Mail{
		To: i.Email, Kind: mail.Invitation,
		Data: mail.Data{
			Organization: by.OrganizationName(), Recipient: string(i.Name), Actor: i.Invite.ByName, Role: i.Role,
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
