package permission

import "roster/internal/model"

// Own is a role that an organization made itself, as its item keeps it for
// authentication.
type Own struct {
	Permissions Set `dynamodbav:"permissions"`
	// AllowedModels are those that whoever has the role may call.
	AllowedModels model.List `dynamodbav:"allowed_models,omitempty"`
	// Successor, where set, is the role that took this one's place: whoever has
	// this one has that. It is not retired itself.
	Successor string `dynamodbav:"successor,omitempty"`
}

// Roles are the roles of an organization: its own by their names, and the built-in
// ones, which no own one can replace. The nil Roles are the built-in ones.
type Roles map[string]Own

// Role returns the role that members of that name have; of a retired role, its
// successor.
func (r Roles) Role(name string) (Role, bool) {
	if retired, ok := r[name]; ok && retired.Successor != "" {
		name = retired.Successor
	}
	if role, ok := BuiltInRole(name); ok {
		return role, true
	}
	own, ok := r[name]
	return Role{Name: name, Permissions: own.Permissions}, ok && own.Successor == ""
}

// Of returns the permissions of the role of that name; none, if there is no such
// role.
func (r Roles) Of(name string) Set {
	role, _ := r.Role(name)
	return role.Permissions
}

// AllowedModels returns the models that the role of that name allows; nil for all.
func (r Roles) AllowedModels(name string) model.List {
	if retired := r[name]; retired.Successor != "" {
		name = retired.Successor
	}
	return r[name].AllowedModels
}

// Assignable returns the role of that name, unless it is retired.
func (r Roles) Assignable(name string) (Role, bool) {
	role, ok := r.Role(name)
	return role, ok && role.Name == name
}
