package price

import (
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/model"
	"roster/internal/money"
)

// Rates are prices in USD, by the names of LiteLLM's list. A tier's hold for the
// whole of a call that has more tokens of input; what a tier does not name is as
// below it.
type Rates[R comparable] struct {
	// Input is what a token of input costs.
	Input R `json:"input_cost_per_token,omitzero"`
	// Output is what a token of output costs.
	Output R `json:"output_cost_per_token,omitzero"`
	// Reasoning is what a token of reasoning costs; not said, as much as one of output.
	Reasoning R `json:"output_cost_per_reasoning_token,omitzero"`
	// CacheRead is what a token of input costs that the provider had cached; not said,
	// as much as another one.
	CacheRead R `json:"cache_read_input_token_cost,omitzero"`
	// CacheWrite is what a token of input costs that the provider caches; not said, as
	// much as another one.
	CacheWrite R `json:"cache_creation_input_token_cost,omitzero"`

	Input128k      R `json:"input_cost_per_token_above_128k_tokens,omitzero"`
	Output128k     R `json:"output_cost_per_token_above_128k_tokens,omitzero"`
	CacheRead128k  R `json:"cache_read_input_token_cost_above_128k_tokens,omitzero"`
	CacheWrite128k R `json:"cache_creation_input_token_cost_above_128k_tokens,omitzero"`
	Input200k      R `json:"input_cost_per_token_above_200k_tokens,omitzero"`
	Output200k     R `json:"output_cost_per_token_above_200k_tokens,omitzero"`
	CacheRead200k  R `json:"cache_read_input_token_cost_above_200k_tokens,omitzero"`
	CacheWrite200k R `json:"cache_creation_input_token_cost_above_200k_tokens,omitzero"`
	Input272k      R `json:"input_cost_per_token_above_272k_tokens,omitzero"`
	Output272k     R `json:"output_cost_per_token_above_272k_tokens,omitzero"`
	CacheRead272k  R `json:"cache_read_input_token_cost_above_272k_tokens,omitzero"`
	CacheWrite272k R `json:"cache_creation_input_token_cost_above_272k_tokens,omitzero"`
}

// each are all members, in one order for every R.
func (r *Rates[R]) each() []*R {
	all := []*R{&r.Input, &r.Output, &r.Reasoning, &r.CacheRead, &r.CacheWrite}
	for _, t := range r.tiers() {
		all = append(all, t.input, t.output, t.cacheRead, t.cacheWrite)
	}
	return all
}

// named are the members of a tier.
type named[R comparable] struct {
	above                                int64
	input, output, cacheRead, cacheWrite *R
}

// tiers are in the order of their thresholds.
func (r *Rates[R]) tiers() []named[R] {
	return []named[R]{
		{128_000, &r.Input128k, &r.Output128k, &r.CacheRead128k, &r.CacheWrite128k},
		{200_000, &r.Input200k, &r.Output200k, &r.CacheRead200k, &r.CacheWrite200k},
		{272_000, &r.Input272k, &r.Output272k, &r.CacheRead272k, &r.CacheWrite272k},
	}
}

// Terms are what is listed of a model.
type Terms struct {
	Rates[*money.Rate]
	// MaxInput and MaxOutput are how many tokens the model takes, and gives, at most.
	MaxInput  int64       `json:"max_input_tokens,omitzero"`
	MaxOutput int64       `json:"max_output_tokens,omitzero"`
	Provider  field.Label `json:"litellm_provider,omitzero"`
	Mode      field.Label `json:"mode,omitzero"`
}

// Patch is a merge patch for Terms (RFC 7396): what is absent stays, null removes.
type Patch struct {
	Rates[field.Optional[money.Rate]]
	MaxInput  field.Optional[int64]       `json:"max_input_tokens,omitzero"`
	MaxOutput field.Optional[int64]       `json:"max_output_tokens,omitzero"`
	Provider  field.Optional[field.Label] `json:"litellm_provider,omitzero"`
	Mode      field.Optional[field.Label] `json:"mode,omitzero"`
}

// merge applies a patch.
func (t Terms) merge(p Patch) Terms {
	into := t.each()
	for i, change := range p.each() {
		switch {
		case change.Null:
			*into[i] = nil
		case change.Given:
			*into[i] = new(change.Value)
		}
	}
	p.MaxInput.Merge(&t.MaxInput)
	p.MaxOutput.Merge(&t.MaxOutput)
	p.Provider.Merge(&t.Provider)
	p.Mode.Merge(&t.Mode)
	return t
}

// faults are what is wrong with terms, by the members' names.
func (t Terms) faults() []fault.Field {
	var all []fault.Field
	for _, required := range []struct {
		name string
		rate *money.Rate
	}{{"input_cost_per_token", t.Input}, {"output_cost_per_token", t.Output}} {
		if required.rate == nil {
			all = append(all, fault.Field{Pointer: "/" + required.name, Reason: "is required"})
		}
	}
	for _, bounded := range []struct {
		name string
		n    int64
	}{{"max_input_tokens", t.MaxInput}, {"max_output_tokens", t.MaxOutput}} {
		if bounded.n < 0 {
			all = append(all, fault.Field{Pointer: "/" + bounded.name, Reason: "is negative"})
		}
	}
	return all
}

// price is what the terms say.
func (t Terms) price() Price {
	given := func(rate *money.Rate, otherwise money.Rate) money.Rate {
		if rate == nil {
			return otherwise
		}
		return *rate
	}
	// laid has those of a call: of the terms on the ground, and of the tiers up to hers.
	type laid struct{ input, output, cacheRead, cacheWrite *money.Rate }
	rates := func(l laid) rates {
		input, output := given(l.input, 0), given(l.output, 0)
		return rates{
			input: input, cacheRead: given(l.cacheRead, input), cacheWrite: given(l.cacheWrite, input),
			output: output, reasoning: given(t.Reasoning, output),
		}
	}
	ground := laid{t.Input, t.Output, t.CacheRead, t.CacheWrite}
	p := Price{rates: rates(ground), MaxInput: t.MaxInput, MaxOutput: t.MaxOutput}
	for _, named := range t.tiers() {
		above := laid{*named.input, *named.output, *named.cacheRead, *named.cacheWrite}
		if above == (laid{}) {
			continue
		}
		for _, over := range []struct{ from, to **money.Rate }{
			{&above.input, &ground.input}, {&above.output, &ground.output},
			{&above.cacheRead, &ground.cacheRead}, {&above.cacheWrite, &ground.cacheWrite},
		} {
			if *over.from != nil {
				*over.to = *over.from
			}
		}
		p.tiers = append(p.tiers, tier{named.above, rates(ground)})
	}
	return p
}

// prices are what a list says, by its names.
func prices(terms map[model.Pattern]Terms) map[string]Price {
	all := make(map[string]Price, len(terms))
	for name, t := range terms {
		all[string(name)] = t.price()
	}
	return all
}
