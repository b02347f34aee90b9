// Package fault gives every refusal a kind and a stable code. Features say what
// went wrong; only package api knows HTTP status numbers.
package fault

import (
	"errors"
	"maps"
	"time"
)

// Kind is what sort of refusal an error is.
type Kind int

const (
	// Malformed: the request cannot be read (not JSON, an unknown field, a wrong type).
	Malformed Kind = iota + 1
	// Invalid: the request can be read, but a value in it is not allowed.
	Invalid
	// Unauthenticated: no credential, or one that is unknown, expired or revoked.
	Unauthenticated
	// Forbidden: the caller is known and may not do this.
	Forbidden
	// NotFound: absent, or not the caller's to see.
	NotFound
	// Conflict: the state of things does not allow it.
	Conflict
	// Gone: it existed and has ended for good.
	Gone
	// Precondition: an If-Match names another version than the current one.
	Precondition
	// TooLarge: the body exceeds its bound.
	TooLarge
	// MediaType: the body is of a type that the route does not take.
	MediaType
	// TooMany: a throttle or a limit.
	TooMany
	// Unavailable: something Roster needs does not answer; trying again may help.
	Unavailable
)

// Field is one fault of the input: where (a JSON pointer into the body, or the
// name of a query parameter or header) and why.
type Field struct {
	Pointer   string `json:"pointer,omitempty"`
	Parameter string `json:"parameter,omitempty"`
	Reason    string `json:"reason"`
}

// Error is a refusal that a client may see. Codes are part of the API: they are
// never renamed. Two errors of one code are equal to errors.Is.
type Error struct {
	Kind       Kind
	Code       string
	Detail     string
	Fields     []Field
	RetryAfter time.Duration
	// Final: trying again before RetryAfter is in vain, so a client should not do so by
	// itself.
	Final bool
	// Members are further members of the problem document.
	Members map[string]any
	// Headers are further headers of the answer.
	Headers map[string]string
}

// New makes an error; detail is a sentence for a person, safe to show.
func New(kind Kind, code, detail string) *Error {
	return &Error{Kind: kind, Code: code, Detail: detail}
}

func (e *Error) Error() string { return e.Code + ": " + e.Detail }

// Is reports whether target is a fault of the same code.
func (e *Error) Is(target error) bool {
	t, ok := errors.AsType[*Error](target)
	return ok && t.Code == e.Code
}

// WithDetail returns a copy that says detail.
func (e *Error) WithDetail(detail string) *Error {
	c := *e
	c.Detail = detail
	return &c
}

// WithRetryAfter returns a copy that asks the client to wait.
func (e *Error) WithRetryAfter(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// AsFinal returns a copy that a client should not repeat by itself.
func (e *Error) AsFinal() *Error {
	c := *e
	c.Final = true
	return &c
}

// With returns a copy with a further member in its problem document.
func (e *Error) With(member string, value any) *Error {
	c := *e
	c.Members = make(map[string]any, len(e.Members)+1)
	maps.Copy(c.Members, e.Members)
	c.Members[member] = value
	return &c
}

// WithHeaders returns a copy with further headers in its answer.
func (e *Error) WithHeaders(headers map[string]string) *Error {
	c := *e
	c.Headers = maps.Clone(e.Headers)
	if c.Headers == nil {
		c.Headers = make(map[string]string, len(headers))
	}
	maps.Copy(c.Headers, headers)
	return &c
}

// InvalidField is an Invalid error about one member of the body.
func InvalidField(pointer, reason string) *Error {
	return InvalidFields(Field{Pointer: pointer, Reason: reason})
}

// InvalidParameter is an Invalid error about one query parameter or header.
func InvalidParameter(name, reason string) *Error {
	return InvalidFields(Field{Parameter: name, Reason: reason})
}

// InvalidFields is an Invalid error about several places of the input.
func InvalidFields(fields ...Field) *Error {
	e := New(Invalid, "invalid_input", "Some values are not allowed; see errors.")
	e.Fields = fields
	return e
}
