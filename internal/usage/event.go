package usage

import (
	"fmt"
	"time"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/money"
	"roster/internal/permission"
)

// Event is one model call, as it is reported.
type Event struct {
	// ID counts once: within the organization for all reporters with usage:write,
	// among the member's own reports for everyone else. Who gains or loses that
	// permission between a report and its repeat changes from one to the other.
	ID EventID `json:"id" required:"true"`
	Named
	Model        Model  `json:"model" required:"true"`
	InputTokens  *int64 `json:"input_tokens" required:"true"`
	OutputTokens *int64 `json:"output_tokens" required:"true"`
	Details
	Reservation Reference `json:"reservation_id,omitzero"`
}

// Details are what may be said of a model call besides.
type Details struct {
	About
	// CachedTokens are those of the input that the provider had cached.
	CachedTokens int64 `json:"cached_tokens,omitzero"`
	// CacheWriteTokens are those of the input that the provider cached.
	CacheWriteTokens int64 `json:"cache_write_tokens,omitzero"`
	ReasoningTokens  int64 `json:"reasoning_tokens,omitzero"`
}

// About is what may be said of a model call besides its tokens.
type About struct {
	Provider field.Label `json:"provider,omitzero"`
	// Cost is counted as it is. Where it is not said, it is computed by the organization's
	// prices: the input tokens include then what was read from a cache and written to one,
	// and the output tokens the reasoning.
	Cost *money.Amount `json:"cost_usd,omitzero"`
	// OccurredAt is now where it is not said.
	OccurredAt *field.Time `json:"occurred_at,omitzero"`
	// Scope may be personal for reporters with connections:own or usage:write.
	Scope Scope `json:"connection_scope,omitzero"`
	Tags  Tags  `json:"tags,omitzero"`
}

const (
	// MaxTokens bounds each token count of one event.
	MaxTokens = 1_000_000_000
	// MaxCost bounds the cost of one event.
	MaxCost = 100_000 * money.USD
	// MaxAge is how long after it happened an event may be reported.
	MaxAge = 35 * 24 * time.Hour
	// MaxAhead is how far a reporter's clock may be ahead.
	MaxAhead = 5 * time.Minute
)

func (e *Event) Validate() []fault.Field {
	faults := e.faults()
	for _, count := range []struct {
		name   string
		tokens int64
	}{
		{"input_tokens", *e.InputTokens}, {"output_tokens", *e.OutputTokens},
		{"cached_tokens", e.CachedTokens}, {"cache_write_tokens", e.CacheWriteTokens}, {"reasoning_tokens", e.ReasoningTokens},
	} {
		if count.tokens < 0 || count.tokens > MaxTokens {
			faults = append(faults, fault.Field{
				Pointer: "/" + count.name, Reason: fmt.Sprintf("is not from 0 to %d", MaxTokens),
			})
		}
	}
	if len(faults) == 0 && e.Cost == nil {
		faults = e.uncountable()
	}
	if e.Cost != nil && *e.Cost > MaxCost {
		faults = append(faults, fault.Field{Pointer: "/cost_usd", Reason: fmt.Sprintf("is more than %s", MaxCost)})
	}
	if len(e.modelName()) > ModelBytes {
		faults = append(faults, fault.Field{
			Pointer: "/model", Reason: fmt.Sprintf("is longer than %d bytes with its provider", ModelBytes),
		})
	}
	return append(faults, e.Tags.faults()...)
}

// uncountable is which tokens are not among those that include them: no cost can be
// computed of such counts.
func (e *Event) uncountable() (faults []fault.Field) {
	if e.CachedTokens+e.CacheWriteTokens > *e.InputTokens {
		faults = append(faults, fault.Field{Pointer: "/input_tokens", Reason: "is less than cached_tokens and cache_write_tokens, which it includes"})
	}
	if e.ReasoningTokens > *e.OutputTokens {
		faults = append(faults, fault.Field{Pointer: "/output_tokens", Reason: "is less than reasoning_tokens, which it includes"})
	}
	return faults
}

// modelName is provider/model, unless the model's name holds a slash already or
// no provider is known.
func (e *Event) modelName() string { return e.Model.of(string(e.Provider)) }

var (
	errPersonal = fault.New(fault.Forbidden, "personal_not_allowed",
		"Reporting usage of a personal connection needs the permission connections:own or usage:write.")
	errOld    = fault.New(fault.Invalid, "occurred_too_early", "occurred_at is more than 35 days ago.")
	errFuture = fault.New(fault.Invalid, "occurred_in_future", "occurred_at is more than 5 minutes ahead.")
)

// check refuses an event whose time cannot be counted, and one that its
// reporter may not keep out of limits and reports.
func (e *Event) check(by access.Caller, now time.Time) error {
	switch {
	case e.Scope == Personal && !by.Can(permission.ConnectionsOwn) && !by.Can(permission.UsageWrite):
		return errPersonal
	case e.OccurredAt == nil:
		return nil
	case e.OccurredAt.Time().After(now.Add(MaxAhead)):
		return errFuture
	case e.OccurredAt.Time().Before(now.Add(-MaxAge)):
		return errOld
	}
	return nil
}
