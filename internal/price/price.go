// Package price knows what model calls cost: the list that comes with Roster, and
// over it what an organization has decided itself.
//
// Every change of an organization's prices makes a new version, and so does every
// new built-in list; all of them stay readable. An event keeps the version by which
// its cost was computed, so that the cost can be explained for good.
package price

import (
	"roster/internal/money"
)

// Tokens are what a call used. Input includes what was read from the provider's cache
// (CachedInput) and what was written to it (CacheWrite); Output includes Reasoning.
type Tokens struct {
	Input, CachedInput, CacheWrite, Output, Reasoning int64
}

// Price is what a model costs. The zero Price is free.
type Price struct {
	rates
	// tiers are in the order of their thresholds.
	tiers []tier
	// MaxInput and MaxOutput are how many tokens the model takes and gives at most; 0
	// where that is not known.
	MaxInput, MaxOutput int64
}

// rates are what one token of each kind costs.
type rates struct{ input, cacheRead, cacheWrite, output, reasoning money.Rate }

// tier has the rates of calls with more than so many tokens of input, for all of
// their tokens.
type tier struct {
	above int64
	rates
}

// of are the rates of a call with so many tokens of input.
func (p Price) of(input int64) rates {
	r := p.rates
	for _, t := range p.tiers {
		if input > t.above {
			r = t.rates
		}
	}
	return r
}

// Cost is what a call costs: computed exactly, and rounded once, half up.
func (p Price) Cost(t Tokens) money.Amount {
	r := p.of(t.Input)
	fresh := max(0, max(0, t.Input-max(0, t.CachedInput))-max(0, t.CacheWrite))
	visible := max(0, t.Output-max(0, t.Reasoning))
	return r.input.Times(fresh).
		Plus(r.cacheRead.Times(t.CachedInput)).
		Plus(r.cacheWrite.Times(t.CacheWrite)).
		Plus(r.output.Times(visible)).
		Plus(r.reasoning.Times(t.Reasoning)).
		Round()
}

// Estimate is what a call may cost at most that reads so many tokens and gives no more
// than so many, be they reasoning or not. Nothing of it is expected to come from a
// cache; what writing to one costs more is left out.
func (p Price) Estimate(input, maxOutput int64) money.Amount {
	r := p.of(input)
	return r.dearInput().Times(input).Plus(r.dearOutput().Times(maxOutput)).Round()
}

// Affordable is the greatest number of output tokens for which the Estimate is within
// what remains; -1 where the input alone is not.
func (p Price) Affordable(remaining money.Amount, input int64) (maxOutput int64) {
	r := p.of(input)
	return r.dearInput().Times(input).Room(r.dearOutput(), remaining)
}

func (r rates) dearInput() money.Rate  { return max(r.input, r.cacheRead) }
func (r rates) dearOutput() money.Rate { return max(r.output, r.reasoning) }

// dearest is at least as much as any of the prices, for any call.
func dearest(all map[string]Price) Price {
	var most rates
	for _, p := range all {
		for _, t := range append([]tier{{0, p.rates}}, p.tiers...) {
			most.input = max(most.input, t.input)
			most.cacheRead = max(most.cacheRead, t.cacheRead)
			most.cacheWrite = max(most.cacheWrite, t.cacheWrite)
			most.output = max(most.output, t.output)
			most.reasoning = max(most.reasoning, t.reasoning)
		}
	}
	return Price{rates: most}
}
