// Package openapi makes the OpenAPI document of Roster from what there is
// anyway: the routes, the Go types of their requests and answers, the comments
// on them, and the refusals that the source declares. It runs when Roster is
// built, never in a function.
package openapi

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/feature"
	"roster/internal/openapi/spec"
	"roster/internal/route"
)

//go:generate go run ./generate

const description = `Roster answers two questions, exactly and at any size: who may use our models now, and what have they spent.

**Credentials.** Send ` + "`Authorization: Bearer`" + ` with an access token, which logging in gives, or with an API key (` + "`rk_…`" + `). Both belong to one organization; a path that names another is answered as if that did not exist.

**Answers.** A success has ` + "`\"success\": true`" + ` and a named payload. A refusal is a problem document (RFC 9457, ` + "`application/problem+json`" + `) whose ` + "`code`" + ` is stable. Clients ignore members that they do not know.

**Requests** are JSON. Unknown fields and query parameters are refused. PUT merges (RFC 7396): what is absent stays, null resets.

**Lists** take ` + "`limit`" + ` and ` + "`cursor`" + `, and answer ` + "`next_cursor`" + ` while there is more.

**Repeats.** With an ` + "`Idempotency-Key`" + ` a change is made once, and a repeat within 24 hours gets the same answer.

**Times** are RFC 3339 in UTC. **Money** is in US dollars, as decimal numbers.`

// Generate writes the document; source is the folder of Roster's packages.
func Generate(folder string) ([]byte, error) {
	comments, err := read(folder)
	if err != nil {
		return nil, err
	}
	r := &reflector{source: comments, components: map[string]component{}}
	doc := spec.Document{
		OpenAPI:  "3.1.1",
		Info:     spec.Info{Title: "Roster", Version: "1", Description: description},
		Servers:  []spec.Server{{URL: "/", Description: "This deployment"}},
		Security: []spec.SecurityRequirement{{"bearer": {}}},
	}
	for _, a := range areas {
		doc.Tags = append(doc.Tags, a.Tag)
	}
	endpoints := endpoints()
	for _, of := range route.All {
		e, ok := endpoints[of.ID]
		if !ok {
			r.fail("no feature serves %s", of.ID)
			continue
		}
		operations := doc.Paths.At(of.Path())
		operations.Add(strings.ToLower(of.Method()), r.operation(e))
	}
	doc.Components = r.shared()
	if err := r.err(); err != nil {
		return nil, err
	}
	return json.Marshal(doc, json.Deterministic(true), jsontext.WithIndent("  "))
}

func endpoints() map[route.ID]api.Endpoint {
	all := map[route.ID]api.Endpoint{}
	for _, serve := range feature.All {
		for _, e := range serve(new(env.Env)) {
			all[e.Route.ID] = e
		}
	}
	return all
}

// shared is what operations refer to.
func (r *reflector) shared() spec.Components {
	problem, fault := problemSchema(), fieldSchema()
	c := spec.Components{
		SecuritySchemes: spec.Ordered[spec.SecurityScheme]{{Name: "bearer", Value: spec.SecurityScheme{
			Type: "http", Scheme: "bearer", Description: "An access token or an API key",
		}}},
		Parameters: spec.Ordered[spec.Parameter]{{Name: "IdempotencyKey", Value: spec.Parameter{
			Name: "Idempotency-Key", In: "header", Description: "Makes a repeat of this call harmless: it gets the first one's answer",
			Schema: &spec.Schema{Type: spec.String, MinLength: 1, MaxLength: 255, Pattern: "^[!-~]+$"},
		}}},
		Responses: r.problems(),
		Schemas:   spec.Ordered[*spec.Schema]{{Name: "Problem", Value: problem}, {Name: "Fault", Value: &fault}},
	}
	for _, name := range slices.Sorted(maps.Keys(r.components)) {
		c.Schemas.Add(name, r.components[name].schema)
	}
	return c
}
