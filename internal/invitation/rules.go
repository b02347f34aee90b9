package invitation

import (
	"reflect"
	"slices"
	"time"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/outbox"
	"roster/internal/permission"
	"roster/internal/policy"
	"roster/internal/secret"
	"roster/internal/table"
	"roster/internal/throttle"
	"roster/internal/user"
)

// The rules of an invitation: pure functions from what was read to what is to be.

const (
	// liveMails is how many of the newest mails have a link that works: who finds
	// an older mail first is not turned away.
	liveMails = 3
	// settledFor is how long a settled invitation is kept, with the address: as long
	// as one of its links may stand at most.
	settledFor = 30 * 24 * time.Hour
	// mailsPerDay is how many mails an organization may have sent to an address.
	mailsPerDay = 3
)

var errMails = throttle.ErrTooMany.WithDetail("The address got three invitations within a day. Please try again later.")

// StatusAt is the status as others see it.
func (i Invitation) StatusAt(now time.Time) Status {
	if i.Status == Pending && !now.Before(i.ExpiresAt) {
		return Expired
	}
	return i.Status
}

// usable refuses what cannot be accepted any more.
func (i Invitation) usable(now time.Time) error {
	switch i.StatusAt(now) {
	case Pending:
		return nil
	case Expired:
		return errExpired
	}
	return errGone
}

// overBy reports whether the membership that the invitation offers would be over.
func (i *Invitation) overBy(now time.Time) bool {
	offer := i.Invite.Offer
	return offer != nil && !offer.EndsAt.IsZero() && !now.Before(offer.EndsAt)
}

// Open reports whether the invitation waits to be settled; also when it has expired.
func (i *Invitation) Open() bool { return i != nil && i.Status == Pending }

// Grantable refuses a caller to make, renew or settle an invitation to a role
// that they may not grant.
func (i *Invitation) Grantable(by member.Caller) error {
	if !i.Open() {
		return nil
	}
	return member.MayGrant(by, i.Role, member.Person)
}

// renew returns the invitation on new terms: the pending one that was read, or
// another in place of a settled one or none.
func (i *Invitation) renew(org id.Organization, t terms, now time.Time) Invitation {
	next := Invitation{
		Kind: member.Invited, ID: id.NewInvitation(now, string(t.email)), Organization: org,
		Email: t.email, Status: Pending, CreatedAt: now,
	}
	switch {
	case i.Open():
		next = *i
	case i != nil:
		next.MailedAt, next.Version = i.MailedAt, i.Version
	}
	next.Name, next.Role, next.Metadata = t.name, t.role, t.metadata
	next.Invite.Message, next.Invite.Offer = t.message, t.offer
	return next
}

// offers reports whether the invitation is on those terms.
func (i Invitation) offers(t terms) bool {
	return i.Name == t.name && i.Role == t.role && i.Metadata == t.metadata && i.Invite.Message == t.message &&
		reflect.DeepEqual(i.Invite.Offer, t.offer)
}

// links are the tokens of an invitation's newest links.
type links struct{ shown, mailed string }

// issue gives the invitation new links, and at least the time that the organization
// gives. The caller answers for it from now on.
func (i Invitation) issue(by access.Actor, o organization.Organization, now time.Time) (Invitation, links, error) {
	recent := slices.DeleteFunc(slices.Clone(i.MailedAt), func(at time.Time) bool { return now.Sub(at) >= 24*time.Hour })
	if len(recent) >= mailsPerDay {
		return i, links{}, errMails.WithRetryAfter(recent[0].Add(24 * time.Hour).Sub(now))
	}
	hash := i.ID.AddressHash()
	l := links{newToken(i.Organization, hash, shown), newToken(i.Organization, hash, mailed)}
	i.Shown = secret.Digest(l.shown)
	i.Mailed = slices.Insert(slices.Clone(i.Mailed), 0, secret.Digest(l.mailed))
	i.Mailed = i.Mailed[:min(len(i.Mailed), liveMails)]
	i.MailedAt = append(recent, now)
	i.Delivery, i.Generation = outbox.Queued, i.Generation+1
	i.Invite.By, i.Invite.ByName, i.Invite.Terms = by.User(), by.Name(), o.Terms()
	if until := now.AddDate(0, 0, o.InvitationDays); until.After(i.ExpiresAt) {
		i.ExpiresAt = until
	}
	i.UpdatedAt = now
	return i, l, nil
}

// settled returns the invitation as it ends. Its links go on to lead here, so
// that whoever opens one hears that it is over.
func (i Invitation) settled(as Status, by id.User, now time.Time) Invitation {
	i.Status, i.AcceptedBy, i.UpdatedAt = as, by, now
	i.TTL = now.Add(settledFor).Unix()
	return i
}

// Promise gives a member what the invitation offers besides the role. An owner gets no
// end date, and nobody one that is over: they were let in by another way since.
func (i *Invitation) Promise(m *member.Member, now time.Time) {
	if !i.Open() {
		return
	}
	m.Offer = i.Invite.Offer
	if m.Offer != nil && m.Offer.EndsAt.After(now) && m.Role != permission.Owner {
		m.EndsAt, m.EndsBy = m.Offer.EndsAt, i.Invite.By
	}
	if i.Metadata != "" {
		m.Metadata = i.Metadata
	}
	if m.Name == "" {
		m.Name = i.Name
	}
}

// prospect is an invitation with all that decides about its acceptance, as read.
type prospect struct {
	invitation   *Invitation
	organization *organization.Organization
	inviter      *member.Member
	// account is that of the invited address, and member its membership; nil if
	// there is none.
	account *user.User
	member  *member.Member
	// shown is the version of the terms of which whoever accepts says that they were
	// shown it; 0, they do not say.
	shown organization.PolicyVersion
}

// agreed are the terms to which one agrees by accepting: those that they were shown, if
// these are the organization's, or else those to which the newest mail led.
func (p prospect) agreed() policy.Terms {
	if current := p.organization.Terms(); int(p.shown) == current.Version {
		return current
	}
	return p.invitation.Invite.Terms
}

// acceptable refuses what cannot be accepted by anyone.
func (p prospect) acceptable(now time.Time) error {
	if err := p.invitation.usable(now); err != nil {
		return err
	}
	if p.invitation.overBy(now) {
		return errOver
	}
	if err := p.organization.Admit(); err != nil {
		return err
	}
	if p.member != nil && p.member.Status == access.Suspended {
		return member.ErrSuspendedMember
	}
	if err := p.organization.Policy.Join(p.invitation.Email); err != nil {
		return err
	}
	by := p.inviter
	if by == nil || by.At(now).Status != access.Active || p.organization.Policy.Act(by.Secured(), now) != nil ||
		!p.invitation.Acceptable(*by, p.organization.Roles) {
		return errNoGrant
	}
	return nil
}

// inviterStays is the check that the inviter still has the place by which the
// invitation is acceptable.
func (p prospect) inviterStays() table.Write {
	w := table.Write{
		Key:    table.Member(p.organization.ID, p.inviter.ID),
		If:     "#status = :status AND #role = :role",
		Values: table.V{"status": p.inviter.Status, "role": p.inviter.Role},
		Else:   table.ErrChanged,
	}
	if p.inviter.TwoFactor {
		w.If += " AND #two_factor = :true"
		w.Values["true"] = true
	}
	return w
}

// admit returns the account as a member on the invitation's terms. An active
// member keeps the higher role; see member.WithRole for their keys.
func (p prospect) admit(u user.User, now time.Time) (member.Member, error) {
	m := member.Member{ID: u.ID, Organization: p.organization.ID, Kind: member.Person, Email: u.Email}
	if p.member != nil {
		m = *p.member
	}
	if m.Status == access.Active {
		m = m.WithRole(p.organization.Roles, p.higherRole(m), p.inviter.ID)
	} else {
		var err error
		if m, err = m.Admit(p.invitation.Role, now); err != nil {
			return m, err
		}
	}
	m.Name, m.TwoFactor = u.Name, u.TwoFactor != nil
	p.invitation.Promise(&m, now)
	return m.Accept(p.agreed(), member.ByInvitation, now), nil
}

// higherRole is the invitation's role, unless the member's own has a permission
// that it lacks.
func (p prospect) higherRole(m member.Member) string {
	if p.organization.Roles.Of(p.invitation.Role).Covers(p.organization.Roles.Of(m.Role)) {
		return p.invitation.Role
	}
	return m.Role
}
