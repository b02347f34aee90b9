package member

import (
	"maps"
	"time"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/model"
	"roster/internal/permission"
)

// The rules of a membership: pure functions from a member and a caller to the
// member as it is to be.

var (
	ErrRank    = fault.New(fault.Forbidden, "outranked", "The member has permissions that the caller lacks.")
	ErrGrant   = fault.New(fault.Forbidden, "cannot_grant", "Nobody grants a permission that they lack.")
	ErrOwner   = fault.New(fault.Forbidden, "owner_required", "Only an owner makes or unmakes an owner.")
	ErrSelf    = fault.New(fault.Forbidden, "not_oneself", "Nobody suspends themselves, or changes their own role, models or end date.")
	ErrStatus  = fault.New(fault.Conflict, "wrong_status", "The member's status does not allow this.")
	ErrPeople  = fault.New(fault.Forbidden, "people_only", "A service account does not leave; someone removes it.")
	ErrNoRole  = fault.InvalidField("/role", "is not a role of the organization")
	ErrService = fault.InvalidField("/role", "is a role for service accounts only")
	ErrPerson  = fault.InvalidField("/role", "is a role for people only")
)

// Caller is who acts on a member: an access.Actor.
type Caller interface {
	User() id.User
	IsOwner() bool
	Permissions() permission.Set
	// Roles are those of the organization.
	Roles() permission.Roles
	// Location is the organization's time zone.
	Location() *time.Location
	// Holder is who has the caller's credential in hand.
	Holder() id.User
}

// MayGrant refuses a caller to give someone of that kind a role.
func MayGrant(by Caller, role string, kind Kind) error {
	return mayGrant(by.IsOwner(), by.Permissions(), by.Roles(), role, kind)
}

// MayGrant refuses a member to give someone of that kind a role.
func (m Member) MayGrant(roles permission.Roles, role string, kind Kind) error {
	return mayGrant(m.Role == permission.Owner, roles.Of(m.Role), roles, role, kind)
}

func mayGrant(owner bool, granter permission.Set, roles permission.Roles, role string, kind Kind) error {
	r, ok := roles.Assignable(role)
	switch {
	case !ok:
		return ErrNoRole
	case kind == Person && role == permission.Gateway:
		return ErrService
	case kind == ServiceAccount && role == permission.Owner:
		return ErrPerson
	case role == permission.Owner && !owner:
		return ErrOwner
	case !granter.Covers(r.Permissions):
		return ErrGrant
	}
	return nil
}

// MayChange refuses a caller to act on someone whose permissions exceed theirs, and
// anyone but an owner to act on an owner, whatever their permissions are.
func MayChange(by Caller, m Member) error {
	if m.Role == permission.Owner && !by.IsOwner() || !by.Permissions().Covers(by.Roles().Of(m.Role)) {
		return ErrRank
	}
	return nil
}

// present refuses to change who is not yet, or no longer, a member.
func (m Member) present() error {
	if m.Status != access.Active && m.Status != access.Suspended {
		return ErrStatus
	}
	return nil
}

// ChangeRole gives an active or suspended member another role.
func (m Member) ChangeRole(by Caller, role string) (Member, error) {
	if err := m.present(); err != nil {
		return m, err
	}
	if role == m.Role {
		return m, nil
	}
	if m.ID == by.User() && !by.IsOwner() {
		return m, ErrSelf
	}
	if m.Role == permission.Owner && !by.IsOwner() {
		return m, ErrOwner
	}
	if err := MayChange(by, m); err != nil {
		return m, err
	}
	if err := MayGrant(by, role, m.Kind); err != nil {
		return m, err
	}
	if role == permission.Owner && (!m.EndsAt.IsZero() || m.Planned != nil) {
		return m, ErrOwnerEnds
	}
	return m.WithRole(by.Roles(), role, by.Holder()), nil
}

// WithRole is the member with a role that somebody gives. A key of someone else's
// making gains by it only if its maker is the giver: nobody else could have made it
// for the new role.
func (m Member) WithRole(roles permission.Roles, role string, giver id.User) Member {
	m.Role = role
	m.Keys = maps.Clone(m.Keys)
	given, owner := roles.Of(role), role == permission.Owner
	for key, k := range m.Keys {
		if k.CreatedBy == giver {
			k.Cap = k.Cap.Lifted(given, owner)
		}
		if p := k.Previous; p != nil && p.CreatedBy == giver {
			lifted := *p
			lifted.Cap = p.Cap.Lifted(given, owner)
			k.Previous = &lifted
		}
		m.Keys[key] = k
	}
	return m
}

// CapFor bounds a secret of the member that a caller has shown; nil for one that
// the member has shown to themselves.
func (m Member) CapFor(by Caller) *access.Cap {
	if by.Holder() == m.ID {
		return nil
	}
	return &access.Cap{Permissions: by.Roles().Of(m.Role) & by.Permissions(), Owner: m.Role == permission.Owner && by.IsOwner()}
}

// AllowModels bounds, or frees, what a member may call. Nobody but an owner does so
// for themselves.
func (m Member) AllowModels(by Caller, models model.List) (Member, error) {
	if err := m.present(); err != nil {
		return m, err
	}
	if m.ID == by.User() && !by.IsOwner() {
		return m, ErrSelf
	}
	if err := MayChange(by, m); err != nil {
		return m, err
	}
	m.AllowedModels = models
	return m, nil
}

// Suspend stops a member until they are unsuspended.
func (m Member) Suspend(by Caller, reason field.Reason, now time.Time) (Member, error) {
	return m.SuspendFor(by, reason, Span{}, now)
}

// Unsuspend lets a suspended member go on: keys work again, sessions do not. A
// suspension that has not begun is called off.
func (m Member) Unsuspend(by Caller) (Member, error) {
	if err := MayChange(by, m); err != nil {
		return m, err
	}
	if err := m.present(); err != nil {
		return m, err
	}
	m.Status, m.Suspension, m.Planned = access.Active, nil, nil
	return m, nil
}

// Remove ends someone's membership; whoever removes themselves leaves.
func (m Member) Remove(by Caller) (Member, error) {
	if m.ID == by.User() {
		return m.Leave()
	}
	if err := MayChange(by, m); err != nil {
		return m, err
	}
	if m.Status == access.Removed {
		return m, nil
	}
	return m.end()
}

// Leave ends a person's membership by their own wish.
func (m Member) Leave() (Member, error) {
	if m.Kind == ServiceAccount {
		return m, ErrPeople
	}
	return m.end()
}

// end revokes the keys and keeps the history.
func (m Member) end() (Member, error) {
	if err := m.present(); err != nil {
		return m, err
	}
	m.Status, m.Epoch = access.Removed, m.Epoch+1
	m.Keys, m.Teams, m.Suspension, m.Offer, m.SessionsEndedAt, m.TwoFactor = nil, nil, nil, nil, nil, false
	m.Temporary = nil
	m.Terms.Limits, m.Planned, m.EndsAt, m.EndsBy, m.EndTold = nil, nil, time.Time{}, "", time.Time{}
	return m, nil
}

// Admit makes a pending, removed or new person an active member with a role.
// Someone who returns starts anew; their usage is found under the same id.
func (m Member) Admit(role string, now time.Time) (Member, error) {
	switch m.Status {
	case access.Active:
		return m, ErrAlreadyMember
	case access.Suspended:
		return m, ErrSuspendedMember
	}
	returning := m.Status == access.Removed || m.Request != nil && m.Request.Returning
	if returning || m.CreatedAt.IsZero() {
		m.CreatedAt = now
	}
	if m.Request != nil {
		m = m.Accept(m.Request.Terms, ByJoinRequest, m.Request.At)
	}
	m.Granted, m.Request, m.Successor = m.Request, nil, ""
	m.Status, m.Role, m.Epoch = access.Active, role, m.Epoch+1
	return m, nil
}
