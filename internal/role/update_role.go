package role

import (
	"context"

	"roster/internal/access"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/model"
	"roster/internal/organization"
	"roster/internal/permission"
)

// UpdateRequest is a merge patch of a role (RFC 7396).
type UpdateRequest struct {
	Name        Name                         `path:"role" json:"-"`
	Description field.Optional[field.Reason] `json:"description,omitzero"`
	// Permissions replace those that the role had.
	Permissions field.Optional[Permissions] `json:"permissions,omitzero"`
	// AllowedModels are those that whoever has the role may call; null stands for all.
	AllowedModels field.Optional[model.List] `json:"allowed_models,omitzero"`
}

// Validate refuses a role whose permissions are null.
func (in *UpdateRequest) Validate() []fault.Field {
	faults := modelFaults(in.AllowedModels.Value)
	if in.Permissions.Null {
		faults = append(faults, fault.Field{Pointer: "/permissions", Reason: "must not be null; a role without permissions has []"})
	}
	return faults
}

// UpdateRole changes a role; its members may do what it says from their next call
// on. A patch that changes nothing writes nothing.
func (s Service) UpdateRole(ctx context.Context, by access.Actor, in UpdateRequest) (Answer, error) {
	if err := builtIn(in.Name); err != nil {
		return Answer{}, err
	}
	return s.commit(ctx, by, in.Name, func(org organization.Organization, read *Role) (*change, Answer, error) {
		switch {
		case read == nil:
			return nil, Answer{}, errNotFound
		case read.Successor != "":
			return nil, Answer{}, errRetired
		case !by.Permissions().Covers(read.Permissions):
			return nil, Answer{}, errRank
		case in.AllowedModels.Given && by.Role() == string(in.Name):
			return nil, Answer{}, errOwnRole
		}
		r := *read
		in.Description.Merge(&r.Description)
		if in.Permissions.Given {
			r.Permissions = permission.Set(in.Permissions.Value)
		}
		in.AllowedModels.Merge(&r.AllowedModels)
		if !by.Permissions().Covers(r.Permissions) {
			return nil, Answer{}, errGrant
		}
		before, after := audit.Changes(read.recorded(), r.recorded())
		if len(after) == 0 {
			return nil, Answer{read.view()}, nil
		}
		return &change{
			role: &r, roles: with(org.Roles, in.Name, r.own()),
			action: audit.RoleUpdated, before: before, after: after,
		}, Answer{r.view()}, nil
	})
}
