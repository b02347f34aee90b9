package audit

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
)

// ActionsAnswer has every action, by which events can be asked for.
type ActionsAnswer struct {
	Actions []ActionView `json:"audit_actions"`
}

// ActionView is an action.
type ActionView struct {
	Action Action `json:"action"`
	// About says when it is recorded.
	About string `json:"about"`
}

// ListActions tells what the audit log records, and what each action means.
func (s Service) ListActions(context.Context, access.Actor, api.None) (ActionsAnswer, error) {
	var out ActionsAnswer
	for _, entry := range Catalogue {
		out.Actions = append(out.Actions, ActionView{entry.Action, entry.About})
	}
	return out, nil
}
