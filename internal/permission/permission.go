// Package permission is the one table of what each role may do.
package permission

import (
	"fmt"
	"math/bits"
	"slices"
)

// Permission is a right, written noun:verb.
type Permission string

const (
	ModelsUse          Permission = "models:use"
	UsageReadOwn       Permission = "usage:read_own"
	UsageRead          Permission = "usage:read"
	UsageWrite         Permission = "usage:write"
	MembersManage      Permission = "members:manage"
	ConnectionsOwn     Permission = "connections:own"
	ConnectionsManage  Permission = "connections:manage"
	KeysOwn            Permission = "keys:own"
	KeysManage         Permission = "keys:manage"
	RolesManage        Permission = "roles:manage"
	SettingsManage     Permission = "settings:manage"
	SecurityManage     Permission = "security:manage"
	AnnouncementsSend  Permission = "announcements:send"
	ReportsExport      Permission = "reports:export"
	AuditRead          Permission = "audit:read"
	BillingRead        Permission = "billing:read"
	BillingManage      Permission = "billing:manage"
	OrganizationDelete Permission = "organization:delete"
	// TeamsOwn comes with being a manager of a team, whatever the role.
	TeamsOwn Permission = "teams:own"
)

// All lists every permission. A permission's place is its bit in a stored Set:
// new ones are added at the end, none is moved.
var All = []Permission{
	ModelsUse, UsageReadOwn, UsageRead, UsageWrite, MembersManage,
	ConnectionsOwn, ConnectionsManage, KeysOwn, KeysManage, RolesManage,
	SettingsManage, SecurityManage, AnnouncementsSend, ReportsExport,
	AuditRead, BillingRead, BillingManage, OrganizationDelete, TeamsOwn,
}

// Set is a set of permissions.
type Set uint64

// Of makes a set. It panics on a permission that is not in All: a programming error.
func Of(permissions ...Permission) Set {
	var s Set
	for _, p := range permissions {
		s |= bit(p)
	}
	return s
}

func bit(p Permission) Set {
	i := slices.Index(All, p)
	if i < 0 {
		panic(fmt.Sprintf("permission: %q is not in All", p))
	}
	return 1 << i
}

// Named returns the set of one permission, unless there is none of that name.
func Named(p Permission) (Set, bool) {
	if !slices.Contains(All, p) {
		return 0, false
	}
	return bit(p), true
}

// Has reports whether the set holds p.
func (s Set) Has(p Permission) bool { return s&bit(p) != 0 }

// Covers reports whether the set holds every permission of other: whoever has
// s may grant, suspend or remove whoever has other.
func (s Set) Covers(other Set) bool { return other&^s == 0 }

// Without returns the set less the given permissions.
func (s Set) Without(permissions ...Permission) Set { return s &^ Of(permissions...) }

// List returns the permissions of the set in the order of All.
func (s Set) List() []Permission {
	list := make([]Permission, 0, bits.OnesCount64(uint64(s)))
	for _, p := range All {
		if s.Has(p) {
			list = append(list, p)
		}
	}
	return list
}
