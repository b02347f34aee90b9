package price

import (
	"context"
	"strconv"
	"time"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/model"
)

// GetRequest asks for prices.
type GetRequest struct {
	// Version is one that an event names, or the number of one of the organization's, with
	// the built-in list of today; not said, what is in force.
	Version Version `query:"version" json:"-"`
}

// Answer is what models cost, by their names: what the organization decided, over the
// built-in list.
type Answer struct {
	// Version is what events keep that are priced by it.
	Version Version `json:"version"`
	// UpdatedAt is when the organization changed its prices last.
	UpdatedAt time.Time             `json:"updated_at,omitzero"`
	Prices    map[model.Pattern]One `json:"prices"`
	// DefaultTariff is for models that have no price; null, they count as the dearest of
	// the built-in list.
	DefaultTariff *Terms `json:"default_tariff"`
	etag          string
}

// One is the price of a model.
type One struct {
	Terms
	Origin Origin `json:"origin"`
	// Version is the version of the organization's prices in which this one became what
	// it is, or the date of the built-in list.
	Version string `json:"version"`
}

// Origin is where a price comes from.
type Origin string

const (
	OfOrganization Origin = "organization"
	OfBuiltIn      Origin = "built_in"
)

// ETag is the entity tag of the organization's prices.
func (a Answer) ETag() string { return a.etag }

var errNoVersion = fault.New(fault.NotFound, "price_version_not_found", "There is no such version of the organization's prices.")

// GetPrices shows any member what models cost: now, or by a former version.
func (s Service) GetPrices(ctx context.Context, by access.Actor, in GetRequest) (Answer, error) {
	if in.Version == "" {
		now, err := current(ctx, s.Table, by.Organization())
		return now.answer(newest()), err
	}
	number, date := in.Version.parts()
	with := newest()
	if date != "" {
		var known bool
		if with, known = ofDate(date); !known {
			return Answer{}, errNoVersion
		}
	}
	then, err := version(ctx, s.Table, by.Organization(), number)
	return then.answer(with), err
}

// ETag is the entity tag of a version.
func (d decided) ETag() string { return `"` + strconv.Itoa(d.Version) + `"` }

// answer shows what was decided over a built-in list.
func (d decided) answer(with builtIn) Answer {
	a := Answer{
		Version: versionOf(d.Version, with.date), UpdatedAt: d.At, Prices: map[model.Pattern]One{}, etag: d.ETag(),
	}
	for name, terms := range with.terms {
		a.Prices[name] = One{terms, OfBuiltIn, with.date}
	}
	for name, o := range d.Prices {
		a.Prices[name] = One{o.Terms, OfOrganization, strconv.Itoa(o.Since)}
	}
	if d.Tariff != nil {
		a.DefaultTariff = &d.Tariff.Terms
	}
	return a
}

// only is the answer with no other prices than those named.
func (a Answer) only(named map[model.Pattern]bool) Answer {
	some := map[model.Pattern]One{}
	for name := range named {
		if one, ok := a.Prices[name]; ok {
			some[name] = one
		}
	}
	a.Prices = some
	return a
}
