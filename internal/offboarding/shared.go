package offboarding

import (
	"context"
	"slices"

	"roster/internal/access"
	"roster/internal/apikey"
	"roster/internal/connection"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/invitation"
	"roster/internal/member"
	"roster/internal/permission"
)

// shared is what a member shares with others, as read.
type shared struct {
	of          member.Member
	services    []member.Member
	invitations []invitation.Invitation
	connections []connection.Connection
	// teams are those that nobody else manages.
	teams []id.Team
	// holders are members with keys that this one made.
	holders []member.Member
}

// shown bounds how much of each kind a preview shows; it counts all.
const shown = 100

// listed are the ids of what the lists have of a member.
type listed struct{ services, invitations, holders []string }

func (s Service) list(ctx context.Context, m member.Member) (l listed, err error) {
	for _, one := range []struct {
		of   member.Held
		into *[]string
	}{{member.HeldServices, &l.services}, {member.HeldInvitations, &l.invitations}, {member.HeldKeys, &l.holders}} {
		if *one.into, err = s.members.ListHeld(ctx, m.Organization, m.ID, one.of); err != nil {
			return listed{}, err
		}
	}
	return l, nil
}

// first are the lists' first entries.
func (l listed) first(n int) listed {
	return listed{l.services[:min(n, len(l.services))], l.invitations[:min(n, len(l.invitations))], l.holders[:min(n, len(l.holders))]}
}

// read reads what the lists name, and keeps what is the member's still.
func (s Service) read(ctx context.Context, m member.Member, l listed) (all shared, err error) {
	all.of = m
	if all.services, err = s.members.ReadAll(ctx, m.Organization, l.services); err != nil {
		return all, err
	}
	all.services = slices.DeleteFunc(all.services, func(service member.Member) bool {
		return service.Kind != member.ServiceAccount || service.Responsible != m.ID || service.Status == access.Removed
	})
	if all.holders, err = s.members.ReadAll(ctx, m.Organization, l.holders); err != nil {
		return all, err
	}
	all.holders = slices.DeleteFunc(all.holders, func(holder member.Member) bool { return !holder.KeyMakers()[m.ID] })
	if all.invitations, err = invitation.SentBy(ctx, s.Env, m.Organization, m.ID, l.invitations); err != nil {
		return all, err
	}
	if all.connections, err = connection.StoredBy(ctx, s.Env, m.Organization, m.ID); err != nil {
		return all, err
	}
	all.teams, err = s.members.ManagedAlone(ctx, m)
	return all, err
}

var (
	// errCannotTakeOver names in its members what somebody may not have.
	errCannotTakeOver = fault.New(fault.Invalid, "cannot_take_over", "Who takes over may not have all of it; see what the problem names.")
	errMayNotHandOver = fault.New(fault.Forbidden, "outranked", "The caller may not hand over all of it; see what the problem names.")
)

// mayHandOver decides whether a caller may hand everything over, and to whom it goes may
// have it. An invitation that the member themselves may not grant any more is dead: it
// is nobody's, and is not revived.
func (all shared) mayHandOver(by member.Caller, to member.Member) error {
	roles := by.Roles()
	var cannot, mayNot refused
	for _, service := range all.services {
		if !service.MayBeAnsweredForBy(roles, to.Role) {
			cannot.Services = append(cannot.Services, service.ID)
		}
		if member.MayChange(by, service) != nil {
			mayNot.Services = append(mayNot.Services, service.ID)
		}
	}
	for _, i := range all.living(roles) {
		if !i.Acceptable(to, roles) {
			cannot.Invitations = append(cannot.Invitations, i.ID)
		}
		if i.Grantable(by) != nil {
			mayNot.Invitations = append(mayNot.Invitations, i.ID)
		}
	}
	if !roles.Of(to.Role).Has(permission.ConnectionsManage) {
		for _, c := range all.connections {
			cannot.Connections = append(cannot.Connections, c.ID)
		}
	}
	if after := countNew(to.Teams, all.teams); after > member.MaxTeams {
		cannot.Teams = all.teams
	}
	switch {
	case cannot.some():
		return errCannotTakeOver.With("cannot_take_over", cannot)
	case mayNot.some():
		return errMayNotHandOver.With("outranked", mayNot)
	}
	return nil
}

// living are the invitations that could be accepted.
func (all shared) living(roles permission.Roles) []invitation.Invitation {
	return slices.DeleteFunc(slices.Clone(all.invitations), func(i invitation.Invitation) bool { return !i.Acceptable(all.of, roles) })
}

// mayRevoke decides whether a caller may revoke the keys that the member made.
func (all shared) mayRevoke(by access.Actor) error {
	var mayNot refused
	for _, holder := range all.holders {
		if apikey.MayRevokeMade(by, holder) != nil {
			mayNot.Holders = append(mayNot.Holders, holder.ID)
		}
	}
	if mayNot.some() {
		return errMayNotHandOver.With("outranked", mayNot)
	}
	return nil
}

// refused names what keeps somebody from handing over or from taking over.
type refused struct {
	Services    []id.User       `json:"service_accounts,omitzero"`
	Invitations []id.Invitation `json:"invitations,omitzero"`
	Connections []id.Connection `json:"connections,omitzero"`
	Teams       []id.Team       `json:"teams,omitzero"`
	// Holders are members whose keys may not be revoked.
	Holders []id.User `json:"keys_of,omitzero"`
}

func (r refused) some() bool {
	return len(r.Services)+len(r.Invitations)+len(r.Connections)+len(r.Teams)+len(r.Holders) > 0
}

// countNew is in how many teams one is who comes into more.
func countNew(is map[id.Team]member.TeamRole, more []id.Team) int {
	n := len(is)
	for _, of := range more {
		if is[of] == "" {
			n++
		}
	}
	return n
}
