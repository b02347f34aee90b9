package member

import (
	"maps"
	"slices"
	"time"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/permission"
)

// The rules of a membership: pure functions from a member and a caller to the
// member as it is to be.

var (
	ErrRank    = fault.New(fault.Forbidden, "outranked", "The member has permissions that the caller lacks.")
	ErrGrant   = fault.New(fault.Forbidden, "cannot_grant", "Nobody grants a permission that they lack.")
	ErrOwner   = fault.New(fault.Forbidden, "owner_required", "Only an owner makes or unmakes an owner.")
	ErrSelf    = fault.New(fault.Forbidden, "not_oneself", "Nobody suspends themselves or changes their own role.")
	ErrStatus  = fault.New(fault.Conflict, "wrong_status", "The member's status does not allow this.")
	ErrPeople  = fault.New(fault.Forbidden, "people_only", "A service account does not leave; someone removes it.")
	ErrNoRole  = fault.InvalidField("/role", "is not a role of the organization")
	ErrService = fault.InvalidField("/role", "is a role for service accounts only")
	ErrPerson  = fault.InvalidField("/role", "is a role for people only")
)

// Caller is who acts on a member: an access.Actor.
type Caller interface {
	User() id.User
	Role() string
	Permissions() permission.Set
	// Roles are those of the organization.
	Roles() permission.Roles
	// Holder is who has the caller's credential in hand.
	Holder() id.User
}

// MayGrant refuses a caller to give someone of that kind a role.
func MayGrant(by Caller, role string, kind Kind) error {
	return mayGrant(by.Role(), by.Permissions(), by.Roles(), role, kind)
}

// MayGrant refuses a member to give someone of that kind a role.
func (m Member) MayGrant(roles permission.Roles, role string, kind Kind) error {
	return mayGrant(m.Role, roles.Of(m.Role), roles, role, kind)
}

func mayGrant(granterRole string, granter permission.Set, roles permission.Roles, role string, kind Kind) error {
	r, ok := roles.Assignable(role)
	switch {
	case !ok:
		return ErrNoRole
	case kind == Person && role == permission.Gateway:
		return ErrService
	case kind == ServiceAccount && role == permission.Owner:
		return ErrPerson
	case role == permission.Owner && granterRole != permission.Owner:
		return ErrOwner
	case !granter.Covers(r.Permissions):
		return ErrGrant
	}
	return nil
}

// MayChange refuses a caller to act on someone whose permissions exceed theirs, and
// anyone but an owner to act on an owner, whatever their permissions are.
func MayChange(by Caller, m Member) error {
	if m.Role == permission.Owner && by.Role() != permission.Owner || !by.Permissions().Covers(by.Roles().Of(m.Role)) {
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

// ChangeRole gives an active or suspended member another role; see WithRole for
// the member's keys.
func (m Member) ChangeRole(by Caller, role string) (Member, error) {
	if err := m.present(); err != nil {
		return m, err
	}
	if role == m.Role {
		return m, nil
	}
	if m.ID == by.User() && by.Role() != permission.Owner {
		return m, ErrSelf
	}
	if m.Role == permission.Owner && by.Role() != permission.Owner {
		return m, ErrOwner
	}
	if err := MayChange(by, m); err != nil {
		return m, err
	}
	if err := MayGrant(by, role, m.Kind); err != nil {
		return m, err
	}
	return m.WithRole(by.Roles(), role, by.Holder()), nil
}

// WithRole is the member with a role that somebody gives. Where that adds
// permissions, only the keys stay that the member or the giver made: who else made
// one could not have made it for the new role.
func (m Member) WithRole(roles permission.Roles, role string, giver id.User) Member {
	before := roles.Of(m.Role)
	m.Role = role
	if !before.Covers(roles.Of(role)) {
		m = m.onlyKeysOf(m.ID, giver)
	}
	return m
}

// onlyKeysOf revokes the keys that others made.
func (m Member) onlyKeysOf(makers ...id.User) Member {
	m.Keys = maps.Clone(m.Keys)
	maps.DeleteFunc(m.Keys, func(_ id.Key, k access.KeyRecord) bool { return !slices.Contains(makers, k.CreatedBy) })
	return m
}

// Suspend stops a member until they are unsuspended.
func (m Member) Suspend(by Caller, reason field.Reason, now time.Time) (Member, error) {
	if m.ID == by.User() {
		return m, ErrSelf
	}
	if err := MayChange(by, m); err != nil {
		return m, err
	}
	if err := m.present(); err != nil || m.Status == access.Suspended {
		return m, err
	}
	m.Status, m.Epoch = access.Suspended, m.Epoch+1
	m.Suspension = &Suspension{Reason: reason, By: by.User(), At: now}
	return m, nil
}

// Unsuspend lets a suspended member go on: keys work again, sessions do not.
func (m Member) Unsuspend(by Caller) (Member, error) {
	if err := MayChange(by, m); err != nil {
		return m, err
	}
	if err := m.present(); err != nil || m.Status == access.Active {
		return m, err
	}
	m.Status, m.Suspension = access.Active, nil
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
	m.Keys, m.Suspension, m.Offer = nil, nil, nil
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
	m.Granted, m.Request = m.Request, nil
	m.Status, m.Role, m.Epoch = access.Active, role, m.Epoch+1
	return m, nil
}
