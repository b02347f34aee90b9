package audit

import (
	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/route"
)

// Service answers who asks what happened.
type Service struct{ *env.Env }

// Endpoints are the routes of the audit log.
func Endpoints(e *env.Env) []api.Endpoint {
	s := Service{e}
	return []api.Endpoint{
		api.Handle(route.ListAuditEvents, access.Member(e), s.ListEvents),
		api.Handle(route.ListAuditActions, access.Member(e), s.ListActions),
	}
}
