package api

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/fault"
)

// Validator is an In whose members have to agree with each other.
type Validator interface {
	Validate() []fault.Field
}

// decode fills an In. Strict: unknown members and query parameters, duplicate
// members, wrong types and invalid UTF-8 are refused by place. Tags of In:
//
//	json:"email" required:"true"   a member of the body that must not be empty
//	path:"user_id" json:"-"        a parameter of the path; malformed, it is a 404
//	query:"limit" json:"-"         a query parameter
//	header:"If-Match" json:"-"     a header
//	body:"text/csv" json:"-"       the whole body, if it is sent as that media type
//	json:"events" list:"true"      a member that a body may be, as a list without a name
//
// What has a body of another media type takes JSON too, and its required members
// are those of JSON alone.
func decode[In any](r *Request) (In, error) {
	var in In
	v := reflect.ValueOf(&in).Elem()
	shape := shapeOf(v.Type())
	if err := shape.bind(v, r); err != nil {
		return in, err
	}
	if other, ok := shape.otherBody(r); ok {
		if err := set(v.FieldByIndex(other.index), string(r.Body)); err != nil {
			return in, err
		}
		return in, agree(v)
	}
	if err := decodeBody(r, &in, shape); err != nil {
		return in, err
	}
	return in, shape.check(v)
}

// otherBody is where the body goes if its media type is not that of JSON.
func (s *shape) otherBody(r *Request) (source, bool) {
	mediaType, _, err := mime.ParseMediaType(r.Header("Content-Type"))
	i := slices.IndexFunc(s.other, func(o source) bool { return o.name == mediaType })
	if err != nil || i < 0 {
		return source{}, false
	}
	return s.other[i], true
}

// Unmarshal reads one entry of a list as strictly as a body, for lists whose
// entries are refused one by one. Pointers of its faults begin at the entry.
func Unmarshal[Entry any](raw jsontext.Value) (Entry, error) {
	var entry Entry
	if err := unmarshal(raw, &entry); err != nil {
		return entry, err
	}
	return entry, Check(&entry)
}

// Check refuses an entry that was made of others as Unmarshal refuses one that was read.
func Check[Entry any](entry *Entry) error {
	v := reflect.ValueOf(entry).Elem()
	return shapeOf(v.Type()).check(v)
}

// check refuses required members that are empty, then members that do not agree.
func (s *shape) check(v reflect.Value) error {
	var faults []fault.Field
	for _, f := range s.required {
		if v.FieldByIndex(f.index).IsZero() {
			faults = append(faults, fault.Field{Pointer: "/" + f.name, Reason: "is required"})
		}
	}
	if len(faults) > 0 {
		return fault.InvalidFields(faults...)
	}
	return agree(v)
}

// agree refuses members that do not agree with each other.
func agree(v reflect.Value) error {
	validator, ok := v.Addr().Interface().(Validator)
	if !ok {
		return nil
	}
	if faults := validator.Validate(); len(faults) > 0 {
		return fault.InvalidFields(faults...)
	}
	return nil
}

// shape is where the members of an In come from.
type shape struct {
	path, query, header, required []source
	// other are the bodies of other media types than JSON, by these.
	other   []source
	hasBody bool
	// list is the member of the body that a list is; empty, none.
	list string
}

type source struct {
	name  string
	index []int
}

var shapes sync.Map // reflect.Type → *shape

func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s := new(shape)
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous || !f.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		for tag, sources := range map[string]*[]source{"path": &s.path, "query": &s.query, "header": &s.header, "body": &s.other} {
			from, ok := f.Tag.Lookup(tag)
			if !ok {
				continue
			}
			if name != "-" {
				panic("api: tag " + t.String() + "." + f.Name + ` json:"-", or the body could set it too`)
			}
			*sources = append(*sources, source{from, f.Index})
		}
		if name != "" && name != "-" {
			s.hasBody = true
			if f.Tag.Get("required") == "true" {
				s.required = append(s.required, source{name, f.Index})
			}
			if f.Tag.Get("list") == "true" {
				s.list = name
			}
		}
	}
	shapes.Store(t, s)
	return s
}

var errNotFound = fault.New(fault.NotFound, "not_found", "There is nothing at this address, or it is not yours to see.")

func (s *shape) bind(in reflect.Value, r *Request) error {
	for _, p := range s.path {
		if set(in.FieldByIndex(p.index), r.Path(p.name)) != nil {
			return errNotFound
		}
	}
	for _, h := range s.header {
		if value := r.Header(h.name); value != "" {
			if err := set(in.FieldByIndex(h.index), value); err != nil {
				return fault.InvalidParameter(h.name, err.Error())
			}
		}
	}
	// API Gateway joins what is given repeatedly with commas.
	repeated, _ := url.ParseQuery(r.Event.RawQueryString)
	var faults []fault.Field
	for _, name := range slices.Sorted(maps.Keys(r.Event.QueryStringParameters)) {
		i := slices.IndexFunc(s.query, func(q source) bool { return q.name == name })
		switch {
		case i < 0:
			faults = append(faults, fault.Field{Parameter: clip(name), Reason: "is not a parameter of this route"})
		case len(repeated[name]) > 1:
			faults = append(faults, fault.Field{Parameter: name, Reason: "is given more than once"})
		default:
			if err := set(in.FieldByIndex(s.query[i].index), r.Event.QueryStringParameters[name]); err != nil {
				faults = append(faults, fault.Field{Parameter: name, Reason: err.Error()})
			}
		}
	}
	if len(faults) > 0 {
		return fault.InvalidFields(faults...)
	}
	return nil
}

// set reads text into a member: what unmarshals text does so itself.
func set(v reflect.Value, text string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return errors.New("is not a whole number")
		}
		v.SetInt(int64(n))
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("is not true or false")
		}
		v.SetBool(b)
	default:
		panic("api: cannot read text into " + v.Type().String())
	}
	return nil
}

var (
	errMediaType = fault.New(fault.MediaType, "unsupported_media_type", "The body must be sent as application/json.")
	errMalformed = fault.New(fault.Malformed, "malformed_body", "The body is not valid JSON.")
)

func decodeBody(r *Request, in any, shape *shape) error {
	if len(r.Body) == 0 || !shape.hasBody && strings.TrimSpace(string(r.Body)) == "" {
		return nil
	}
	if mediaType, _, err := mime.ParseMediaType(r.Header("Content-Type")); r.Header("Content-Type") != "" &&
		(err != nil || mediaType != "application/json") {
		return shape.mediaTypeFault()
	}
	body := jsontext.Value(r.Body)
	if shape.list != "" && body.Kind() == '[' && body.IsValid() {
		body = slices.Concat(jsontext.Value(`{"`+shape.list+`":`), body, jsontext.Value("}"))
	}
	return unmarshal(body, in)
}

// mediaTypeFault names the media types that the body may have.
func (s *shape) mediaTypeFault() error {
	if len(s.other) == 0 {
		return errMediaType
	}
	names := []string{"application/json"}
	for _, o := range s.other {
		names = append(names, o.name)
	}
	return errMediaType.WithDetail("The body must be sent as " + strings.Join(names, " or ") + ".")
}

func unmarshal(raw jsontext.Value, in any) error {
	if raw.Kind() != '{' {
		return malformed("", "must be an object")
	}
	err := json.Unmarshal(raw, in, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		return semanticFault(semantic)
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return malformed(string(syntactic.JSONPointer), syntactic.Err.Error())
	}
	return malformed("", "is not valid JSON")
}

func malformed(pointer, reason string) error {
	f := *errMalformed
	f.Fields = []fault.Field{{Pointer: clip(pointer), Reason: reason}}
	return &f
}

// semanticFault tells an unknown member and a wrong type (malformed) from a value
// that its type refused (invalid).
func semanticFault(e *json.SemanticError) error {
	pointer := clip(string(e.JSONPointer))
	if errors.Is(e.Err, json.ErrUnknownName) {
		f := fault.New(fault.Malformed, "unknown_field", "The body has a field that this route does not know.")
		f.Fields = []fault.Field{{Pointer: pointer, Reason: "is not a known field"}}
		return f
	}
	wanted, given := kindOf(e.GoType), kindName(e.JSONKind)
	if e.Err == nil || given != wanted && wanted != "" {
		f := fault.New(fault.Malformed, "wrong_type", "A value has the wrong type.")
		reason := fmt.Sprintf("must be %s, not %s", wanted, given)
		if wanted == "" {
			reason = "must not be " + given
		}
		f.Fields = []fault.Field{{Pointer: pointer, Reason: reason}}
		return f
	}
	if errors.Is(e.Err, strconv.ErrSyntax) && given == "a number" {
		return fault.InvalidField(pointer, "is not a whole number")
	}
	return fault.InvalidField(pointer, innermost(e.Err).Error())
}

func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// kindOf is the kind of JSON value that a type is read from; empty if any.
func kindOf(t reflect.Type) string {
	if t == nil || reflect.PointerTo(t).Implements(reflect.TypeFor[json.UnmarshalerFrom]()) {
		return ""
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return "a string"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "a boolean"
	case reflect.Int, reflect.Int64, reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	}
	return ""
}

func kindName(k jsontext.Kind) string {
	switch k {
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 't', 'f':
		return "a boolean"
	case '[':
		return "a list"
	case '{':
		return "an object"
	case 'n':
		return "null"
	}
	return "this"
}

// clip keeps a name that the client made up from filling the answer.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return strings.ToValidUTF8(s, "\ufffd")
	}
	return strings.ToValidUTF8(s[:most], "\ufffd") + "…"
}
