package invitation

import (
	"context"

	"roster/internal/access"
	"roster/internal/audit"
	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/permission"
	"roster/internal/table"
)

// Acceptable reports whether the inviter, as they are or were at last, gives the
// invitation what it takes to be accepted.
func (i Invitation) Acceptable(inviter member.Member, roles permission.Roles) bool {
	return roles.Of(inviter.Role).Has(permission.MembersManage) && inviter.MayGrant(roles, i.Role, member.Person) == nil
}

// SentBy reads which of the invitations are open, in time, and answered for by a member.
func SentBy(ctx context.Context, e *env.Env, org id.Organization, by id.User, ids []string) ([]Invitation, error) {
	found := make([]*Invitation, len(ids))
	reads := make([]table.Read, len(ids))
	for n, invitation := range ids {
		reads[n] = read(org, id.Invitation(invitation).AddressHash(), &found[n])
	}
	if err := e.Table.Get(ctx, reads...); err != nil {
		return nil, err
	}
	var all []Invitation
	for _, i := range found {
		if i != nil && i.Invite.By == by && i.StatusAt(e.Now()) == Pending {
			all = append(all, *i)
		}
	}
	return all, nil
}

// HandOver lets another member answer for an invitation. Its links go on to work. It
// reports whether there was something to change.
func (s Service) HandOver(ctx context.Context, by access.Actor, invitation id.Invitation, from id.User, to member.Member) (changed bool, err error) {
	err = table.Retry(ctx, func() error {
		i, err := s.get(ctx, by.Organization(), invitation)
		if err != nil {
			return err
		}
		if changed = i.Open() && i.Invite.By == from; !changed {
			return nil
		}
		now, next := s.Now(), *i
		next.Invite.By, next.Invite.ByName, next.UpdatedAt = to.ID, to.DisplayName(), now
		return s.Table.Transact(ctx, save(i, next), to.Stays(), audit.Record(now, i.Organization, audit.Event{
			Action: audit.InvitationHandedOver, Actor: audit.Member(by), Target: string(i.ID),
			Before: map[string]any{"invited_by": i.Invite.By}, After: map[string]any{"invited_by": to.ID},
		}))
	})
	return changed, err
}

// Views shows invitations without their links.
func (s Service) Views(all []Invitation) []View {
	views := make([]View, len(all))
	for n, i := range all {
		views[n] = i.view(s.Now())
	}
	return views
}
