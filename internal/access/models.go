package access

import (
	"roster/internal/fault"
	"roster/internal/model"
)

// ErrModel refuses a model that is not on every list; With says whose list.
var ErrModel = fault.New(fault.Forbidden, "model_not_allowed", "The model is not among those that may be used; level says whose list leaves it out.")

// level is one of those that may name the models that may be used. A model must be
// on the list of each that names any.
type level struct {
	name   string
	models model.List
}

// levels are in the order in which they are told.
func (s Standing) levels() []level {
	return []level{
		{"role", s.gate.view.Roles.AllowedModels(s.member.Role)},
		{"team", s.gate.view.teamModels(s.member.Teams)},
		{"member", s.member.AllowedModels},
		{"key", s.key.AllowedModels},
	}
}

// admits returns why the list leaves a model out; nil if it does not, or no model
// is named.
func (l level) admits(model string) error {
	if model == "" || l.models.Allows(model) {
		return nil
	}
	return ErrModel.With("model", model).With("level", l.name)
}

// AllowedModels are those that are on every list; nil where there is no list.
func (s Standing) AllowedModels() model.List {
	var all model.List
	for _, l := range s.levels() {
		all = all.And(l.models)
	}
	return all
}
