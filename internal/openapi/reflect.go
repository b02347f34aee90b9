package openapi

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"roster/internal/field"
	"roster/internal/money"
	"roster/internal/openapi/spec"
)

// direction tells requests, in which unknown members are errors, from answers,
// in which clients ignore them.
type direction int

const (
	request direction = iota
	answer
)

// reflector makes schemas of Go types as package json encodes them, and
// collects the structs among them as components.
type reflector struct {
	source     *source
	components map[string]component
	errs       []error
}

type component struct {
	of     reflect.Type
	schema *spec.Schema
}

// of returns the schema of a type. A type that Roster names is described by
// values; one that is not there is an error by its name.
func (r *reflector) of(t reflect.Type, d direction) *spec.Schema {
	if s, ok := values[t]; ok {
		if d == answer && t == reflect.TypeFor[money.Amount]() {
			s.Minimum = nil // what was refunded is below 0
		}
		return &s
	}
	if all, ok := unions[t]; ok {
		union := &spec.Schema{Description: r.comment(t, "")}
		for _, one := range all {
			union.AnyOf = append(union.AnyOf, r.of(one, d))
		}
		return union
	}
	if inner, ok := optional(t); ok {
		return nullable(r.of(inner, d))
	}
	switch t.Kind() {
	case reflect.Pointer:
		if d == request {
			return r.of(t.Elem(), d) // absent rather than null
		}
		return nullable(r.of(t.Elem(), d))
	case reflect.Struct:
		if readsItself(t) && !foreign[t] {
			break
		}
		if t.Name() == "" {
			return r.structure(t, d)
		}
		return &spec.Schema{Ref: "#/components/schemas/" + r.component(t, d)}
	case reflect.Interface:
		return &spec.Schema{}
	}
	if t.PkgPath() != "" && t.Kind() != reflect.Slice && t.Kind() != reflect.Map || readsItself(t) {
		r.fail("%s has no schema: add it to values", t)
		return &spec.Schema{}
	}
	switch t.Kind() {
	case reflect.String:
		return &spec.Schema{Type: spec.String}
	case reflect.Bool:
		return &spec.Schema{Type: spec.Boolean}
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Uint64:
		return &spec.Schema{Type: spec.Integer}
	case reflect.Float64:
		return &spec.Schema{Type: spec.Number}
	case reflect.Slice:
		return &spec.Schema{Type: spec.Array, Items: r.of(t.Elem(), d)}
	case reflect.Map:
		return &spec.Schema{Type: spec.Object, AdditionalProperties: r.of(t.Elem(), d)}
	}
	r.fail("%s has no schema: its kind is %s", t, t.Kind())
	return &spec.Schema{}
}

func (r *reflector) fail(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("openapi: "+format, args...))
}

func (r *reflector) err() error { return errors.Join(r.errs...) }

// component returns the name of a struct's schema, which it makes once.
func (r *reflector) component(t reflect.Type, d direction) string {
	name := componentName(t)
	if d == request && !strings.HasSuffix(name, "Request") {
		name += "Input"
	}
	known, ok := r.components[name]
	switch {
	case !ok:
		r.components[name] = component{t, nil} // a type may hold itself
		r.components[name] = component{t, r.structure(t, d)}
	case known.of != t:
		r.fail("%s and %s share the name %s", t, known.of, name)
	}
	return name
}

// componentName is the package's name and the type's: OrganizationView.
func componentName(t reflect.Type) string {
	pkg := t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:]
	name, _, _ := strings.Cut(t.Name(), "[")
	if strings.HasPrefix(strings.ToLower(name), pkg) {
		return name
	}
	return strings.ToUpper(pkg[:1]) + pkg[1:] + name
}

// structure is the schema of a struct's members.
func (r *reflector) structure(t reflect.Type, d direction) *spec.Schema {
	s := &spec.Schema{Type: spec.Object, Description: r.comment(t, "")}
	r.members(t, d, s)
	if d == request && !foreign[t] {
		s.AdditionalProperties = &spec.Schema{Never: true}
	}
	return s
}

// members adds the members of a struct, those of embedded ones included.
func (r *reflector) members(t reflect.Type, d direction, s *spec.Schema) {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
			continue
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Pointer:
			required := s.Required
			r.members(f.Type.Elem(), d, s)
			s.Required = required // all are absent where it is nil
			continue
		case f.Anonymous && name == "" || strings.Contains(options, "embed"):
			r.members(f.Type, d, s)
			continue
		case name == "" && d == request:
			continue // bound from elsewhere than the body, or not at all
		case name == "":
			name = f.Name
		}
		of := f.Type
		if stand, ok := stands[typeKey(t)+"."+f.Name]; ok {
			of = stand
		}
		member := r.of(of, d)
		if d == answer && f.Type.Kind() == reflect.Pointer && strings.Contains(options, "omitzero") {
			member = r.of(f.Type.Elem(), d) // absent rather than null
		}
		s.Properties.Add(name, described(member, r.comment(t, "."+f.Name)))
		if d == request && f.Tag.Get("required") == "true" || d == answer && !strings.Contains(options, "omit") {
			s.Required = append(s.Required, name)
		}
	}
}

var identifier = regexp.MustCompile(`\b[A-Z][A-Za-z]+\b`)

// comment is that of a type, or of its field ("." and a name), where members are
// called as they are in JSON.
func (r *reflector) comment(t reflect.Type, field string) string {
	return identifier.ReplaceAllStringFunc(r.source.comments[typeKey(t)+field], func(word string) string {
		if t.Kind() != reflect.Struct {
			return word
		}
		f, ok := t.FieldByName(word)
		for _, place := range []string{"json", "query", "path", "header"} {
			if name, _, _ := strings.Cut(f.Tag.Get(place), ","); ok && name != "" && name != "-" {
				return "`" + name + "`"
			}
		}
		return word
	})
}

// described puts a field's comment before what its type's schema says.
func described(s *spec.Schema, comment string) *spec.Schema {
	if comment == "" {
		return s
	}
	c := *s
	if c.Description = comment; s.Description != "" && s.Ref == "" {
		c.Description = comment + "\n\n" + s.Description
	}
	return &c
}

func nullable(s *spec.Schema) *spec.Schema {
	switch {
	case s.Ref != "" || len(s.Enum) > 0:
		return &spec.Schema{AnyOf: []*spec.Schema{s, {Type: spec.Null}}}
	case len(s.Type) == 1:
		c := *s
		c.Type = append(slices.Clone(s.Type), spec.Null...)
		return &c
	}
	return s // anything, or nullable already
}

func typeKey(t reflect.Type) string {
	name, _, _ := strings.Cut(t.Name(), "[")
	return t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:] + "." + name
}

// optional returns the T of a field.Optional[T].
func optional(t reflect.Type) (reflect.Type, bool) {
	if t.PkgPath() != reflect.TypeFor[field.Name]().PkgPath() || !strings.HasPrefix(t.Name(), "Optional[") {
		return nil, false
	}
	value, _ := t.FieldByName("Value")
	return value.Type, true
}

// readsItself reports whether a type decides its own JSON.
func readsItself(t reflect.Type) bool {
	for _, as := range []reflect.Type{
		reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
		reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.Unmarshaler](),
		reflect.TypeFor[json.MarshalerTo](), reflect.TypeFor[json.UnmarshalerFrom](),
	} {
		if t.Implements(as) || reflect.PointerTo(t).Implements(as) {
			return true
		}
	}
	return false
}

func decimal(n int) string { return strconv.Itoa(n) }
