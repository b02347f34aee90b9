// Package apikey gives members and service accounts their API keys: a text that
// is shown once, and in the member's item its digest.
package apikey

import (
	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/route"
)

// Service has the use cases of API keys.
type Service struct{ *env.Env }

// Endpoints are the routes of API keys.
func Endpoints(e *env.Env) []api.Endpoint {
	s := Service{e}
	return []api.Endpoint{
		api.Handle(route.CreateKey, access.Member(e), s.CreateKey),
		api.Handle(route.ListKeys, access.Member(e), s.ListKeys),
		api.Handle(route.UpdateKey, access.Member(e), s.UpdateKey),
		api.Handle(route.RotateKey, access.Member(e), s.RotateKey),
		api.Handle(route.TransferKey, access.Member(e), s.TransferKey),
		api.Handle(route.RevokeKey, access.Member(e), s.RevokeKey),
	}
}
