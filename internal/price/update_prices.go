package price

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/model"
	"roster/internal/table"
)

// UpdateRequest changes prices: a merge patch (RFC 7396).
type UpdateRequest struct {
	IfMatch api.IfMatch `header:"If-Match" json:"-"`
	// Prices are by the names of models: provider/model, a name without a provider, which
	// counts for each, or a pattern with a * at its end, for models that are not listed by
	// name. What is changed of a built-in price, or added to it, becomes the
	// organization's own. Null removes that, so that the built-in price shows again; null
	// in place of all of them removes all. At most 100 at once, and 500 in all.
	Prices field.Optional[map[model.Pattern]field.Optional[Patch]] `json:"prices,omitzero"`
	// DefaultTariff is for models that have no price. It is never 0.
	DefaultTariff field.Optional[Patch] `json:"default_tariff,omitzero"`
}

const (
	// MaxOwn is how many prices an organization may have of its own, and OwnBytes how
	// long they may be together, as JSON.
	MaxOwn   = 500
	OwnBytes = 96 << 10
	// MaxPatched is how many one call changes: all of them stand in its audit event.
	MaxPatched = 100
)

// Validate refuses too many models, and the pattern of all of them, for which there is
// the default tariff.
func (in *UpdateRequest) Validate() []fault.Field {
	if len(in.Prices.Value) > MaxPatched {
		return []fault.Field{{Pointer: "/prices", Reason: fmt.Sprintf("are more than %d at once", MaxPatched)}}
	}
	if _, all := in.Prices.Value["*"]; all {
		return []fault.Field{{Pointer: "/prices/*", Reason: "names every model; use default_tariff"}}
	}
	return nil
}

var errVersion = fault.New(fault.Precondition, "version_mismatch", "The prices were changed since they were read.")

// UpdatePrices merges a patch into the organization's prices, as a new version of
// them. It acts on what is recorded from then on, within seconds; what was recorded
// stays as it is. The answer shows the prices that the patch names. A patch that
// changes nothing writes nothing.
func (s Service) UpdatePrices(ctx context.Context, by access.Actor, in UpdateRequest) (out Answer, err error) {
	err = table.Retry(ctx, func() error {
		read, err := current(ctx, s.Table, by.Organization())
		if err != nil {
			return err
		}
		if !in.IfMatch.Admits(read.ETag()) {
			return errVersion
		}
		list := newest()
		changed, named, err := read.merge(in, list)
		if err != nil {
			return err
		}
		before, after := changes(read, changed, list)
		if len(after) == 0 {
			out = read.answer(list).only(named)
			return nil
		}
		now := s.Now()
		changed.At = now
		writes := append(changed.save(by.Organization()), audit.Record(now, by.Organization(), audit.Event{
			Action: audit.PricesUpdated, Actor: audit.Member(by), Target: string(by.Organization()),
			Before: before, After: after,
		}))
		out, err = api.Commit(ctx, s.Table, changed.answer(list).only(named), writes...)
		return err
	})
	return out, err
}

// merge is the version after a patch, and the models that the patch is about.
func (d decided) merge(in UpdateRequest, list builtIn) (decided, map[model.Pattern]bool, error) {
	named := map[model.Pattern]bool{}
	next := decided{Version: d.Version + 1, Prices: maps.Clone(d.Prices), Tariff: d.Tariff}
	if next.Prices == nil || in.Prices.Null {
		next.Prices = owned{}
	}
	var faults []fault.Field
	for _, name := range slices.Sorted(maps.Keys(in.Prices.Value)) {
		patch := in.Prices.Value[name]
		named[name] = true
		before, isOwn := d.Prices[name]
		builtIn, isBuiltIn := list.terms[name]
		switch {
		case patch.Null:
			delete(next.Prices, name)
			continue
		case !isOwn && isBuiltIn && patch.Value == (Patch{}):
			continue
		case !isOwn:
			before = own{Terms: builtIn}
		}
		terms := before.merge(patch.Value)
		faults = append(faults, within(terms.faults(), "prices", string(name))...)
		if !isOwn || !reflect.DeepEqual(terms, before.Terms) {
			next.Prices[name] = own{terms, next.Version}
		}
	}
	if in.Prices.Null {
		for name := range d.Prices {
			named[name] = true
		}
	}
	switch patch := in.DefaultTariff; {
	case patch.Null:
		next.Tariff = nil
	case patch.Given:
		var before Terms
		if d.Tariff != nil {
			before = d.Tariff.Terms
		}
		terms := before.merge(patch.Value)
		faults = append(faults, within(tariffFaults(terms), "default_tariff")...)
		next.Tariff = &tariff{terms}
	}
	if len(faults) == 0 {
		faults = next.faults()
	}
	if len(faults) > 0 {
		return decided{}, nil, fault.InvalidFields(faults...)
	}
	return next, named, nil
}

// tariffFaults are what is wrong with a default tariff: what nobody priced must not
// cost nothing.
func tariffFaults(t Terms) []fault.Field {
	faults := t.faults()
	if len(faults) > 0 {
		return faults
	}
	p := t.price()
	for _, r := range append([]tier{{0, p.rates}}, p.tiers...) {
		if min(r.input, r.output, r.cacheRead, r.cacheWrite, r.reasoning) == 0 {
			return []fault.Field{{Reason: "is 0 for some tokens; models that have no price must cost something"}}
		}
	}
	return nil
}

// faults are what is wrong with all prices together.
func (d decided) faults() []fault.Field {
	if len(d.Prices) > MaxOwn {
		return []fault.Field{{Pointer: "/prices", Reason: fmt.Sprintf("would be more than %d of the organization's own", MaxOwn)}}
	}
	text, err := json.Marshal(map[model.Pattern]own(d.Prices))
	if err != nil || len(text) > OwnBytes {
		return []fault.Field{{Pointer: "/prices", Reason: fmt.Sprintf("would be longer than %d bytes together", OwnBytes)}}
	}
	return nil
}

// within places faults of a member of the body.
func within(faults []fault.Field, path ...string) []fault.Field {
	var place jsontext.Pointer
	for _, name := range path {
		place = place.AppendToken(name)
	}
	for i := range faults {
		faults[i].Pointer = string(place) + faults[i].Pointer
	}
	return faults
}

// changes are what differs between two versions, as the API shows it: prices that the
// organization had, or has, none of its own for are the built-in ones.
func changes(before, after decided, list builtIn) (was, is map[string]any) {
	old, now := before.answer(list), after.answer(list)
	oldPrices, newPrices := map[model.Pattern]any{}, map[model.Pattern]any{}
	for _, d := range []decided{before, after} {
		for name := range d.Prices {
			if !reflect.DeepEqual(before.Prices[name], after.Prices[name]) {
				oldPrices[name], newPrices[name] = shown(old.Prices, name), shown(now.Prices, name)
			}
		}
	}
	was, is = map[string]any{}, map[string]any{}
	if len(newPrices) > 0 {
		was["prices"], is["prices"] = oldPrices, newPrices
	}
	if !reflect.DeepEqual(old.DefaultTariff, now.DefaultTariff) {
		was["default_tariff"], is["default_tariff"] = old.DefaultTariff, now.DefaultTariff
	}
	return was, is
}

// shown is a price; nil where there is none.
func shown(prices map[model.Pattern]One, name model.Pattern) any {
	if one, ok := prices[name]; ok {
		return one
	}
	return nil
}
