// Package console serves what people open in a browser: the pages to which links
// in mails lead, the API reference, and the way to both. It does not use the
// table; its pages call the API like any other client.
package console

import (
	"context"

	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/openapi/spec"
	"roster/internal/route"
)

// Pages has the answers; they are made when they are first asked for.
type Pages struct{}

// Endpoints are the routes of the console.
func Endpoints(*env.Env) []api.Endpoint {
	var p Pages
	return []api.Endpoint{
		api.Handle(route.Home, api.Anyone, p.Home),
		api.Handle(route.OpenAPI, api.Anyone, p.OpenAPI),
		api.Handle(route.Docs, api.Anyone, p.Docs),
		api.Handle(route.InvitePage, api.Anyone, p.InvitePage),
		api.Handle(route.VerifyPage, api.Anyone, p.VerifyPage),
		api.Handle(route.ResetPage, api.Anyone, p.ResetPage),
	}
}

// Home says what Roster is, and where things are.
func (Pages) Home(context.Context, api.Client, api.None) (api.Page, error) { return home() }

// InvitePage shows an invitation and accepts it. The token stands in the
// fragment of its address, which no server sees.
func (Pages) InvitePage(context.Context, api.Client, api.None) (api.Page, error) { return invite() }

// VerifyPage proves an address with the password of who holds it.
func (Pages) VerifyPage(context.Context, api.Client, api.None) (api.Page, error) { return verify() }

// ResetPage mails a link to a new password, and by the link's token sets one.
func (Pages) ResetPage(context.Context, api.Client, api.None) (api.Page, error) { return reset() }

// Docs shows the OpenAPI document for people.
func (Pages) Docs(context.Context, api.Client, api.None) (api.Page, error) { return docs() }

// OpenAPI is the document itself. Pages of other origins may read it.
func (Pages) OpenAPI(context.Context, api.Client, api.None) (api.Page, error) {
	return api.Page{
		ContentType: "application/json",
		Headers:     map[string]string{"access-control-allow-origin": "*", "cache-control": cached},
		Body:        spec.JSON,
	}, nil
}
