package usage_test

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"roster/internal/api"
	"roster/internal/usage"
)

// readable fails where an entry that is read is not within the bounds of an event.
func readable(t *testing.T, raw []byte) {
	e, err := usage.ReadEvent(raw)
	if err != nil {
		return
	}
	if again := api.Check(&e); again != nil {
		t.Fatalf("%s is read as %+v, which %v", raw, e, again)
	}
	for _, n := range []int64{*e.InputTokens, *e.OutputTokens, e.CachedTokens, e.CacheWriteTokens, e.ReasoningTokens} {
		if n < 0 || n > usage.MaxTokens {
			t.Fatalf("%s is read as %+v", raw, e)
		}
	}
	if e.ID == "" || e.Model == "" || e.Cost != nil && (*e.Cost < 0 || *e.Cost > usage.MaxCost) ||
		e.Cost == nil && (e.CachedTokens+e.CacheWriteTokens > *e.InputTokens || e.ReasoningTokens > *e.OutputTokens) {
		t.Fatalf("%s is read as %+v", raw, e)
	}
	if at := e.OccurredAt; at != nil && (at.Time().Year() < 1 || at.Time().Year() > 9999) {
		t.Fatalf("%s happened at %v", raw, at.Time())
	}
}

// seeds are the entries of the shapes of that name.
func seeds(f *testing.F, names ...string) {
	one := call{id: "e", provider: "openai", model: "gpt-4o", input: 10, output: 5, cached: 3, reasoning: 2, ended: time.Unix(1795341600, 0).UTC()}
	for _, name := range names {
		body, err := json.Marshal(shapes[name](one))
		if err != nil {
			f.Fatal(err)
		}
		var list []any
		if json.Unmarshal(body, &list) != nil {
			var of struct {
				Events []any `json:"events"`
			}
			if err := json.Unmarshal(body, &of); err != nil {
				f.Fatal(err)
			}
			list = of.Events
		}
		for _, entry := range list {
			raw, err := json.Marshal(entry)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw)
		}
	}
}

func FuzzOpenAIUsage(f *testing.F) {
	seeds(f, "usage of chat completions", "chat completion", "response")
	f.Add([]byte(`{"id":"e","model":"m","usage":{"input_tokens":1,"output_tokens":2}}`))
	f.Add([]byte(`{"response":{"id":"e","model":"m","usage":{"prompt_tokens":1000000000,"completion_tokens":null}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) { readable(t, raw) })
}

func FuzzAnthropicUsage(f *testing.F) {
	seeds(f, "message")
	f.Add([]byte(`{"id":"e","model":"m","usage":{"input_tokens":1000000000,"output_tokens":2,"cache_read_input_tokens":1000000000}}`))
	f.Fuzz(func(t *testing.T, raw []byte) { readable(t, raw) })
}

func FuzzLiteLLMEvent(f *testing.F) {
	seeds(f, "litellm")
	f.Add([]byte(`{"id":"e","call_type":"","model":"m","prompt_tokens":1,"completion_tokens":1,"endTime":253402300799.9999999}`))
	f.Add([]byte(`{"id":"e","call_type":"c","model":"m","prompt_tokens":1,"completion_tokens":1,"endTime":1e-9,"metadata":{"user_api_key_user_id":null}}`))
	f.Fuzz(func(t *testing.T, raw []byte) { readable(t, raw) })
}

func FuzzGenAIAttributes(f *testing.F) {
	seeds(f, "attributes")
	f.Add([]byte(`{"attributes":[{"key":"gen_ai.usage.input_tokens","value":{"intValue":"9223372036854775808"}}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) { readable(t, raw) })
}

// FuzzGenAISpans: what is read of an export are entries.
func FuzzGenAISpans(f *testing.F) {
	one := call{id: "e", provider: "openai", model: "gpt-4o", input: 10, output: 5, ended: time.Unix(1795341600, 0).UTC()}
	body, err := json.Marshal(shapes["otlp"](one))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"gen_ai.usage.input_tokens","value":{"intValue":1}}]}]}]}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		request, err := api.Unmarshal[usage.RecordRequest](raw)
		if err != nil || request.Spans == nil {
			return
		}
		for _, entry := range *request.Spans {
			if !entry.IsValid() || entry.Kind() != '{' {
				t.Fatalf("%s holds %s", raw, entry)
			}
			readable(t, entry)
		}
	})
}
