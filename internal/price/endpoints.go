package price

import (
	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/route"
)

// Service has the use cases of prices.
type Service struct{ *env.Env }

// Endpoints are the routes of prices.
func Endpoints(e *env.Env) []api.Endpoint {
	s := Service{e}
	return []api.Endpoint{
		api.Handle(route.GetPrices, access.Member(e), s.GetPrices),
		api.Handle(route.UpdatePrices, access.Member(e), s.UpdatePrices),
	}
}
