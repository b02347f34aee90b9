package connection

import (
	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/route"
)

// Service has the use cases of connections.
type Service struct{ *env.Env }

// Endpoints are the routes of connections.
func Endpoints(e *env.Env) []api.Endpoint {
	s := Service{e}
	return []api.Endpoint{
		api.Handle(route.CreateConnection, access.Member(e), s.CreateConnection),
		api.Handle(route.ListConnections, access.Member(e), s.ListConnections),
		api.Handle(route.UpdateConnection, access.Member(e), s.UpdateConnection),
		api.Handle(route.DeleteConnection, access.Member(e), s.DeleteConnection),
		api.Handle(route.CreateMyConnection, access.Person(e), s.CreateMyConnection),
		api.Handle(route.ListMyConnections, access.Person(e), s.ListMyConnections),
		api.Handle(route.UpdateMyConnection, access.Person(e), s.UpdateMyConnection),
		api.Handle(route.DeleteMyConnection, access.Person(e), s.DeleteMyConnection),
	}
}
