// Package deletion ends organizations: an owner deletes one, may restore it for a
// while, and then everything that it holds is erased.
package deletion

import (
	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/route"
)

// Service has the use cases of deletion.
type Service struct{ *env.Env }

// Endpoints are the routes of deletion.
func Endpoints(e *env.Env) []api.Endpoint {
	s := Service{e}
	return []api.Endpoint{
		api.Handle(route.DeleteOrganization, access.Member(e), s.Delete),
		api.Handle(route.RestoreOrganization, access.Member(e), s.Restore),
	}
}
