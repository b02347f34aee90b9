package console

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/openapi/spec"
)

// extent is how much of an object an example has.
type extent int

const (
	everything extent = iota
	// necessary: the required members, or the first one where none is required.
	necessary
)

// example is a value that fits a schema, as indented JSON.
func (c components) example(s *spec.Schema, e extent) string {
	b, err := json.Marshal(c.sample("", s, e, 0), jsontext.WithIndent("  "), json.Deterministic(true))
	if err != nil {
		panic("console: example: " + err.Error())
	}
	return string(b)
}

const deepest = 6

func (c components) sample(name string, s *spec.Schema, e extent, depth int) any {
	s = c.resolve(s)
	switch {
	case strings.HasSuffix(name, "role"):
		return "member"
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Const != nil:
		return s.Const
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.AnyOf) > 0:
		return c.sample(name, s.AnyOf[0], e, depth)
	case s.Items != nil:
		if depth > deepest {
			return []any{}
		}
		return []any{c.sample(name, s.Items, e, depth+1)}
	case len(s.Properties) > 0:
		return c.sampleObject(s, e, depth)
	case len(s.Type) == 0:
		return "…"
	}
	switch s.Type[0] {
	case "string":
		return sampleText(name)
	case "integer", "number":
		if s.Default != nil {
			return s.Default
		}
		return 1
	case "boolean":
		return true
	}
	return map[string]any{}
}

func (c components) sampleObject(s *spec.Schema, e extent, depth int) spec.Ordered[any] {
	object := spec.Ordered[any]{}
	if depth > deepest {
		return object
	}
	for i, p := range s.Properties {
		if e == everything || slices.Contains(s.Required, p.Name) || len(s.Required) == 0 && i == 0 {
			object.Add(p.Name, c.sample(p.Name, p.Value, e, depth+1))
		}
	}
	return object
}

// sampleText is an example for plain strings, by what they are called.
func sampleText(name string) string {
	switch {
	case name == "email":
		return "ada@example.com"
	case strings.HasSuffix(name, "name"), name == "invited_by":
		return "Ada Lovelace"
	case name == "token_type":
		return "Bearer"
	case name == "model", name == "top_models":
		return "openai/gpt-5"
	}
	return "…"
}

// curl is a call from a shell in which ROSTER, TOKEN and the path's parameters
// are set.
func (c components) curl(of call, body *spec.Schema) string {
	path := of.Path
	for _, p := range of.Parameters {
		if p.Place == "path" {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", "$"+strings.ToUpper(p.Name))
		}
	}
	method := "-X " + of.Method + " "
	if of.Method == "GET" || of.Method == "POST" && body != nil {
		method = "" // curl's own choice
	}
	lines := []string{"curl " + method + `"$ROSTER` + path + `"`}
	if !of.Public {
		lines = append(lines, `-H "Authorization: Bearer $TOKEN"`)
	}
	if body != nil {
		quoted := strings.ReplaceAll(c.example(body, necessary), "'", `'\''`)
		lines = append(lines, "-H 'Content-Type: application/json'", "-d '"+quoted+"'")
	}
	return strings.Join(lines, " \\\n  ")
}
