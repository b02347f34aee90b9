package member

import (
	"fmt"
	"slices"
	"strings"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/permission"
	"roster/internal/table"
)

var (
	errResponsible = fault.InvalidField("/responsible",
		"is not an active person of the organization who manages members and has the service account's permissions")
	errNoService = fault.InvalidField("/responsible", "is for service accounts only")
)

// AnsweredForBy gives a service account another responsible person.
func (m Member) AnsweredForBy(by Caller, responsible id.User) (Member, error) {
	if m.Kind != ServiceAccount {
		return m, errNoService
	}
	if err := m.present(); err != nil {
		return m, err
	}
	if err := MayChange(by, m); err != nil {
		return m, err
	}
	m.Responsible = responsible
	return m, nil
}

// responsibleStands is the check that whoever is to answer for a service account is
// an active person who may act on it.
func (m Member) responsibleStands(by Caller) table.Write {
	w := table.Write{
		Key:    table.Member(m.Organization, m.Responsible),
		Values: table.V{"active": access.Active, "person": Person},
		Else:   errResponsible,
	}
	var fitting []string
	for i, role := range rolesThatMayAct(by.Roles(), m) {
		name := fmt.Sprint("role", i)
		fitting = append(fitting, ":"+name)
		w.Values[name] = role
	}
	w.If = "#status = :active AND #kind = :person AND #role IN (" + strings.Join(fitting, ", ") + ")"
	return w
}

// MayBeAnsweredForBy reports whether someone of a role may answer for the service
// account.
func (m Member) MayBeAnsweredForBy(roles permission.Roles, role string) bool {
	return slices.Contains(rolesThatMayAct(roles, m), role)
}

// rolesThatMayAct are the names of the roles that manage members and cover a
// member's permissions: at least owner.
func rolesThatMayAct(roles permission.Roles, m Member) []string {
	var all []string
	may := func(name string) {
		if has := roles.Of(name); has.Has(permission.MembersManage) && has.Covers(roles.Of(m.Role)) {
			all = append(all, name)
		}
	}
	for _, r := range permission.BuiltIn {
		may(r.Name)
	}
	for name := range roles {
		may(name)
	}
	slices.Sort(all)
	return all
}
