package usage_test

import (
	"testing"

	"roster/internal/api"
	"roster/internal/usage"
)

// FuzzEvent: an event that is read is within its bounds.
func FuzzEvent(f *testing.F) {
	for _, seed := range []string{
		`{"id":"e","model":"openai/gpt-4o","input_tokens":1,"output_tokens":2,"cost_usd":0.25}`,
		`{"id":"e","model":"m","provider":"p","input_tokens":0,"output_tokens":0,"cost_usd":"1e-9","tags":{"a":"b"},"occurred_at":"2026-11-22T10:00:00Z"}`,
		`{"id":"e","user_id":"usr_01JD9Z3V4T5W6X7Y8Z9ABCDEFG","connection_scope":"personal","reservation_id":"r"}`,
		`{"id":null}`, `[]`, `{"id":"\u0000"}`, `{"cost_usd":1e309}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		event, err := api.Unmarshal[usage.Event](raw)
		if err != nil {
			return
		}
		if *event.InputTokens < 0 || *event.InputTokens > usage.MaxTokens || event.Cost != nil && (*event.Cost < 0 || *event.Cost > usage.MaxCost) ||
			event.ID == "" || event.Model == "" {
			t.Fatalf("%s is read as %+v", raw, event)
		}
	})
}
