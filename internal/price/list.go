package price

import (
	"cmp"
	"errors"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"roster/internal/model"
)

// Version names what decides about prices: the version of the organization's own, and
// the date of the built-in list, "3@2026-11-01".
type Version string

func versionOf(own int, date string) Version { return Version(strconv.Itoa(own) + "@" + date) }

var versionForm = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})(@[0-9]{4}-[0-9]{2}-[0-9]{2})?$`)

// UnmarshalText takes the number of the organization's version alone, too.
func (v *Version) UnmarshalText(b []byte) error {
	if !versionForm.Match(b) {
		return errors.New("is not a version such as 3 or 3@2026-11-01")
	}
	*v = Version(b)
	return nil
}

// parts are the number of the organization's version, and the date; empty where it is
// not named.
func (v Version) parts() (own int, date string) {
	number, date, _ := strings.Cut(string(v), "@")
	own, _ = strconv.Atoi(number)
	return own, date
}

// List is the prices of an organization, ready for use. It never changes.
type List struct {
	version Version
	builtIn builtIn
	// own are those that the organization decided, by the model's name; patterns are
	// those for several models, the longest first.
	own      map[string]Price
	patterns []patterned
	// tariff is of models that are not listed; nil without one.
	tariff *Price
}

type patterned struct {
	pattern model.Pattern
	price   Price
}

func newList(d decided, with builtIn) *List {
	l := &List{version: versionOf(d.Version, with.date), builtIn: with, own: map[string]Price{}}
	for name, own := range d.Prices {
		if strings.HasSuffix(string(name), "*") {
			l.patterns = append(l.patterns, patterned{name, own.price()})
		} else {
			l.own[string(name)] = own.price()
		}
	}
	slices.SortFunc(l.patterns, func(a, b patterned) int {
		return cmp.Or(cmp.Compare(len(b.pattern), len(a.pattern)), cmp.Compare(a.pattern, b.pattern))
	})
	if d.Tariff != nil {
		l.tariff = new(d.Tariff.price())
	}
	return l
}

// Version is that of the list.
func (l *List) Version() Version { return l.version }

// Lookup finds the price of a model by its full name, else without its provider, else
// by the name of which it is a dated snapshot, or the latest, or the same with hyphens
// for points; of each, first what the organization decided. Only then count the
// organization's patterns.
func (l *List) Lookup(name string) (Price, bool) {
	for known := range names(name) {
		if p, ok := l.own[known]; ok {
			return p, true
		}
		if p, ok := l.builtIn.prices[known]; ok {
			return p, true
		}
	}
	for _, p := range l.patterns {
		for suffix := range suffixes(name) {
			if p.pattern.Matches(suffix) {
				return p.price, true
			}
		}
	}
	return Price{}, false
}

// Basis is on what a cost rests.
type Basis string

const (
	// Listed: the model has a price.
	Listed Basis = "list"
	// DefaultTariff is the organization's for models that have none.
	DefaultTariff Basis = "default_tariff"
	// Dearest stands in without one: no model of the built-in list costs more.
	Dearest Basis = "dearest"
)

// For is the price of a model in any case, and what it is.
func (l *List) For(name string) (Price, Basis) {
	p, ok := l.Lookup(name)
	switch {
	case ok:
		return p, Listed
	case l.tariff != nil:
		return *l.tariff, DefaultTariff
	}
	return l.builtIn.dearest, Dearest
}

// names are those by which a model may be listed, in the order in which they count.
func names(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		base := snapshot.ReplaceAllString(name, "")
		for _, form := range []string{name, base, base + "-latest", dotted.ReplaceAllString(base, "$1-$2")} {
			for suffix := range suffixes(form) {
				if !yield(suffix) {
					return
				}
			}
		}
	}
}

// snapshot is what names of snapshots end with: gpt-4o-2024-08-06,
// claude-sonnet-4-20250514, claude-sonnet-4@20250514, claude-3-5-haiku-latest.
var snapshot = regexp.MustCompile(`(-20\d\d-[01]\d-[0-3]\d|[-@]20\d\d[01]\d[0-3]\d|-latest)$`)

// dotted is a version that others write with a hyphen: claude-3.5-sonnet.
var dotted = regexp.MustCompile(`(\d)\.(\d)`)

// suffixes are the full name, and what is left of it without the provider, or without
// several: openrouter/openai/gpt-5 is openai/gpt-5, which is gpt-5.
func suffixes(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for more := true; more && yield(name); {
			_, name, more = strings.Cut(name, "/")
		}
	}
}
