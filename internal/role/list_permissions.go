package role

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/permission"
)

// PermissionsAnswer is the catalogue of permissions.
type PermissionsAnswer struct {
	Permissions []PermissionView `json:"permissions"`
}

// PermissionView is a permission and what it allows.
type PermissionView struct {
	Name        permission.Permission `json:"name"`
	Description string                `json:"description"`
	// Roles are the built-in roles that have it.
	Roles []string `json:"roles"`
}

// ListPermissions lists what a role can be made of.
func (s Service) ListPermissions(context.Context, access.Actor, api.None) (PermissionsAnswer, error) {
	out := PermissionsAnswer{Permissions: make([]PermissionView, len(permission.All))}
	for i, p := range permission.All {
		out.Permissions[i] = PermissionView{Name: p, Description: permission.Describe(p), Roles: []string{}}
		for _, r := range permission.BuiltIn {
			if r.Permissions.Has(p) {
				out.Permissions[i].Roles = append(out.Permissions[i].Roles, r.Name)
			}
		}
	}
	return out, nil
}
