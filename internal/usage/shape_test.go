package usage_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/permission"
	"roster/internal/usage"
)

// call is a model call, to be reported in any shape.
type call struct {
	id, provider, model                          string
	input, output, cached, cacheWrite, reasoning int64
	user                                         id.User
	key                                          id.Key
	ended                                        time.Time
}

// shapes are the ways to report a call: bodies of a request that hold it alone. Chat
// completions and responses have no word for what was written to a cache.
var shapes = map[string]func(call) any{
	"roster": func(c call) any {
		return c.around(object{
			"model": c.model, "input_tokens": c.input, "output_tokens": c.output,
			"cached_tokens": c.cached, "cache_write_tokens": c.cacheWrite, "reasoning_tokens": c.reasoning,
		})
	},
	"usage of chat completions": func(c call) any { return c.around(object{"model": c.model, "usage": c.chat()}) },
	"chat completion": func(c call) any {
		return c.answered(object{"id": c.id, "object": "chat.completion", "created": 1795341600, "model": c.model, "choices": []any{}, "usage": c.chat()})
	},
	"response": func(c call) any {
		return c.answered(object{"id": c.id, "object": "response", "model": c.model, "output": []any{}, "usage": object{
			"input_tokens": c.input, "input_tokens_details": object{"cached_tokens": c.cached}, "total_tokens": c.input + c.output,
			"output_tokens": c.output, "output_tokens_details": object{"reasoning_tokens": c.reasoning},
		}})
	},
	"message": func(c call) any {
		return c.answered(object{"id": c.id, "type": "message", "role": "assistant", "model": c.model, "content": []any{}, "usage": object{
			"input_tokens": c.input - c.cached - c.cacheWrite, "cache_read_input_tokens": c.cached, "cache_creation_input_tokens": c.cacheWrite,
			"cache_creation": nil, "output_tokens": c.output, "service_tier": "standard",
		}})
	},
	"litellm": func(c call) any {
		return []any{object{
			"id": c.id, "trace_id": "t", "call_type": "acompletion", "status": "success", "stream": true, "custom_llm_provider": c.provider, "model": c.model,
			"prompt_tokens": c.input, "completion_tokens": c.output, "total_tokens": c.input + c.output, "response_cost": 0.0, "saved_cache_cost": 0.0,
			"startTime": float64(c.ended.UnixMicro())/1e6 - 1, "endTime": float64(c.ended.UnixMicro()) / 1e6, "cache_hit": nil, "end_user": "usr_forged",
			"messages": "redacted-by-litellm", "response": object{"usage": object{"prompt_tokens": 1}}, "request_tags": []any{"a"},
			"metadata": object{
				"user_api_key_hash": "h", "user_api_key_user_id": c.user, "user_api_key_alias": c.key, "user_api_key_team_id": nil,
				"requester_metadata": object{"roster_user_id": "usr_forged"},
				"usage_object": object{
					"prompt_tokens": c.input, "prompt_tokens_details": object{"cached_tokens": c.cached, "text_tokens": nil},
					"completion_tokens_details": object{"reasoning_tokens": c.reasoning}, "cache_creation_input_tokens": c.cacheWrite,
				},
			},
		}}
	},
	"attributes": func(c call) any {
		return c.around(object{"attributes": c.attributes()})
	},
	"otlp": func(c call) any {
		var list []any
		for name, value := range c.attributes() {
			of := object{"stringValue": value}
			if n, ok := value.(int64); ok {
				of = object{"intValue": fmt.Sprint(n)}
			}
			list = append(list, object{"key": name, "value": of})
		}
		list = append(list, object{"key": "gen_ai.request.temperature", "value": object{"doubleValue": 0.5}})
		agent := slices.Clone(list)
		agent = append(agent, object{"key": "gen_ai.operation.name", "value": object{"stringValue": "invoke_agent"}})
		list = append(list, object{"key": "gen_ai.operation.name", "value": object{"stringValue": "chat"}})
		named := []any{object{"key": "roster.user_id", "value": object{"stringValue": c.user}}, object{"key": "roster.key_id", "value": object{"stringValue": c.key}}}
		ended := fmt.Sprint(c.ended.UnixNano())
		return object{"resourceSpans": []any{object{
			"resource": object{"attributes": named},
			"scopeSpans": []any{object{"scope": object{"name": "s"}, "spans": []any{
				object{"traceId": "5b8e", "spanId": "a", "name": "GET", "kind": 3, "endTimeUnixNano": ended, "attributes": []any{}},
				object{"traceId": "5b8e", "spanId": "b", "name": "agent", "endTimeUnixNano": ended, "attributes": agent},
				object{"traceId": "5b8e", "spanId": "c", "name": "chat", "endTimeUnixNano": ended, "attributes": list},
			}}},
		}}}
	},
}

// around is an event with what Roster says of a call itself.
func (c call) around(of object) any {
	of["id"], of["provider"], of["user_id"], of["key_id"], of["occurred_at"] = c.id, c.provider, c.user, c.key, c.ended
	return object{"events": []any{of}}
}

func (c call) answered(response object) any {
	return object{"events": []any{object{
		"provider": c.provider, "user_id": c.user, "key_id": c.key, "occurred_at": c.ended, "response": response,
	}}}
}

func (c call) chat() object {
	return object{
		"prompt_tokens": c.input, "prompt_tokens_details": object{"cached_tokens": c.cached, "audio_tokens": 0}, "total_tokens": c.input + c.output,
		"completion_tokens": c.output, "completion_tokens_details": object{"reasoning_tokens": c.reasoning},
	}
}

func (c call) attributes() object {
	return object{
		"gen_ai.response.id": c.id, "gen_ai.request.model": c.model, "gen_ai.response.model": c.model + "-2026", "gen_ai.provider.name": c.provider,
		"gen_ai.usage.input_tokens": c.input, "gen_ai.usage.output_tokens": c.output, "gen_ai.usage.cache_read.input_tokens": c.cached,
		"gen_ai.usage.cache_creation.input_tokens": c.cacheWrite, "gen_ai.usage.reasoning.output_tokens": c.reasoning,
	}
}

// says is what of the call the shape has words for.
func (c call) says(shape string) call {
	switch shape {
	case "usage of chat completions", "chat completion", "response":
		c.cacheWrite = 0
	case "message":
		c.reasoning = 0
	}
	return c
}

// The same calls in any shape are the same events: they move the same counters, by the same
// costs, and a repeat in another shape is one.
func TestTheSameUsageInEachShapeCountsTheSame(t *testing.T) {
	t.Parallel()
	c, outer := newCompany(t), t
	rapid.Check(t, func(t *rapid.T) {
		ended := c.Now().Add(-time.Hour)
		one := call{
			provider: "openai", model: rapid.SampledFrom([]string{"gpt-4o", "o3", "of-nobody"}).Draw(t, "model"),
			output: rapid.Int64Range(0, 1e6).Draw(t, "output"), cached: rapid.Int64Range(0, 1e6).Draw(t, "cached"), ended: ended,
		}
		uncached := rapid.Int64Range(0, 1e6).Draw(t, "uncached")
		one.cacheWrite = rapid.Int64Range(0, 1e6).Draw(t, "cache write")
		one.reasoning = rapid.Int64Range(0, one.output).Draw(t, "reasoning")
		for shape, of := range shapes {
			said := one.says(shape)
			said.input = uncached + said.cached + said.cacheWrite
			told, own := c.add(outer, permission.Member), c.add(outer, permission.Member)
			said.id, said.user, said.key = "call-"+string(told.ID), told.ID, keyOf(told.Member)
			results := c.Must(outer, 200, "POST /v1/usage", c.gateway.Secret, of(said))
			if got := outcomes(results); !slices.Equal(got, []string{"recorded"}) {
				t.Fatalf("%s: %s", shape, results.Raw)
			}
			if again := c.Must(outer, 200, "POST /v1/usage", c.gateway.Secret, shapes["roster"](said)); !slices.Equal(outcomes(again), []string{"duplicate"}) {
				t.Fatalf("%s, again in Roster's own shape: %s", shape, again.Raw)
			}
			said.id, said.user, said.key = "call-"+string(own.ID), own.ID, keyOf(own.Member)
			c.Must(outer, 200, "POST /v1/usage", c.gateway.Secret, shapes["roster"](said))
			names := map[id.User]string{told.ID: "member", own.ID: "member"}
			got, want := c.rows(outer, "user_id="+string(told.ID), names), c.rows(outer, "user_id="+string(own.ID), names)
			if len(got) != 1 || got[0] != want[0] {
				t.Fatalf("%s counts %v, want %v", shape, got, want)
			}
		}
	})
}

func TestEachShapeIsReadStrictly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ entry, code, detail string }{
		{`{"id":"e","model":"m","input_tokens":1,"output_tokens":1,"usages":{}}`, "unknown_field", "/usages"},
		{`{"id":"e","model":"m","input_tokens":1,"output_tokens":1,"usage":{"prompt_tokens":1}}`, "unknown_field", "/input_tokens"},
		{`{"id":"e","model":"m","usage":{"prompt_tokens":1},"response":{}}`, "unknown_field", "/response"},
		{`{"id":"e","model":"m","usage":{"prompt_tokens":1,"input_tokens":1}}`, "invalid_input", "/usage"},
		{`{"id":"e","model":"m","usage":{"input_tokens":1,"output_tokens":1,"input_tokens_details":{},"cache_read_input_tokens":1}}`, "invalid_input", "/usage"},
		{`{"id":"e","model":"m","usage":{"completion_tokens":1}}`, "invalid_input", "/usage"},
		{`{"id":"e","model":"m","usage":{"input_tokens":1}}`, "invalid_input", "/usage"},
		{`{"id":"e","model":"m","usage":{}}`, "invalid_input", "/usage"},
		{`{"id":"e","model":"m","usage":[]}`, "", "/usage"},
		{`{"id":"e","model":"m","usage":null}`, "", "/usage"},
		{`{"id":"e","model":"m","usage":{"prompt_tokens":"1"}}`, "", "/usage/prompt_tokens"},
		{`{"id":"e","model":"m","usage":{"prompt_tokens":1.5}}`, "", "/usage/prompt_tokens"},
		{`{"id":"e","model":"m","usage":{"prompt_tokens":-1}}`, "invalid_input", "/usage"},
		{`{"id":"e","model":"m","usage":{"input_tokens":-1,"output_tokens":1,"cache_read_input_tokens":5}}`, "invalid_input", "/usage"},
		{`{"id":"e","model":"m","usage":{"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":2}}}`, "invalid_input", "/input_tokens"},
		{`{"id":"e","user_id":"usr_x","model":"m","usage":{"prompt_tokens":1}}`, "invalid_input", "/user_id"},
		{`{"response":{"id":"e","model":"m"}}`, "invalid_input", "/response/usage"},
		{`{"response":{"id":"e","usage":{"prompt_tokens":1}}}`, "invalid_input", "/model"},
		{`{"response":{"model":"m","usage":{"prompt_tokens":1}}}`, "invalid_input", "/id"},
		{`{"response":{"id":7,"model":"m","usage":{"prompt_tokens":1}}}`, "wrong_type", "/response/id"},
		{`{"call_type":"completion","id":"e","model":"m","prompt_tokens":1}`, "invalid_input", "/completion_tokens"},
		{`{"call_type":"completion","id":"e","model":"m","prompt_tokens":1,"completion_tokens":1,"endTime":"now"}`, "invalid_input", "/endTime"},
		{`{"call_type":"completion","id":"e","model":"m","prompt_tokens":1,"completion_tokens":1,"response_cost":-1}`, "invalid_input", "/response_cost"},
		{`{"call_type":"completion","id":"e","model":"m","prompt_tokens":"1","completion_tokens":1}`, "wrong_type", "/prompt_tokens"},
		{`{"call_type":1}`, "wrong_type", "/call_type"},
		{`{"attributes":{"gen_ai.response.id":"e","gen_ai.request.model":"m"}}`, "invalid_input", "/input_tokens"},
		{`{"attributes":{"gen_ai.response.id":"e","gen_ai.request.model":"m","gen_ai.usage.input_tokens":"1"}}`, "invalid_input", "/attributes/gen_ai.usage.input_tokens"},
		{`{"attributes":{"gen_ai.response.id":"e e","gen_ai.request.model":5,"gen_ai.usage.input_tokens":1}}`, "invalid_input", "/attributes/gen_ai.request.model"},
		{`{"attributes":"gen_ai"}`, "", "/attributes"},
		{`{"attributes":{}}`, "invalid_input", "/model"},
	} {
		_, err := usage.ReadEvent([]byte(test.entry))
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || test.code != "" && f.Code != test.code || len(f.Fields) == 0 ||
			!slices.ContainsFunc(f.Fields, func(at fault.Field) bool { return at.Pointer == test.detail }) {
			t.Errorf("%s: %v %+v", test.entry, err, f.Fields)
		}
	}
}

func TestLiteLLMNamesMembersAndCosts(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, eve := c.add(t, permission.Member), c.add(t, permission.Member)
	payload := func(more object) object {
		of := object{"id": "e", "call_type": "acompletion", "model": "gpt-4o", "custom_llm_provider": "openai", "prompt_tokens": 1000, "completion_tokens": 200}
		for name, value := range more {
			of[name] = value
		}
		return of
	}
	for name, test := range map[string]struct {
		of   object
		user id.User
		key  id.Key
		cost string
	}{
		"a member":              {object{"metadata": object{"user_api_key_user_id": ada.ID}, "response_cost": 2.85e-05}, ada.ID, "", "0.0000285"},
		"a member's key":        {object{"metadata": object{"user_api_key_user_id": ada.ID, "user_api_key_alias": keyOf(ada.Member)}}, ada.ID, keyOf(ada.Member), "none"},
		"another member's key":  {object{"metadata": object{"user_api_key_user_id": ada.ID, "user_api_key_alias": keyOf(eve.Member)}}, ada.ID, "", "none"},
		"LiteLLM's own names":   {object{"metadata": object{"user_api_key_user_id": "default_user_id", "user_api_key_alias": keyOf(eve.Member)}}, "", "", "none"},
		"what clients say":      {object{"metadata": object{"user_api_key_end_user_id": eve.ID}, "end_user": eve.ID}, "", "", "none"},
		"no metadata":           {object{"metadata": nil, "response_cost": nil}, "", "", "none"},
		"a price that it lacks": {object{"response_cost": 0}, "", "", "none"},
		"its own cache":         {object{"response_cost": 0, "cache_hit": true}, "", "", "0"},
		"a cost, beyond a nano": {object{"response_cost": 0.00014999999999999996}, "", "", "0.00015"},
	} {
		raw, err := json.Marshal(payload(test.of))
		if err != nil {
			t.Fatal(err)
		}
		e, err := usage.ReadEvent(raw)
		cost := "none"
		if e.Cost != nil {
			cost = e.Cost.String()
		}
		if err != nil || e.UserID != test.user || e.KeyID != test.key || cost != test.cost {
			t.Errorf("%s: %+v, cost %s, %v", name, e, cost, err)
		}
	}
}

func TestBatchesInForeignShapes(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	one := call{id: "one", provider: "openai", model: "gpt-4o", input: 10, output: 5, user: c.owner.ID, key: keyOf(c.owner.Member), ended: c.Now()}
	batch := shapes["litellm"](one).([]any)
	batch = append(batch, object{"call_type": "acompletion", "id": "two", "model": "gpt-4o"}, event("three", "1"), batch[0])
	got := c.Must(t, 200, "POST /v1/usage", c.gateway.Secret, batch)
	if want := []string{"recorded", "rejected:invalid_input", "recorded", "duplicate"}; !slices.Equal(outcomes(got), want) {
		t.Errorf("%s", got.Raw)
	}
	if results, _ := got.At("results").([]any); results[1].(object)["id"] != "two" {
		t.Errorf("%s", got.Raw)
	}
	if none := c.Must(t, 200, "POST /v1/usage", c.gateway.Secret, object{"resourceSpans": []any{}}); len(outcomes(none)) != 0 {
		t.Errorf("spans of other things: %s", none.Raw)
	}
	for name, body := range map[string]any{
		"no list":            "[]",
		"no object":          `"events"`,
		"two values":         `[],"resourceSpans":[]`,
		"nothing":            object{},
		"both":               object{"events": []any{event("e", "1")}, "resourceSpans": []any{}},
		"too many":           slices.Repeat([]any{1}, 501),
		"spans of one shape": object{"resourceSpans": object{}},
		"more than spans":    object{"resourceSpans": []any{}, "resourceLogs": []any{}},
		"no time":            `{"resourceSpans":[{"scopeSpans":[{"spans":[{"endTimeUnixNano":"soon","attributes":[{"key":"gen_ai.usage.input_tokens","value":{"intValue":1}}]}]}]}]}`,
	} {
		if got := c.Call(t, "POST /v1/usage", c.gateway.Secret, body); got.Status != 400 && got.Status != 422 {
			t.Errorf("%s: %d %s", name, got.Status, got.Raw)
		}
	}
	// A span without the answer's id is named by its own.
	spans := `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8e","spanId":"0a","endTimeUnixNano":1795341000000000000,"attributes":[` +
		`{"key":"gen_ai.request.model","value":{"stringValue":"claude"}},{"key":"gen_ai.system","value":{"stringValue":"aws.bedrock"}},` +
		`{"key":"gen_ai.usage.input_tokens","value":{"intValue":1}}]}]}]}]}`
	traced := c.Must(t, 200, "POST /v1/usage", c.owner.Secret, spans)
	if results, _ := traced.At("results").([]any); len(results) != 1 || results[0].(object)["id"] != "5b8e.0a" {
		t.Errorf("%s", traced.Raw)
	}
	if rows := c.rows(t, "user_id="+string(c.owner.ID), nil); !strings.Contains(fmt.Sprint(rows), "bedrock/claude") {
		t.Errorf("%v", rows)
	}
}
