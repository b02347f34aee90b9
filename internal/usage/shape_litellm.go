package usage

import (
	"errors"
	"math"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/money"
)

// LiteLLMEvent is a StandardLoggingPayload of LiteLLM
// (https://docs.litellm.ai/docs/proxy/logging_spec), as its generic_api callback sends it,
// of a call that succeeded or failed.
//
// Who called is whom user_api_key_user_id names, if that is an id of Roster's; the id of
// their key may stand in user_api_key_alias. Nothing that a client writes into a request
// names anybody. Where nobody is named, it is the reporter.
//
// The cost is LiteLLM's, response_cost, if it is more than nothing, or the answer came from
// LiteLLM's own cache; else Roster's prices say it, since LiteLLM writes 0 where it knows
// no price.
type LiteLLMEvent struct {
	ID               EventID          `json:"id" required:"true"`
	CallType         string           `json:"call_type" required:"true"`
	Model            Model            `json:"model" required:"true"`
	Provider         field.Label      `json:"custom_llm_provider,omitzero"`
	PromptTokens     *int64           `json:"prompt_tokens" required:"true"`
	CompletionTokens *int64           `json:"completion_tokens" required:"true"`
	Cost             *money.Amount    `json:"response_cost,omitzero"`
	CacheHit         *bool            `json:"cache_hit,omitzero"`
	EndTime          EpochSeconds     `json:"endTime,omitzero"`
	Metadata         *LiteLLMMetadata `json:"metadata,omitzero"`
}

// LiteLLMMetadata is what is read of the metadata of a StandardLoggingPayload.
type LiteLLMMetadata struct {
	UserID   string        `json:"user_api_key_user_id,omitzero"`
	KeyAlias string        `json:"user_api_key_alias,omitzero"`
	Usage    *LiteLLMUsage `json:"usage_object,omitzero"`
}

// LiteLLMUsage is LiteLLM's own usage object, whose prompt_tokens include all that was read
// from a cache or written to one, whoever the provider is.
type LiteLLMUsage struct {
	PromptDetails *struct {
		Cached        int64 `json:"cached_tokens,omitzero"`
		CacheCreation int64 `json:"cache_creation_tokens,omitzero"`
	} `json:"prompt_tokens_details,omitzero"`
	CompletionDetails *struct {
		Reasoning int64 `json:"reasoning_tokens,omitzero"`
	} `json:"completion_tokens_details,omitzero"`
	CacheRead     int64 `json:"cache_read_input_tokens,omitzero"`
	CacheCreation int64 `json:"cache_creation_input_tokens,omitzero"`
}

func (l *LiteLLMEvent) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	type open LiteLLMEvent
	return readOpen(d, (*open)(l))
}

func (l LiteLLMEvent) event() (Event, error) {
	e := Event{
		ID: l.ID, Model: l.Model, InputTokens: l.PromptTokens, OutputTokens: l.CompletionTokens,
		Details: Details{About: About{Provider: l.Provider, OccurredAt: l.EndTime.time()}},
	}
	if l.Cost != nil && (*l.Cost > 0 || l.CacheHit != nil && *l.CacheHit) {
		e.Cost = l.Cost
	}
	if l.Metadata != nil {
		e.Named = l.Metadata.named()
		if u := l.Metadata.Usage; u != nil {
			e.CachedTokens, e.CacheWriteTokens = u.CacheRead, u.CacheCreation
			if of := u.PromptDetails; of != nil {
				e.CachedTokens, e.CacheWriteTokens = max(e.CachedTokens, of.Cached), max(e.CacheWriteTokens, of.CacheCreation)
			}
			if of := u.CompletionDetails; of != nil {
				e.ReasoningTokens = of.Reasoning
			}
		}
	}
	return e, nil
}

// named is who called. Other names than Roster's are LiteLLM's own, and name nobody here.
func (m LiteLLMMetadata) named() Named {
	var (
		user id.User
		key  id.Key
	)
	if user.UnmarshalText([]byte(m.UserID)) != nil {
		return Named{}
	}
	if key.UnmarshalText([]byte(m.KeyAlias)) != nil || key.User() != user {
		return Named{UserID: user}
	}
	return Named{UserID: user, KeyID: key}
}

// EpochSeconds is a time in seconds since 1970, UTC.
type EpochSeconds float64

// latest is the end of the year 9999, up to which times are.
const latest = 253_402_300_800

func (s *EpochSeconds) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	switch token.Kind() {
	case 'n':
		*s = 0
		return nil
	case '0':
		if at, err := token.Float(); err == nil && at >= 0 && at < latest {
			*s = EpochSeconds(at)
			return nil
		}
	}
	return errors.New("is not a time in seconds since 1970")
}

// time is to the microsecond, as exactly as a floating point number tells it; nil, it is
// not said.
func (s EpochSeconds) time() *field.Time {
	if s == 0 {
		return nil
	}
	return new(field.Time(time.UnixMicro(int64(math.Round(float64(s) * 1e6))).UTC()))
}
