package organization

import (
	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/route"
)

// Service has the use cases of organizations; package account founds them.
type Service struct{ *env.Env }

// Endpoints are the routes of organizations.
func Endpoints(e *env.Env) []api.Endpoint {
	s := Service{e}
	return []api.Endpoint{
		api.Handle(route.ListOrganizations, access.PlatformAdministrator(e), s.ListOrganizations),
		api.Handle(route.GetOrganization, access.Member(e), s.GetOrganization),
		api.Handle(route.UpdateOrganization, access.Member(e), s.UpdateOrganization),
		api.Handle(route.GetSecurity, access.Member(e), s.GetSecurity),
		api.Handle(route.UpdateSecurity, access.Member(e), s.UpdateSecurity),
		api.Handle(route.SuspendOrganization, access.PlatformAdministrator(e), s.SuspendOrganization),
		api.Handle(route.UnsuspendOrganization, access.PlatformAdministrator(e), s.UnsuspendOrganization),
	}
}

// Answer is one organization.
type Answer struct {
	Organization View `json:"organization"`
	etag         string
}

// ETag is the entity tag of the organization's settings.
func (a Answer) ETag() string { return a.etag }

func answer(o Organization) Answer { return Answer{o.View(), o.ETag()} }

// Answer shows the organization.
func (o Organization) Answer() Answer { return answer(o) }
