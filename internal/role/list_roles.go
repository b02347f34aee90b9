package role

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/field"
	"roster/internal/model"
	"roster/internal/permission"
)

// ListAnswer is every role: the built-in ones, the most powerful first, then the
// organization's own by name.
type ListAnswer struct {
	Roles []View `json:"roles"`
}

// View is a role as members see it.
type View struct {
	Name        string                  `json:"name"`
	Description field.Reason            `json:"description"`
	Permissions []permission.Permission `json:"permissions"`
	// AllowedModels are those that its members may call; absent, all.
	AllowedModels model.List `json:"allowed_models,omitzero"`
	BuiltIn       bool       `json:"built_in"`
	// Members is how many active and suspended members have it; null for built-in
	// roles.
	Members *int `json:"members"`
	// Successor, where set, has taken the role's place.
	Successor string `json:"successor,omitzero"`
}

func (r Role) view() View {
	return View{
		Name: string(r.Name), Description: r.Description, Permissions: r.Permissions.List(),
		AllowedModels: r.AllowedModels, Members: &r.Members, Successor: r.Successor,
	}
}

// ListRoles lists the roles that a member of the organization can have.
func (s Service) ListRoles(ctx context.Context, by access.Actor, _ api.None) (ListAnswer, error) {
	own, err := all(ctx, s.Table, by.Organization())
	if err != nil {
		return ListAnswer{}, err
	}
	var out ListAnswer
	for _, r := range permission.BuiltIn {
		out.Roles = append(out.Roles, View{
			Name: r.Name, Description: field.Reason(r.Description), Permissions: r.Permissions.List(), BuiltIn: true,
		})
	}
	for _, r := range own {
		out.Roles = append(out.Roles, r.view())
	}
	return out, nil
}
