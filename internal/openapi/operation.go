package openapi

import (
	"cmp"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"roster/internal/api"
	"roster/internal/openapi/spec"
	"roster/internal/route"
)

// areas group the routes of functions.
var areas = []struct {
	spec.Tag
	functions []string
}{
	{spec.Tag{Name: "Accounts", Description: "Register, log in, and move between one's organizations."}, []string{"accounts"}},
	{spec.Tag{Name: "Organizations", Description: "Tenants and their settings."}, []string{"organizations"}},
	{spec.Tag{Name: "Invitations", Description: "Invite people, and accept."}, []string{"invite", "accept"}},
	{spec.Tag{Name: "Join requests", Description: "Ask to join; approve or reject."}, []string{"join", "approve"}},
	{spec.Tag{Name: "Members", Description: "Who belongs to an organization, as what, and whether they may act."}, []string{"members", "suspend"}},
	{spec.Tag{Name: "Limits", Description: "What may be spent in a day and in a month."}, []string{"limits"}},
	{spec.Tag{Name: "Teams", Description: "Groups of members, with managers of their own."}, []string{"teams"}},
	{spec.Tag{Name: "Roles", Description: "What members may do."}, []string{"roles"}},
	{spec.Tag{Name: "Jobs", Description: "Work that is too large for one request: how far it is, and what each row came to."}, []string{"jobs"}},
	{spec.Tag{Name: "API keys", Description: "Credentials of members and service accounts."}, []string{"keys"}},
	{spec.Tag{Name: "Connections", Description: "Providers' credentials: an organization's, and people's own. They go in and never come out."}, []string{"connections"}},
	{spec.Tag{Name: "Gateways", Description: "The calls a gateway makes for each model call: may this key use models now, and what did it use."}, []string{"authorize", "meter"}},
	{spec.Tag{Name: "Usage", Description: "Who used what, and what it cost."}, []string{"usage", "export"}},
	{spec.Tag{Name: "Billing", Description: "To whom usage is accounted for, the budget, and monthly statements that never change."}, []string{"billing"}},
	{spec.Tag{Name: "Audit", Description: "What happened, why somebody may not use models, and who still needs their access."}, []string{"audit"}},
	{spec.Tag{Name: "Pages", Description: "What people open in a browser, and this document."}, []string{"console"}},
}

func (r *reflector) area(of route.Route) string {
	if strings.HasPrefix(of.Path(), "/auth/verify-email") {
		return "Accounts" // served by the function that accepts invitations
	}
	for _, a := range areas {
		if slices.Contains(a.functions, of.Function) {
			return a.Name
		}
	}
	r.fail("function %s belongs to no area", of.Function)
	return ""
}

func (r *reflector) operation(e api.Endpoint) spec.Operation {
	o := spec.Operation{
		OperationID: string(e.Route.ID),
		Tags:        []string{r.area(e.Route)},
		Summary:     e.Route.Summary,
		Description: strings.Join(nonEmpty(r.source.useCase(e.Route.ID), requirement(e.Route)), "\n\n"),
		Parameters:  r.parameters(e),
	}
	for _, p := range e.Route.Permissions {
		o.Permissions = append(o.Permissions, string(p))
	}
	if e.Route.Access == route.Public {
		o.Security = &[]spec.SecurityRequirement{}
	}
	if body := r.body(e.In); body != nil {
		o.RequestBody = body
	}
	o.Responses = r.responses(e)
	return o
}

func nonEmpty(all ...string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// requirement says in words who may call a route.
func requirement(of route.Route) string {
	switch of.Access {
	case route.Account:
		return "Needs an access token; it may belong to no organization."
	case route.Platform:
		return "Needs the access token of a platform administrator."
	case route.Member:
		if len(of.Permissions) == 0 {
			return "Needs the access token or API key of an active member."
		}
		var names []string
		for _, p := range of.Permissions {
			names = append(names, "`"+string(p)+"`")
		}
		return "Needs the access token or API key of an active member with " + strings.Join(names, " or ") + "."
	}
	return ""
}

func (r *reflector) parameters(e api.Endpoint) []spec.Parameter {
	var all []spec.Parameter
	known := map[string]bool{}
	for _, f := range reflect.VisibleFields(e.In) {
		for _, in := range []string{"path", "query", "header"} {
			name, ok := f.Tag.Lookup(in)
			if !ok {
				continue
			}
			known[name] = true
			s := r.of(f.Type, request)
			p := spec.Parameter{Name: name, In: in, Required: in == "path", Description: r.fieldComment(e.In, f), Schema: s}
			if p.Description == "" && s.Ref == "" {
				p.Description = s.Description
			}
			all = append(all, p)
		}
	}
	for _, name := range e.Route.Parameters() {
		if known[name] {
			continue
		}
		t, ok := pathParameters[name]
		if !ok {
			r.fail("%s: nothing says what {%s} is", e.Route.ID, name)
			continue
		}
		all = append(all, spec.Parameter{Name: name, In: "path", Required: true, Schema: r.of(t, request),
			Description: "The organization of the credential"})
	}
	inPath := e.Route.Parameters()
	slices.SortStableFunc(all, func(a, b spec.Parameter) int {
		return cmp.Or(placeOf(a.In)-placeOf(b.In), slices.Index(inPath, a.Name)-slices.Index(inPath, b.Name))
	})
	if e.Route.Mutates() {
		all = append(all, spec.Parameter{Ref: "#/components/parameters/IdempotencyKey"})
	}
	return all
}

func placeOf(in string) int { return slices.Index([]string{"path", "query", "header"}, in) }

// fieldComment finds the comment of a field in the struct that declares it.
func (r *reflector) fieldComment(t reflect.Type, f reflect.StructField) string {
	for _, i := range f.Index[:len(f.Index)-1] {
		t = t.Field(i).Type
	}
	return r.comment(t, "."+f.Name)
}

// body is nil for a type without members of a body.
func (r *reflector) body(in reflect.Type) *spec.RequestBody {
	var s spec.Schema
	r.members(in, request, &s)
	if len(s.Properties) == 0 {
		return nil
	}
	body := &spec.RequestBody{
		Required: len(s.Required) > 0,
		Content:  spec.Ordered[spec.MediaType]{{Name: "application/json", Value: spec.MediaType{Schema: r.of(in, request)}}},
	}
	for _, f := range reflect.VisibleFields(in) {
		if f.Tag.Get("list") == "true" {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			json := &body.Content[0].Value
			list := described(*s.Properties.At(name), "What `"+name+"` holds, without the object around it")
			json.Schema = &spec.Schema{AnyOf: []*spec.Schema{json.Schema, list}}
		}
		if mediaType, ok := f.Tag.Lookup("body"); ok {
			body.Content.Add(mediaType, spec.MediaType{Schema: described(r.of(f.Type, request), r.fieldComment(in, f))})
		}
	}
	return body
}

func (r *reflector) responses(e api.Endpoint) spec.Ordered[spec.Response] {
	var all spec.Ordered[spec.Response]
	success := r.success(e)
	for _, status := range r.successes(e) {
		success.Description = http.StatusText(status)
		all.Add(decimal(status), success)
	}
	for _, status := range refusals(e) {
		all.Add(decimal(status), spec.Response{Ref: "#/components/responses/" + responseName(status)})
	}
	return all
}

// successes are the statuses of an answer: the route's, or those that the answer
// decides on.
func (r *reflector) successes(e api.Endpoint) []int {
	if e.Out.Implements(reflect.TypeFor[interface{ StatusCode() int }]()) {
		statuses := r.source.statuses[typeKey(e.Out)]
		for _, f := range reflect.VisibleFields(e.Out) {
			if f.Anonymous && len(statuses) == 0 {
				statuses = r.source.statuses[typeKey(f.Type)]
			}
		}
		if len(statuses) == 0 {
			r.fail("%s.StatusCode returns no number that can be read", e.Out)
		}
		return statuses
	}
	if e.Route.Status != 0 {
		return []int{e.Route.Status}
	}
	return []int{http.StatusOK}
}

func (r *reflector) success(e api.Endpoint) spec.Response {
	if e.Out == reflect.TypeFor[api.Page]() {
		mediaTypeName := "text/html"
		if strings.HasSuffix(e.Route.Path(), ".json") {
			mediaTypeName = "application/json"
		}
		return spec.Response{Content: spec.Ordered[spec.MediaType]{{Name: mediaTypeName, Value: spec.MediaType{Schema: &spec.Schema{}}}}}
	}
	s := &spec.Schema{Type: spec.Object, Required: []string{"success"}}
	s.Properties.Add("success", &spec.Schema{Type: spec.Boolean, Const: true})
	r.members(e.Out, answer, s)
	s.Description = r.comment(e.Out, "")
	out := spec.Response{Content: spec.Ordered[spec.MediaType]{{Name: "application/json", Value: spec.MediaType{Schema: s}}}}
	if e.Out.Implements(reflect.TypeFor[interface{ File() *api.File }]()) {
		out.Content.Add("text/csv", spec.MediaType{Schema: &spec.Schema{Type: spec.String, Description: "With format=csv"}})
	}
	if e.Out.Implements(reflect.TypeFor[interface{ ETag() string }]()) {
		out.Headers.Add("ETag", spec.Header{Description: "The version, for If-Match", Schema: &spec.Schema{Type: spec.String}})
	}
	return out
}

// refusals are the statuses with which a route may refuse.
func refusals(e api.Endpoint) []int {
	if e.Route.Function == "console" {
		return []int{http.StatusUnprocessableEntity, http.StatusInternalServerError}
	}
	mutates, identified := e.Route.Mutates(), e.Route.Access != route.Public
	named := len(e.Route.Parameters()) > 0
	_, conditional := headerField(e.In, "If-Match")
	var all []int
	for _, refusal := range []struct {
		possible bool
		status   int
	}{
		{true, http.StatusBadRequest},
		{identified || mutates, http.StatusUnauthorized},
		{identified || mutates || named, http.StatusForbidden},
		{named || mutates, http.StatusNotFound},
		{mutates, http.StatusConflict},
		{named || mutates, http.StatusGone},
		{conditional, http.StatusPreconditionFailed},
		{true, http.StatusRequestEntityTooLarge},
		{mutates, http.StatusUnsupportedMediaType},
		{true, http.StatusUnprocessableEntity},
		{true, http.StatusTooManyRequests},
		{true, http.StatusInternalServerError},
		{true, http.StatusServiceUnavailable},
	} {
		if refusal.possible {
			all = append(all, refusal.status)
		}
	}
	return all
}

func headerField(t reflect.Type, name string) (reflect.StructField, bool) {
	for _, f := range reflect.VisibleFields(t) {
		if f.Tag.Get("header") == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}
