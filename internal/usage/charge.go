package usage

import (
	"context"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/price"
)

var errDear = fault.New(fault.Invalid, "cost_too_large", "By the organization's prices the event costs more than 100,000 USD.")

// charge computes what events cost that were reported without, by the prices of now.
// A call that happened costs something also where its model has no price.
func (m Meter) charge(ctx context.Context, by access.Caller, entries []entry, results []Result) ([]entry, error) {
	var prices *price.List
	charged := entries[:0]
	for _, e := range entries {
		if e.costed {
			charged = append(charged, e)
			continue
		}
		if prices == nil {
			var err error
			if prices, err = m.prices.List(ctx, by.Organization()); err != nil {
				return nil, err
			}
		}
		of, basis := prices.For(e.record.Model)
		e.record.Cost = of.Cost(price.Tokens{
			Input: e.record.Input, CachedInput: e.record.Cached, CacheWrite: e.record.CacheWrite,
			Output: e.record.Output, Reasoning: e.record.Reasoning,
		})
		if e.record.Cost > MaxCost {
			results[e.place] = reject(e.record.ID, errDear)
			continue
		}
		e.record.Basis, e.record.Prices = basis, prices.Version()
		charged = append(charged, e)
	}
	return charged, nil
}

// result is that of a recorded event.
func (r Record) result(status Outcome) Result {
	result := Result{ID: r.ID, Status: status, Late: r.Late}
	if r.Basis != "" {
		result.Computed = &Computed{r.Cost, r.Basis, r.Prices, r.Basis != price.Listed}
	}
	return result
}
