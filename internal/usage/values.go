package usage

import (
	"errors"
	"fmt"

	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/model"
)

type (
	// EventID is the reporter's own name of an event.
	EventID string
	// Reference is an id that Roster keeps as it is.
	Reference string
	// Model is a model's name, with or without its provider.
	Model string
	// Scope is whose connection served a call.
	Scope string
	// Tags are the reporter's own labels of an event.
	Tags map[field.Label]field.Name
)

// Scopes; the empty one is Organization.
const (
	Organization Scope = "organization"
	Personal     Scope = "personal"
)

const (
	// ReferenceLength bounds EventID and Reference.
	ReferenceLength = 128
	// ModelBytes bounds a model's name, its provider included.
	ModelBytes = model.NameBytes
	// MaxTags and TagBytes bound an event's tags: how many, and all names and
	// values together. An event costs twice its write units per kilobyte.
	MaxTags  = 16
	TagBytes = 512
)

func (i *EventID) UnmarshalText(b []byte) error   { return reference(i, b) }
func (r *Reference) UnmarshalText(b []byte) error { return reference(r, b) }

func reference[T ~string](into *T, b []byte) error {
	if len(b) < 1 || len(b) > ReferenceLength {
		return fmt.Errorf("is not 1 to %d characters long", ReferenceLength)
	}
	for _, c := range b {
		if c <= ' ' || c > '~' {
			return errors.New("has other than visible ASCII characters")
		}
	}
	*into = T(b)
	return nil
}

func (m *Model) UnmarshalText(b []byte) error {
	var name field.Name
	if err := name.UnmarshalText(b); err != nil {
		return err
	}
	if len(name) > ModelBytes {
		return fmt.Errorf("is longer than %d bytes", ModelBytes)
	}
	*m = Model(name)
	return nil
}

func (m Model) of(provider string) string { return model.Full(string(m), provider) }

func (s *Scope) UnmarshalText(b []byte) error {
	switch scope := Scope(b); scope {
	case Organization, Personal:
		*s = scope
		return nil
	}
	return fmt.Errorf("is neither %s nor %s", Organization, Personal)
}

func (t Tags) faults() []fault.Field {
	if len(t) > MaxTags {
		return []fault.Field{{Pointer: "/tags", Reason: fmt.Sprintf("are more than %d", MaxTags)}}
	}
	bytes := 0
	for name, value := range t {
		if name == "" {
			return []fault.Field{{Pointer: "/tags", Reason: "have one without a name"}}
		}
		bytes += len(name) + len(value)
	}
	if bytes > TagBytes {
		return []fault.Field{{Pointer: "/tags", Reason: fmt.Sprintf("are longer than %d bytes together", TagBytes)}}
	}
	return nil
}
