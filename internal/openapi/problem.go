package openapi

import (
	"net/http"
	"strings"

	"roster/internal/api"
	"roster/internal/fault"
	"roster/internal/openapi/spec"
)

// kinds are the kinds of package fault by the names of their constants, in the
// order of their statuses.
var kinds = []struct {
	name        string
	kind        fault.Kind
	description string
}{
	{"Malformed", fault.Malformed, "The request cannot be read: it is not JSON, or has an unknown field or a wrong type."},
	{"Unauthenticated", fault.Unauthenticated, "There is no credential, or one that is unknown, expired or revoked."},
	{"Forbidden", fault.Forbidden, "The caller is known and may not do this."},
	{"NotFound", fault.NotFound, "It does not exist, or is not the caller's to see."},
	{"Conflict", fault.Conflict, "The state of things does not allow it."},
	{"Gone", fault.Gone, "It existed, and has ended for good."},
	{"Precondition", fault.Precondition, "If-Match names another version than the current one."},
	{"TooLarge", fault.TooLarge, "The body exceeds its bound."},
	{"MediaType", fault.MediaType, "The body is of a type that the route does not take."},
	{"Invalid", fault.Invalid, "The request can be read, but a value in it is not allowed; see errors."},
	{"TooMany", fault.TooMany, "A throttle or a limit."},
	{"", 0, "Something went wrong on Roster's side. The request id names it in the logs."},
	{"Unavailable", fault.Unavailable, "Something Roster needs does not answer; trying again may help."},
}

// responseName is the component of a status: NotFound.
func responseName(status int) string {
	return strings.NewReplacer(" ", "", "-", "").Replace(http.StatusText(status))
}

// problems are the responses of refusals, each with the codes it may have.
func (r *reflector) problems() spec.Ordered[spec.Response] {
	var all spec.Ordered[spec.Response]
	known := map[string]bool{}
	for _, k := range kinds {
		status := api.StatusOf(k.kind)
		out := spec.Response{
			Description: k.description,
			Status:      status,
			Content:     spec.Ordered[spec.MediaType]{{Name: "application/problem+json", Value: spec.MediaType{Schema: &spec.Schema{Ref: "#/components/schemas/Problem"}}}},
		}
		switch k.kind {
		case fault.TooMany, fault.Unavailable:
			out.Headers.Add("Retry-After", spec.Header{Description: "Seconds after which trying again makes sense", Schema: &spec.Schema{Type: spec.Integer, Minimum: new(1)}})
			if k.kind == fault.TooMany {
				out.Headers.Add("X-Should-Retry", spec.Header{Description: "false where a spending limit is reached: trying again before it resets is in vain", Schema: &spec.Schema{Type: spec.String}})
			}
		case fault.TooLarge:
			out.Content.Add("application/json", spec.MediaType{Schema: gatewayMessage()})
		case fault.Unauthenticated:
			out.Headers.Add("WWW-Authenticate", spec.Header{Description: "The scheme, Bearer", Schema: &spec.Schema{Type: spec.String}})
		}
		for _, f := range r.source.faults {
			if f.kind == k.name {
				out.Codes = append(out.Codes, spec.Code{Code: f.code, Detail: f.detail})
				known[f.code] = true
			}
		}
		all.Add(responseName(status), out)
	}
	for _, f := range r.source.faults {
		if !known[f.code] {
			r.fail("the fault %s is of a kind without a response: %s", f.code, f.kind)
		}
	}
	return all
}

// problemSchema is the document of RFC 9457 that package api writes.
func problemSchema() *spec.Schema {
	return &spec.Schema{
		Type:        spec.Object,
		Description: "A refusal (RFC 9457). Some codes come with further members.",
		Properties: spec.Ordered[*spec.Schema]{
			{Name: "success", Value: &spec.Schema{Type: spec.Boolean, Const: false}},
			{Name: "type", Value: &spec.Schema{Type: spec.String, Pattern: "^" + api.ProblemType, Examples: []any{api.ProblemType + "invalid_input"}}},
			{Name: "title", Value: &spec.Schema{Type: spec.String, Description: "The status in words", Examples: []any{"Unprocessable Entity"}}},
			{Name: "status", Value: &spec.Schema{Type: spec.Integer, Minimum: new(400), Maximum: new(599), Examples: []any{422}}},
			{Name: "detail", Value: &spec.Schema{Type: spec.String, Description: "A sentence for a person"}},
			{Name: "code", Value: &spec.Schema{Type: spec.String, Pattern: "^[a-z0-9_]+$", Description: "What programs go by: stable, never renamed",
				Examples: []any{"invalid_input"}}},
			{Name: "request_id", Value: &spec.Schema{Type: spec.String, Description: "Names the call in the logs; also the header X-Request-Id"}},
			{Name: "errors", Value: &spec.Schema{Type: spec.Array, Description: "Where the input is at fault", Items: &spec.Schema{Ref: "#/components/schemas/Fault"}}},
		},
		Required: []string{"success", "type", "title", "status", "detail", "code", "request_id"},
	}
}

// gatewayMessage is what API Gateway itself answers to a request beyond its own
// bound of 10 MB
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html).
func gatewayMessage() *spec.Schema {
	return &spec.Schema{
		Type: spec.Object, Description: "Above 10 MB, before Roster sees the request",
		Properties: spec.Ordered[*spec.Schema]{{Name: "message", Value: &spec.Schema{Type: spec.String}}},
		Required:   []string{"message"},
	}
}

// fieldSchema is one place of the input that is at fault.
func fieldSchema() spec.Schema {
	return spec.Schema{
		Type: spec.Object,
		Properties: spec.Ordered[*spec.Schema]{
			{Name: "pointer", Value: &spec.Schema{Type: spec.String, Description: "A place in the body (JSON Pointer, RFC 6901)", Examples: []any{"/email"}}},
			{Name: "parameter", Value: &spec.Schema{Type: spec.String, Description: "A query parameter or header"}},
			{Name: "reason", Value: &spec.Schema{Type: spec.String, Examples: []any{"is not an e-mail address"}}},
		},
		Required: []string{"reason"},
	}
}
