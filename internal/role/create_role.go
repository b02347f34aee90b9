package role

import (
	"context"
	"maps"

	"roster/internal/access"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/model"
	"roster/internal/organization"
	"roster/internal/permission"
)

// CreateRequest makes a role.
type CreateRequest struct {
	Name        Name         `json:"name" required:"true"`
	Description field.Reason `json:"description,omitzero"`
	// Permissions are those that whoever has the role has, and no others.
	Permissions field.Optional[Permissions] `json:"permissions,omitzero"`
	// AllowedModels are those that whoever has the role may call; all, where it is not
	// said.
	AllowedModels model.List `json:"allowed_models,omitzero"`
}

// Validate refuses a role that does not say its permissions, if only that it has none.
func (in *CreateRequest) Validate() []fault.Field {
	faults := modelFaults(in.AllowedModels)
	if !in.Permissions.Given || in.Permissions.Null {
		faults = append(faults, fault.Field{Pointer: "/permissions", Reason: "is required; a role without permissions has []"})
	}
	return faults
}

// CreateRole makes a role of permissions that the caller has.
func (s Service) CreateRole(ctx context.Context, by access.Actor, in CreateRequest) (Answer, error) {
	if err := builtIn(in.Name); err != nil {
		return Answer{}, errTaken
	}
	granted := permission.Set(in.Permissions.Value)
	if !by.Permissions().Covers(granted) {
		return Answer{}, errGrant
	}
	return s.commit(ctx, by, in.Name, func(org organization.Organization, read *Role) (*change, Answer, error) {
		if read != nil {
			return nil, Answer{}, errTaken
		}
		roles, err := room(org.Roles)
		if err != nil {
			return nil, Answer{}, err
		}
		now := s.Now()
		r := Role{
			Name: in.Name, Description: in.Description, Permissions: granted, AllowedModels: in.AllowedModels,
			CreatedAt: now, UpdatedAt: now, Version: 1,
		}
		return &change{
			role: &r, roles: with(roles, in.Name, r.own()),
			action: audit.RoleCreated, after: r.recorded(),
		}, Answer{r.view()}, nil
	})
}

func modelFaults(l model.List) []fault.Field {
	if reason := l.Fault(); reason != "" {
		return []fault.Field{{Pointer: "/allowed_models", Reason: reason}}
	}
	return nil
}

// room returns the roles with place for one more: it forgets where deleted ones
// led when there are too many.
func room(roles permission.Roles) (permission.Roles, error) {
	live := maps.Clone(roles)
	maps.DeleteFunc(live, func(_ string, own permission.Own) bool { return own.Successor != "" })
	switch {
	case len(live) >= MaxRoles:
		return nil, errTooMany
	case len(roles)-len(live) > maxRetired:
		return live, nil
	}
	return roles, nil
}
