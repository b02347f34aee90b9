package usage

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/api"
	"roster/internal/fault"
)

// Shape is a form in which a model call is reported. An entry is read by what it holds: one
// with call_type is LiteLLM's; one with usage, with response or with attributes has in that
// member what the provider or OpenTelemetry says of the call; every other is an event of
// Roster's own. What is Roster's own is read strictly, and what is of others as they write
// it: members that Roster does not know are let be there, and kept nowhere.
type Shape interface {
	// event is the call.
	event() (Event, error)
}

// readEvent reads an entry in whatever shape it is. An entry that is refused returns its id
// with the fault, where it has one.
func readEvent(raw jsontext.Value) (Event, error) {
	var marks struct {
		CallType   jsontext.Value `json:"call_type"`
		Usage      jsontext.Value `json:"usage"`
		Response   jsontext.Value `json:"response"`
		Attributes jsontext.Value `json:"attributes"`
	}
	_ = json.Unmarshal(raw, &marks) // what is no JSON object, or no good one, is refused below
	switch {
	case marks.CallType != nil:
		return shaped[LiteLLMEvent](raw)
	case marks.Usage != nil:
		return shaped[MeteredEvent](raw)
	case marks.Response != nil:
		return shaped[AnsweredEvent](raw)
	case marks.Attributes != nil:
		return shaped[TracedEvent](raw)
	}
	return shaped[Event](raw)
}

func shaped[S Shape](raw jsontext.Value) (Event, error) {
	s, err := api.Unmarshal[S](raw)
	if err != nil {
		return Event{ID: idOf(raw)}, err
	}
	e, err := s.event()
	if err == nil {
		err = api.Check(&e)
	}
	return e, err
}

func (e Event) event() (Event, error) { return e, nil }

// MeteredEvent is an event whose tokens the provider counted.
type MeteredEvent struct {
	// ID counts once, as that of an event.
	ID EventID `json:"id" required:"true"`
	Named
	Model Model `json:"model" required:"true"`
	About
	Reservation Reference `json:"reservation_id,omitzero"`
	Usage       Tokens    `json:"usage" required:"true"`
}

func (m MeteredEvent) event() (Event, error) {
	return m.Usage.of(Event{ID: m.ID, Named: m.Named, Model: m.Model, Details: Details{About: m.About}, Reservation: m.Reservation}), nil
}

// AnsweredEvent is a whole answer of a provider, and who called.
type AnsweredEvent struct {
	// ID counts once, as that of an event; the answer's where it is not said.
	ID EventID `json:"id,omitzero"`
	Named
	// Model is the answer's where it is not said.
	Model Model `json:"model,omitzero"`
	About
	Reservation Reference     `json:"reservation_id,omitzero"`
	Response    ModelResponse `json:"response" required:"true"`
}

// ModelResponse is an answer of OpenAI's or Anthropic's API, or of one that answers alike.
// Nothing of it is kept but its id, model and usage.
type ModelResponse struct {
	ID    EventID `json:"id"`
	Model Model   `json:"model"`
	Usage Tokens  `json:"usage"`
}

func (r *ModelResponse) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	type open ModelResponse
	return readOpen(d, (*open)(r))
}

func (a AnsweredEvent) event() (Event, error) {
	e := Event{ID: a.ID, Named: a.Named, Model: a.Model, Details: Details{About: a.About}, Reservation: a.Reservation}
	if e.ID == "" {
		e.ID = a.Response.ID
	}
	if e.Model == "" {
		e.Model = a.Response.Model
	}
	if a.Response.Usage == (Tokens{}) {
		return e, fault.InvalidField("/response/usage", "is required")
	}
	return a.Response.Usage.of(e), nil
}

// readOpen reads an object that may have members that Roster does not know.
func readOpen(d *jsontext.Decoder, into any) error {
	return json.UnmarshalDecode(d, into, json.RejectUnknownMembers(false))
}

// Tokens are what a call used, as its provider counts it.
type Tokens struct {
	// said: there is a count.
	said bool
	// input includes what was read from a cache and written to one, output the reasoning.
	input, output, cached, cacheWrite, reasoning int64
}

// of is an event with its tokens.
func (t Tokens) of(e Event) Event {
	e.InputTokens, e.OutputTokens = &t.input, &t.output
	e.CachedTokens, e.CacheWriteTokens, e.ReasoningTokens = t.cached, t.cacheWrite, t.reasoning
	return e
}

var (
	errNoUsage   = errors.New("has neither prompt_tokens nor input_tokens")
	errHalfUsage = errors.New("has input_tokens or output_tokens, and not both")
	errTwoUsages = errors.New("has both what OpenAI and what Anthropic, or what two APIs of OpenAI, would say")
)

// UnmarshalJSONFrom reads a usage object by what it holds: prompt_tokens is of OpenAI's chat
// completions, input_tokens with cache_read_input_tokens or cache_creation_input_tokens of
// Anthropic's messages, and any other input_tokens of OpenAI's responses. Without details,
// the last two mean the same.
func (t *Tokens) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	if raw.Kind() != '{' {
		return errors.New("is not an object")
	}
	var marks struct {
		Prompt        jsontext.Value `json:"prompt_tokens"`
		Input         jsontext.Value `json:"input_tokens"`
		InputDetails  jsontext.Value `json:"input_tokens_details"`
		CacheRead     jsontext.Value `json:"cache_read_input_tokens"`
		CacheCreation jsontext.Value `json:"cache_creation_input_tokens"`
	}
	if err := json.Unmarshal(raw, &marks); err != nil {
		return err
	}
	anthropic := marks.CacheRead != nil || marks.CacheCreation != nil
	switch {
	case marks.Prompt != nil && marks.Input != nil, marks.Prompt == nil && anthropic && marks.InputDetails != nil:
		return errTwoUsages
	case marks.Prompt != nil:
		*t, err = tokensAs[chatUsage](raw)
	case marks.Input == nil:
		return errNoUsage
	case anthropic:
		*t, err = tokensAs[messagesUsage](raw)
	default:
		*t, err = tokensAs[responsesUsage](raw)
	}
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		semantic.JSONPointer = d.StackPointer() + semantic.JSONPointer
	}
	return err
}

func tokensAs[U interface{ tokens() (Tokens, error) }](raw jsontext.Value) (Tokens, error) {
	var u U
	if err := json.Unmarshal(raw, &u); err != nil {
		return Tokens{}, err
	}
	return u.tokens()
}

// counted are tokens of an API that counts them like this: each from 0 to MaxTokens, so
// that sums of a few are no danger.
func counted(input, output *int64, cached, cacheWrite, reasoning int64) (Tokens, error) {
	t := Tokens{said: true, cached: cached, cacheWrite: cacheWrite, reasoning: reasoning}
	if input != nil {
		t.input = *input
	}
	if output != nil {
		t.output = *output
	}
	for _, n := range []int64{t.input, t.output, cached, cacheWrite, reasoning} {
		if n < 0 || n > MaxTokens {
			return Tokens{}, fmt.Errorf("has a count that is not from 0 to %d", MaxTokens)
		}
	}
	return t, nil
}
