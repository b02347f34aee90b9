package account

import (
	"context"

	"roster/internal/access"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/policy"
	"roster/internal/user"
)

// AllowPassword refuses a password that a person may not choose: what every
// organization demands of which they are, or by this become, a member. Whatever
// sets a password asks it, and names the member of the body by its pointer. Of who
// has no account yet, u has name and address alone.
func AllowPassword(ctx context.Context, e *env.Env, pointer string, p field.Password, u user.User, joining ...organization.Organization) error {
	if u.ID != "" {
		memberships, err := member.Memberships(ctx, e, u.ID)
		if err != nil {
			return err
		}
		for _, m := range memberships {
			if m.Member.Status == access.Active || m.Member.Status == access.Suspended {
				joining = append(joining, m.Organization)
			}
		}
	}
	rule := policy.PasswordFor(u.Name, u.Email)
	for _, o := range joining {
		rule = rule.In(o.Name, o.Policy)
	}
	if err := rule.Check(p); err != nil {
		return fault.InvalidField(pointer, err.Error())
	}
	return nil
}
