package access

import (
	"context"
	"errors"

	"roster/internal/fault"
	"roster/internal/model"
	"roster/internal/permission"
)

// checks are all that decides whether a member may call a model, by its full name,
// or any, where none is named: each is a reason for which they may not, and the
// first is what authorizing tells. The last one tells whose connection serves the
// call, and alone may have to read.
func (h *HotPath) checks(ctx context.Context, s Standing, name string, served *ConnectionScope) []func() error {
	all := []func() error{s.hasLiveKey, s.member.Status.Admit, s.inOrganization}
	for _, d := range demands {
		all = append(all, func() error { return d.unmet(s.gate.view, s.member, s.readAt) })
	}
	all = append(all, s.mayUseModels)
	for _, l := range s.levels() {
		all = append(all, func() error { return l.admits(name) })
	}
	return append(all, func() (err error) {
		*served, err = h.connection(ctx, s, model.Provider(name))
		return err
	})
}

// Admit tells whose connection serves a member's call of a model, or the first
// reason why they may not make it.
func (h *HotPath) Admit(ctx context.Context, s Standing, model string) (served ConnectionScope, err error) {
	for _, check := range h.checks(ctx, s, model, &served) {
		if err := check(); err != nil {
			return "", err
		}
	}
	return served, nil
}

// Refusals are all reasons why a member may not call a model, in the order of which
// Admit returns the first; and, where there is none, whose connection serves it.
func (h *HotPath) Refusals(ctx context.Context, s Standing, model string) (refusals []*fault.Error, served ConnectionScope, err error) {
	for _, check := range h.checks(ctx, s, model, &served) {
		err := check()
		refusal, ok := errors.AsType[*fault.Error](err)
		switch {
		case ok && refusal.Kind != fault.Unavailable:
			refusals = append(refusals, refusal)
		case err != nil:
			return nil, "", err
		}
	}
	return refusals, served, nil
}

func (s Standing) hasLiveKey() error {
	if s.deadKey {
		return ErrKey
	}
	return nil
}

func (s Standing) inOrganization() error { return AdmitTo(s.gate.view.Status) }

func (s Standing) mayUseModels() error {
	if s.permissions().Has(permission.ModelsUse) {
		return nil
	}
	withheld := "role"
	if s.member.permissions(s.gate.view.Roles).Has(permission.ModelsUse) {
		withheld = "key"
	}
	return ErrPermission.With("permission", permission.ModelsUse).With("level", withheld)
}
