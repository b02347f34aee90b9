// Package model names models, and lists of those that may be used.
package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"roster/internal/field"
)

const (
	// NameBytes bounds a model's name, its provider included.
	NameBytes = 128
	// MaxPatterns and ListBytes bound a list: how many patterns, and all of them
	// together. Lists are read with every call of the hot path.
	MaxPatterns = 50
	ListBytes   = 1024
)

// Full returns provider/model, unless the name holds a slash already or no
// provider is known.
func Full(name, provider string) string {
	if provider == "" || strings.Contains(name, "/") {
		return name
	}
	return provider + "/" + name
}

// Provider is what stands before the slash of a model's full name, in lower case;
// empty where there is none.
func Provider(name string) string {
	provider, _, named := strings.Cut(name, "/")
	if !named {
		return ""
	}
	return strings.ToLower(provider)
}

// Pattern is one model ("openai/gpt-5"), or with a * at its end all that begin
// alike ("openai/*").
type Pattern string

func (p *Pattern) UnmarshalText(b []byte) error {
	var name field.Name
	if err := name.UnmarshalText(b); err != nil {
		return err
	}
	switch star := strings.IndexByte(string(name), '*'); {
	case name == "":
		return errors.New("is empty")
	case len(name) > NameBytes:
		return fmt.Errorf("is longer than %d bytes", NameBytes)
	case star >= 0 && star < len(name)-1:
		return errors.New("has a * elsewhere than at its end")
	}
	*p = Pattern(name)
	return nil
}

// Matches reports whether a model is one of the pattern's.
func (p Pattern) Matches(name string) bool {
	if prefix, ok := strings.CutSuffix(string(p), "*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return name == string(p)
}

// covers reports whether every model of other is one of p's.
func (p Pattern) covers(other Pattern) bool {
	prefix, ok := strings.CutSuffix(string(p), "*")
	if !ok {
		return p == other
	}
	return strings.HasPrefix(strings.TrimSuffix(string(other), "*"), prefix)
}

// List is the models that may be used: those that one of its patterns matches. The
// nil List allows all of them.
type List []Pattern

// Fault returns what is wrong with a list that was given; empty if nothing is.
func (l List) Fault() string {
	bytes := 0
	for _, p := range l {
		bytes += len(p)
	}
	switch {
	case l != nil && len(l) == 0:
		return "is empty; null stands for all models"
	case len(l) > MaxPatterns:
		return fmt.Sprintf("has more than %d entries", MaxPatterns)
	case bytes > ListBytes:
		return fmt.Sprintf("is longer than %d bytes together", ListBytes)
	}
	return ""
}

// Allows reports whether a model may be used.
func (l List) Allows(name string) bool {
	return l == nil || slices.ContainsFunc(l, func(p Pattern) bool { return p.Matches(name) })
}

// And is the list of what both allow.
func (l List) And(other List) List {
	switch {
	case l == nil:
		return other
	case other == nil:
		return l
	}
	both := List{}
	// Of two patterns, one covers the other or they share no model.
	for _, a := range l {
		for _, b := range other {
			switch {
			case a.covers(b):
				both = append(both, b)
			case b.covers(a):
				both = append(both, a)
			}
		}
	}
	return both.Clean()
}

// Or is the list of what one of two allows; the nil List, which names nothing,
// adds nothing to another.
func (l List) Or(other List) List {
	switch {
	case l == nil:
		return other
	case other == nil:
		return l
	}
	return append(slices.Clone(l), other...).Clean()
}

// Clean is the list in order, without patterns that others cover.
func (l List) Clean() List {
	if l == nil {
		return nil
	}
	clean := slices.Clone(l)
	slices.Sort(clean)
	return slices.DeleteFunc(slices.Compact(clean), func(p Pattern) bool {
		return slices.ContainsFunc(l, func(q Pattern) bool { return q != p && q.covers(p) })
	})
}
