package role

import (
	"context"
	"maps"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/table"
)

// Answer is one role.
type Answer struct {
	Role View `json:"role"`
}

// change is what a use case decides about a role of the name: the role as it is
// to be (nil: it ends), and what the organization's item says of its names.
type change struct {
	role   *Role
	roles  permission.Roles
	action audit.Action
	// before and after are what the audit event shows.
	before, after map[string]any
	// defaultRole, where set, becomes the organization's.
	defaultRole string
}

// commit reads the organization and the role of a name (nil: there is none),
// decides, and writes both with the audit event. Where nothing changes, nothing is
// written.
func (s Service) commit(ctx context.Context, by access.Actor, name Name, decide func(organization.Organization, *Role) (*change, Answer, error)) (out Answer, err error) {
	err = table.Retry(ctx, func() error {
		var (
			org  *organization.Organization
			read *Role
		)
		if err := s.Table.Get(ctx,
			organization.Read(by.Organization(), &org), table.Into(table.Role(by.Organization(), string(name)), &read),
		); err != nil {
			return err
		}
		c, answer, err := decide(*org, read)
		if err != nil {
			return err
		}
		if c == nil {
			out = answer
			return nil
		}
		if !fits(c.roles) {
			return errModels
		}
		now, changed := s.Now(), *org
		changed.Roles = c.roles
		if c.defaultRole != "" {
			changed.DefaultRole = c.defaultRole
		}
		_, saveOrganization := organization.Save(*org, changed, now)
		writes := []table.Write{saveOrganization, audit.Record(now, org.ID, audit.Event{
			Action: c.action, Actor: audit.Member(by), Target: string(name), Before: c.before, After: c.after,
		})}
		switch {
		case c.role == nil:
			if read != nil {
				writes = append(writes, remove(org.ID, *read))
			}
		case read == nil:
			writes = append(writes, create(org.ID, *c.role))
		default:
			_, saveRole := save(org.ID, *c.role, now)
			writes = append(writes, saveRole)
		}
		out, err = api.Commit(ctx, s.Table, answer, writes...)
		return err
	})
	return out, err
}

// fits reports whether the lists of models of all roles are short enough.
func fits(roles permission.Roles) bool {
	bytes := 0
	for _, own := range roles {
		for _, p := range own.AllowedModels {
			bytes += len(p)
		}
	}
	return bytes <= maxListBytes
}

// own is the role as the organization's item has it.
func (r Role) own() permission.Own {
	return permission.Own{Permissions: r.Permissions, AllowedModels: r.AllowedModels}
}

// with returns the organization's roles with one that is changed.
func with(roles permission.Roles, name Name, own permission.Own) permission.Roles {
	changed := make(permission.Roles, len(roles)+1)
	maps.Copy(changed, roles)
	changed[string(name)] = own
	return changed
}

// recorded is what an audit event shows of a role.
func (r Role) recorded() map[string]any {
	m := map[string]any{"description": r.Description, "permissions": r.Permissions.List(), "allowed_models": r.AllowedModels}
	if r.Successor != "" {
		m["successor"] = r.Successor
	}
	return m
}

// builtIn refuses to change what every organization has.
func builtIn(name Name) error {
	if _, ok := permission.BuiltInRole(string(name)); ok {
		return errBuiltIn
	}
	return nil
}
