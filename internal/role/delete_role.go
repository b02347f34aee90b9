package role

import (
	"context"
	"maps"

	"roster/internal/access"
	"roster/internal/audit"
	"roster/internal/organization"
	"roster/internal/permission"
)

// DeleteRequest ends a role.
type DeleteRequest struct {
	Name Name `path:"role" json:"-"`
	// Successor is the role that the members get; needed where there are any.
	Successor string `query:"successor" json:"-"`
}

// DeleteRole ends a role. Whoever has it, or is invited to it, has the successor's
// permissions from their next call on.
func (s Service) DeleteRole(ctx context.Context, by access.Actor, in DeleteRequest) (Answer, error) {
	if err := builtIn(in.Name); err != nil {
		return Answer{}, err
	}
	return s.commit(ctx, by, in.Name, func(org organization.Organization, read *Role) (*change, Answer, error) {
		switch {
		case read == nil:
			return nil, Answer{}, errNotFound
		case read.Successor != "" && read.Successor == in.Successor:
			return nil, Answer{read.view()}, nil
		case read.Successor != "":
			return nil, Answer{}, errRetired
		case !by.Permissions().Covers(read.Permissions):
			return nil, Answer{}, errRank
		case in.Successor == "" && (read.Members > 0 || org.DefaultRole == string(in.Name)):
			return nil, Answer{}, errInUse.With("members", read.Members)
		}
		c := &change{action: audit.RoleDeleted, before: read.recorded()}
		if in.Successor == "" {
			c.roles = maps.Clone(org.Roles)
			delete(c.roles, string(in.Name))
			return c, Answer{read.view()}, nil
		}
		if err := maySucceed(by, org.Roles, in); err != nil {
			return nil, Answer{}, err
		}
		r := *read
		r.Successor = in.Successor
		if r.Members > 0 {
			c.role = &r
		}
		c.roles, c.after = retire(org.Roles, in), map[string]any{"successor": in.Successor}
		if org.DefaultRole == string(in.Name) {
			c.defaultRole = in.Successor
		}
		return c, Answer{r.view()}, nil
	})
}

// maySucceed refuses a successor that does not suit everyone, and one that the
// caller may not grant.
func maySucceed(by access.Actor, roles permission.Roles, in DeleteRequest) error {
	role, ok := roles.Assignable(in.Successor)
	switch {
	case !ok, in.Successor == string(in.Name), in.Successor == permission.Owner, in.Successor == permission.Gateway:
		return errSuccessor
	case !by.Permissions().Covers(role.Permissions):
		return errGrant
	}
	return nil
}

// retire makes the role's name, and those that led to it, lead to the successor.
func retire(roles permission.Roles, in DeleteRequest) permission.Roles {
	changed := with(roles, in.Name, permission.Own{Successor: in.Successor})
	for name, own := range changed {
		if own.Successor == string(in.Name) {
			changed[name] = permission.Own{Successor: in.Successor}
		}
	}
	return changed
}
