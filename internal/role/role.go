// Package role holds the roles that an organization makes itself, beside the
// built-in ones of package permission.
//
// A role has an item of its own, which counts its members. What authentication
// needs of it, its permissions, stands in the organization's item too, so that a
// change acts at the next call of every member who has the role.
package role

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/model"
	"roster/internal/permission"
	"roster/internal/route"
	"roster/internal/table"
)

// Service has the use cases of roles.
type Service struct{ *env.Env }

// Endpoints are the routes of roles.
func Endpoints(e *env.Env) []api.Endpoint {
	s := Service{e}
	return []api.Endpoint{
		api.Handle(route.ListRoles, access.Member(e), s.ListRoles),
		api.Handle(route.CreateRole, access.Member(e), s.CreateRole),
		api.Handle(route.UpdateRole, access.Member(e), s.UpdateRole),
		api.Handle(route.DeleteRole, access.Member(e), s.DeleteRole),
		api.Handle(route.ListPermissions, access.Member(e), s.ListPermissions),
	}
}

// Role is a role of an organization's own.
type Role struct {
	Name        Name           `dynamodbav:"name"`
	Description field.Reason   `dynamodbav:"description,omitempty"`
	Permissions permission.Set `dynamodbav:"permissions"`
	// AllowedModels are those that its members may call.
	AllowedModels model.List `dynamodbav:"allowed_models,omitempty"`
	// Successor, where set, has taken the role's place; its members are on their
	// way there.
	Successor string `dynamodbav:"successor,omitempty"`
	// Members is how many active and suspended members have the role.
	Members   int       `dynamodbav:"members"`
	CreatedAt time.Time `dynamodbav:"created_at"`
	UpdatedAt time.Time `dynamodbav:"updated_at"`
	Version   int       `dynamodbav:"version"`
}

// MaxRoles is how many roles an organization may have besides the built-in ones:
// every call reads their permissions.
const MaxRoles = 30

// maxListBytes bounds the allowed models of all roles together, for that reason.
const maxListBytes = 4096

// maxRetired is how many names of deleted roles lead to their successors: those
// of invitations that are still open.
const maxRetired = 30

var (
	errNotFound = fault.New(fault.NotFound, "role_not_found", "There is no such role.")
	errTaken    = fault.New(fault.Conflict, "role_exists", "There is a role of this name.")
	errBuiltIn  = fault.New(fault.Forbidden, "built_in_role", "Built-in roles neither change nor end.")
	errTooMany  = fault.New(fault.Conflict, "too_many_roles", "An organization has at most 30 roles of its own.")
	errInUse    = fault.New(fault.Conflict, "role_in_use", "Members have this role: name its successor.")
	errRetired  = fault.New(fault.Conflict, "role_retired", "The role has a successor already.")
	errModels   = fault.InvalidField("/allowed_models", "makes the lists of all roles longer than 4096 bytes together")
	errOwnRole  = fault.New(fault.Forbidden, "not_oneself", "Only an owner changes the models of their own role.")
	errGrant    = fault.New(fault.Forbidden, "cannot_grant", "Nobody grants a permission that they lack.")
	errRank     = fault.New(fault.Forbidden, "outranked", "The role has permissions that the caller lacks.")
	// ErrGone refuses a member a role that was deleted since.
	ErrGone = fault.InvalidField("/role", "is not a role of the organization")

	errSuccessor = fault.InvalidParameter("successor", "is not another role of the organization that people and service accounts may have")
)

// Gain is the Writes by which a role counts one more member, and refuses one if
// it was deleted. Built-in roles are not counted.
func Gain(org id.Organization, name string) []table.Write {
	return count(org, name, table.Write{
		Update: "ADD #members :one", If: table.Present + " AND attribute_not_exists(#successor)",
		Values: table.V{"one": 1}, Else: ErrGone,
	})
}

// Lose is the Writes by which a role counts one less.
func Lose(org id.Organization, name string) []table.Write {
	return count(org, name, table.Write{
		Update: "ADD #members :less", If: table.Present, Values: table.V{"less": -1},
	})
}

func count(org id.Organization, name string, w table.Write) []table.Write {
	if _, builtIn := permission.BuiltInRole(name); builtIn || name == "" {
		return nil
	}
	w.Key = table.Role(org, name)
	return []table.Write{w}
}

// all reads every role of an organization's own, by name.
func all(ctx context.Context, t *table.Table, org id.Organization) ([]Role, error) {
	items, err := t.QueryAll(ctx, table.Query{PK: table.Role(org, "").PK, Prefix: table.RolePrefix})
	if err != nil {
		return nil, err
	}
	return table.DecodeAll[Role](items)
}

// create is the Write of a new role.
func create(org id.Organization, r Role) table.Write {
	return table.Write{Key: table.Role(org, string(r.Name)), Put: r, If: table.Absent, Else: errTaken}
}

// save is the Write of a role that was read and changed; the count of members
// moves beside it. It fails with table.ErrChanged.
func save(org id.Organization, r Role, now time.Time) (Role, table.Write) {
	read := r.Version
	r.Version, r.UpdatedAt = read+1, now
	w := table.Write{
		Key:    table.Role(org, string(r.Name)),
		Update: "SET #description = :description, #permissions = :permissions, #allowed_models = :models, #updated_at = :now, #version = :version",
		If:     "#version = :read",
		Values: table.V{
			"description": r.Description, "permissions": r.Permissions, "models": r.AllowedModels, "now": now, "version": r.Version, "read": read,
		},
		Else: table.ErrChanged,
	}
	if r.Successor != "" {
		w.Update += ", #successor = :successor"
		w.Values["successor"] = r.Successor
	}
	return r, w
}

// remove is the Write that ends a role which nobody has. It fails with
// table.ErrChanged.
func remove(org id.Organization, r Role) table.Write {
	return table.Write{
		Key: table.Role(org, string(r.Name)), Delete: true,
		If: "#version = :read AND #members = :none", Values: table.V{"read": r.Version, "none": 0},
		Else: table.ErrChanged,
	}
}
