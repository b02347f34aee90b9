package acceptance_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"roster/internal/api"
	"roster/internal/feature"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/route"
)

// bodyField is a member of a request's body.
type bodyField struct {
	name string
	kind reflect.Type
}

// bodyFields are the members of a route's body.
func bodyFields(w world, r route.Route) []bodyField {
	var fields []bodyField
	for _, e := range endpoints(w) {
		if e.Route.ID != r.ID {
			continue
		}
		for _, f := range reflect.VisibleFields(e.In) {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
				fields = append(fields, bodyField{name, f.Type})
			}
		}
	}
	return fields
}

// takesList reports whether the body may be the list that one of its members is.
func takesList(w world, r route.Route) bool {
	for _, e := range endpoints(w) {
		if e.Route.ID != r.ID {
			continue
		}
		for _, f := range reflect.VisibleFields(e.In) {
			if f.Tag.Get("list") == "true" {
				return true
			}
		}
	}
	return false
}

func endpoints(w world) []api.Endpoint {
	var all []api.Endpoint
	for _, list := range feature.All {
		all = append(all, list(w.Env)...)
	}
	return all
}

// nonsense is JSON that no member of any request takes, by what is wrong with it.
var nonsense = map[string]string{
	"a nested list":       `[[[]]]`,
	"an overflowing one":  `1e400`,
	"1 MB":                `"` + strings.Repeat("a", 1<<20) + `"`,
	"control characters":  `"\u0000\u202e"`,
	"a lone surrogate":    `"\ud800"`,
	"invalid UTF-8":       "\"\xff\xfe\"",
	"an unknown object":   `{"no such member": {"at": "all"}}`,
	"a very deep one":     strings.Repeat("[", 50_000) + strings.Repeat("]", 50_000),
	"a deep object":       strings.Repeat(`{"a":`, 5_000) + "1" + strings.Repeat("}", 5_000),
	"an object twice":     `{"a":1,"a":2}`,
	"not JSON":            `nonsense`,
	"a string with a tab": "\"\t\"",
}

// accepts reports whether the member takes such JSON after all.
func (f bodyField) accepts(what string) bool {
	t := f.kind
	if t.Kind() == reflect.Struct && strings.HasPrefix(t.Name(), "Optional[") {
		value, _ := t.FieldByName("Value")
		t = value.Type
	}
	return t == reflect.TypeFor[member.MetadataPatch]() && what == "an unknown object" ||
		t == reflect.TypeFor[[]jsontext.Value]() && what == "a nested list" || // refused entry by entry
		t == reflect.TypeFor[field.Attempt]() && what == "control characters" // a password, as typed
}

// TestNonsenseInEveryField sends nonsense as each member of each route's body.
func TestNonsenseInEveryField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.owner(t, "owner@acme.example", "Acme")
	p.platform = w.platform(t).token
	before := w.dump(t)
	for _, r := range route.All {
		if !r.Mutates() {
			continue
		}
		for _, f := range bodyFields(w, r) {
			for _, what := range slices.Sorted(maps.Keys(nonsense)) {
				if f.accepts(what) {
					continue
				}
				answer := w.Call(t, w.fill(r, p), w.credential(r, p), `{"`+f.name+`":`+nonsense[what]+`}`)
				if answer.Status != 400 && answer.Status != 422 {
					t.Errorf("%s: %s as %s: %d %.300s", r.Key, what, f.name, answer.Status, answer.Raw)
				} else if !strings.Contains(string(answer.Raw), `"pointer":"/`+f.name) {
					t.Errorf("%s: %s as %s: the problem does not name the field: %.300s", r.Key, what, f.name, answer.Raw)
				}
			}
		}
	}
	if diff := cmp.Diff(before, w.dump(t)); diff != "" {
		t.Errorf("something was written:\n%s", diff)
	}
}

// TestMalformedBodies sends bodies that are no object of the route.
func TestMalformedBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.owner(t, "owner@acme.example", "Acme")
	p.platform = w.platform(t).token
	before := w.dump(t)
	bodies := map[string]string{
		"an array":         `[]`,
		"null":             `null`,
		"a string":         `"x"`,
		"a number":         `1`,
		"truncated":        `{"`,
		"trailing":         `{} {}`,
		"deep":             strings.Repeat("[", 100_000),
		"an unknown field": `{"no such member":1}`,
		"HTML":             `<html>`,
		"invalid UTF-8":    "{\"\xff\":1}",
		"a comment":        `{/* */}`,
		"only spaces":      "   ",
	}
	for _, r := range route.All {
		if !r.Mutates() || len(bodyFields(w, r)) == 0 {
			continue
		}
		for what, body := range bodies {
			answer := w.Call(t, w.fill(r, p), w.credential(r, p), body)
			if listed := what == "an array" && takesList(w, r); listed && answer.Status != 422 || !listed && answer.Status != 400 {
				t.Errorf("%s: %s: %d %.300s", r.Key, what, answer.Status, answer.Raw)
			}
		}
		if answer := w.Call(t, w.fill(r, p), w.credential(r, p), `{}`, "Content-Type", "text/plain"); answer.Status != 415 {
			t.Errorf("%s: text/plain: %d %.300s", r.Key, answer.Status, answer.Raw)
		}
		if answer := w.Call(t, w.fill(r, p), w.credential(r, p), strings.Repeat(" ", 6<<20)); answer.Status != 413 {
			t.Errorf("%s: 6 MB: %d %.300s", r.Key, answer.Status, answer.Raw)
		}
	}
	if diff := cmp.Diff(before, w.dump(t)); diff != "" {
		t.Errorf("something was written:\n%s", diff)
	}
}

// TestMalformedPaths sends what is no id as each parameter of each path.
func TestMalformedPaths(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.owner(t, "owner@acme.example", "Acme")
	p.platform = w.platform(t).token
	before := w.dump(t)
	junk := []string{"x", "null", "usr_", "org_8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "usr_8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "%00", "%FF", "%2e%2e", strings.Repeat("a", 4000), "';--", "%E2%80%AE"}
	for _, r := range route.All {
		for _, parameter := range r.Parameters() {
			for _, value := range junk {
				target := w.fill(route.Route{Key: strings.Replace(r.Key, "{"+parameter+"}", value, 1)}, p)
				answer := w.Call(t, target, w.credential(r, p), nil)
				if answer.Status < 400 || answer.Status >= 500 {
					t.Errorf("%s: %d %.300s", target, answer.Status, answer.Raw)
				}
			}
		}
	}
	if diff := cmp.Diff(before, w.dump(t)); diff != "" {
		t.Errorf("something was written:\n%s", diff)
	}
}

// TestMalformedQueries sends what lists do not take.
func TestMalformedQueries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.owner(t, "owner@acme.example", "Acme")
	p.platform = w.platform(t).token
	for _, e := range endpoints(w) {
		for _, f := range reflect.VisibleFields(e.In) {
			name, ok := f.Tag.Lookup("query")
			if !ok {
				continue
			}
			free := e.Route.ID == route.ExportCostAllocation && name == "group_by"
			if free || name == "search" || name == "model" || name == "event_id" { // anything short and visible may begin a name, or be one
				continue
			}
			for _, value := range []string{"%00", "%FF", "-1", "1e9", strings.Repeat("a", 5000), "%E2%80%AE", "a,b"} {
				target := w.fill(e.Route, p) + "?" + name + "=" + value
				if answer := w.Call(t, target, w.credential(e.Route, p), nil); answer.Status < 400 || answer.Status >= 500 {
					t.Errorf("%.200s: %d %.300s", target, answer.Status, answer.Raw)
				}
			}
		}
	}
}

// TestLookAlikeAddresses: an address that resembles another is refused or is the
// same, never a second one.
func TestLookAlikeAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.owner(t, "kim@acme.example", "Acme")
	for _, address := range []string{
		"\u212Aim@acme.example",    // Kelvin sign
		"k\u0131m@acme.example",    // dotless i
		"ｋim@acme.example",         // full width
		"kim@ac\u200Bme.example\n", // zero width
		"\"kim\"@acme.example",
		"Kim <kim@acme.example>",
		"kim@acme.example\r\nBcc: eve@evil.example",
		"kim@@acme.example", "kim@acme", "@acme.example", "kim", "", "kim@acme.example.",
		strings.Repeat("k", 300) + "@acme.example",
	} {
		answer := w.Call(t, "POST /api/organizations/"+string(p.organization)+"/members/invite", p.key, map[string]any{"email": address})
		if answer.Status != 422 && answer.Status != 409 {
			t.Errorf("%q: %d %s", address, answer.Status, answer.Raw)
		}
	}
}

// fill puts ids of the right form into a route's path, the person's own for
// organization and user.
func (w world) fill(r route.Route, p person) string {
	now := w.Now()
	return strings.NewReplacer(
		"{org_id}", string(p.organization),
		"{user_id}", string(p.user),
		"{key_id}", string(id.NewKey(now, id.NewUser(now))),
		"{connection_id}", string(id.NewConnection(now)),
		"{invitation_id}", string(id.NewInvitation(now, "nobody@example.com")),
		"{request_id}", string(id.NewJoinRequest(now, id.NewUser(now))),
		"{limit_request_id}", string(id.NewLimitRequest(now, id.NewUser(now))),
		"{job_id}", string(id.NewJob(now)),
		"{token}", "token",
		"{role}", "analyst",
		"{team_id}", string(id.NewTeam(now)),
		"{session_id}", string(id.NewSession(now)),
		"{reservation_id}", string(id.NewReservation(p.user, now, "of nobody", false)),
		"{month}", "2026-11",
		"{source}", "3",
		"{sequence}", "1",
	).Replace(r.Key)
}

// credential is one that the route takes.
func (w world) credential(r route.Route, p person) string {
	switch {
	case r.Access == route.Public:
		return ""
	case r.Access == route.Account:
		return p.token
	case r.Access == route.Platform:
		return p.platform
	}
	return p.key
}
