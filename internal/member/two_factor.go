package member

import (
	"roster/internal/id"
	"roster/internal/table"
)

// Secured reports whether the member has a second factor, or is nobody who could.
func (m Member) Secured() bool { return m.TwoFactor || m.Kind == ServiceAccount }

// SetTwoFactor is the Write by which a membership says whether its person has
// two-factor authentication. It goes with the account's own change; while the
// account has none, no membership says that it has. It fails with
// table.ErrChanged where there is no such member.
func SetTwoFactor(org id.Organization, user id.User, on bool) table.Write {
	return table.Write{
		Key:    table.Member(org, user),
		Update: "SET #two_factor = :on, #version = #version + :one",
		If:     table.Present,
		Values: table.V{"on": on, "one": 1},
		Else:   table.ErrChanged,
	}
}
