package usage

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/fault"
	"roster/internal/field"
)

// TracedEvent is a call as OpenTelemetry's semantic conventions for generative AI describe it
// (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/): gen_ai.request.model,
// gen_ai.provider.name, gen_ai.response.id, gen_ai.usage.input_tokens, .output_tokens,
// .cache_read.input_tokens, .cache_creation.input_tokens and .reasoning.output_tokens, the
// first and the second of which include the others. roster.user_id and roster.key_id may name
// who called.
type TracedEvent struct {
	// ID counts once, as that of an event; gen_ai.response.id where it is not said.
	ID EventID `json:"id,omitzero"`
	Named
	About
	Reservation Reference       `json:"reservation_id,omitzero"`
	Attributes  GenAIAttributes `json:"attributes" required:"true"`
}

// GenAIAttributes are the attributes of a span: JSON by their names.
type GenAIAttributes map[string]jsontext.Value

func (a *GenAIAttributes) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '{' {
		return readOpen(d, (*map[string]jsontext.Value)(a))
	}
	var list []otlpAttribute
	if err := readOpen(d, &list); err != nil {
		return err
	}
	*a = attributesOf(list)
	return nil
}

// The attributes that are read, and what they were called before.
var (
	genAIModel      = []string{"gen_ai.request.model", "gen_ai.response.model"}
	genAIProvider   = []string{"gen_ai.provider.name", "gen_ai.system"}
	genAIResponse   = []string{"gen_ai.response.id"}
	genAIInput      = []string{"gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"}
	genAIOutput     = []string{"gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"}
	genAICached     = []string{"gen_ai.usage.cache_read.input_tokens"}
	genAICacheWrite = []string{"gen_ai.usage.cache_creation.input_tokens"}
	genAIReasoning  = []string{"gen_ai.usage.reasoning.output_tokens"}
	genAIOperation  = []string{"gen_ai.operation.name"}
	rosterUser      = []string{"roster.user_id"}
	rosterKey       = []string{"roster.key_id"}
)

// providers are Roster's names of those that OpenTelemetry calls otherwise.
var providers = map[string]string{
	"aws.bedrock": "bedrock", "azure.ai.inference": "azure_ai", "azure.ai.openai": "azure", "gcp.gemini": "gemini",
	"gcp.vertex_ai": "vertex_ai", "ibm.watsonx.ai": "watsonx", "mistral_ai": "mistral", "x_ai": "xai",
}

func (t TracedEvent) event() (Event, error) {
	r := attributeReader{of: t.Attributes}
	e := Event{ID: t.ID, Named: t.Named, Details: Details{About: t.About}, Reservation: t.Reservation}
	if e.ID == "" {
		readAttribute(&r, &e.ID, genAIResponse)
	}
	readAttribute(&r, &e.Model, genAIModel)
	if e.Provider == "" {
		readAttribute(&r, &e.Provider, genAIProvider)
		e.Provider = field.Label(cmp.Or(providers[string(e.Provider)], string(e.Provider)))
	}
	if e.Named == (Named{}) {
		readAttribute(&r, &e.UserID, rosterUser)
		readAttribute(&r, &e.KeyID, rosterKey)
	}
	e.InputTokens, e.OutputTokens = r.count(genAIInput), r.count(genAIOutput)
	for _, detail := range []struct {
		into  *int64
		names []string
	}{{&e.CachedTokens, genAICached}, {&e.CacheWriteTokens, genAICacheWrite}, {&e.ReasoningTokens, genAIReasoning}} {
		if n := r.count(detail.names); n != nil {
			*detail.into = *n
		}
	}
	if e.InputTokens != nil && e.OutputTokens == nil {
		e.OutputTokens = new(int64) // embeddings
	}
	return e, r.err()
}

// attributeReader reads attributes and keeps their faults.
type attributeReader struct {
	of     GenAIAttributes
	faults []fault.Field
}

// first is the first attribute that there is of those names.
func (r *attributeReader) first(names []string) (string, jsontext.Value) {
	for _, name := range names {
		if value, ok := r.of[name]; ok && value.Kind() != 'n' {
			return name, value
		}
	}
	return "", nil
}

func (r *attributeReader) refuse(name string, reason string) {
	r.faults = append(r.faults, fault.Field{Pointer: "/attributes/" + name, Reason: reason})
}

func (r *attributeReader) err() error {
	if len(r.faults) == 0 {
		return nil
	}
	return fault.InvalidFields(r.faults...)
}

// count is nil where there is none.
func (r *attributeReader) count(names []string) *int64 {
	name, value := r.first(names)
	if value == nil {
		return nil
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		r.refuse(name, "is not a whole number")
		return nil
	}
	return &n
}

// readAttribute reads a text.
func readAttribute[T ~string](r *attributeReader, into *T, names []string) {
	name, value := r.first(names)
	if value == nil {
		return
	}
	if value.Kind() != '"' {
		r.refuse(name, "is not a string")
		return
	}
	if err := json.Unmarshal(value, into); err != nil {
		for errors.Unwrap(err) != nil {
			err = errors.Unwrap(err)
		}
		r.refuse(name, err.Error())
	}
}

// GenAISpans are the model calls among the spans of an OTLP export in JSON
// (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding), each as a TracedEvent.
// Spans of other operations are none: those of agents and tools contain the calls' own.
// An id is gen_ai.response.id, or the span's trace_id and span_id, and the time the end of
// the span. Attributes of its resource may name who called, too.
type GenAISpans []jsontext.Value

// calls are the operations whose spans are calls of models.
var calls = []string{"chat", "text_completion", "generate_content", "embeddings"}

type otlpAttribute struct {
	Key   string `json:"key"`
	Value struct {
		String *string        `json:"stringValue"`
		Int    jsontext.Value `json:"intValue"`
	} `json:"value"`
}

// attributesOf are those that are texts or whole numbers, which OTLP writes as strings too.
func attributesOf(list []otlpAttribute) GenAIAttributes {
	all := GenAIAttributes{}
	for _, a := range list {
		switch {
		case a.Value.String != nil:
			all[a.Key], _ = json.Marshal(*a.Value.String)
		case a.Value.Int != nil:
			text := a.Value.Int
			var quoted string
			if json.Unmarshal(text, &quoted) == nil {
				if _, err := strconv.ParseInt(quoted, 10, 64); err == nil {
					text = jsontext.Value(quoted)
				}
			}
			all[a.Key] = text
		}
	}
	return all
}

type resourceSpans struct {
	Resource struct {
		Attributes []otlpAttribute `json:"attributes"`
	} `json:"resource"`
	Scopes []struct {
		Spans []span `json:"spans"`
	} `json:"scopeSpans"`
}

type span struct {
	Trace      string          `json:"traceId"`
	ID         string          `json:"spanId"`
	End        jsontext.Value  `json:"endTimeUnixNano"`
	Attributes []otlpAttribute `json:"attributes"`
}

func (g *GenAISpans) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var resources []resourceSpans
	if err := readOpen(d, &resources); err != nil {
		return err
	}
	*g = GenAISpans{}
	for _, resource := range resources {
		shared := attributesOf(resource.Resource.Attributes)
		for _, scope := range resource.Scopes {
			for _, span := range scope.Spans {
				call, err := span.call(shared)
				if err != nil {
					return err
				}
				if call != nil {
					*g = append(*g, call)
				}
			}
		}
	}
	return nil
}

// call is the span as an entry; nil where it is none of a model call.
func (s span) call(resource GenAIAttributes) (jsontext.Value, error) {
	attributes := attributesOf(s.Attributes)
	of := attributeReader{of: attributes}
	var operation string
	readAttribute(&of, &operation, genAIOperation)
	_, input := of.first(genAIInput)
	if input == nil || operation != "" && !slices.Contains(calls, operation) {
		return nil, nil
	}
	for _, name := range slices.Concat(rosterUser, rosterKey) {
		if value, ok := resource[name]; ok && attributes[name] == nil {
			attributes[name] = value
		}
	}
	entry := map[string]any{"attributes": attributes}
	if _, known := of.first(genAIResponse); known == nil {
		entry["id"] = s.Trace + "." + s.ID
	}
	if s.End != nil {
		ended, err := s.ended()
		if err != nil {
			return nil, err
		}
		entry["occurred_at"] = ended
	}
	return json.Marshal(entry, json.Deterministic(true))
}

func (s span) ended() (time.Time, error) {
	text := string(s.End)
	if s.End.Kind() == '"' {
		if err := json.Unmarshal(s.End, &text); err != nil {
			return time.Time{}, err
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return time.Time{}, fmt.Errorf("has a span whose endTimeUnixNano is no number of nanoseconds")
	}
	return time.Unix(0, n).UTC(), nil
}
