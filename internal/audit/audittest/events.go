// Package audittest reads audit events for tests, as they are stored.
package audittest

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/rostertest"
)

// Event is an audit event, with Before and After as JSON decodes them.
type Event struct {
	ID, Target, Reason string
	Action             audit.Action
	ActorID, ActorKind string
	IP                 string
	Also               []string
	Before, After      map[string]any
}

// Of returns the events of an organization, the oldest first.
func Of(t testing.TB, r *rostertest.Roster, org id.Organization) []Event {
	t.Helper()
	var all []Event
	for key, item := range r.DumpItems(t) {
		if !strings.HasPrefix(key.PK, "AU#"+string(org)+"#") {
			continue
		}
		actor := item["actor"].(map[string]any)
		e := Event{
			ID: item["id"].(string), Target: item["target"].(string), Action: audit.Action(item["action"].(string)),
			ActorKind: actor["kind"].(string), Before: state(t, item["before"]), After: state(t, item["after"]),
		}
		e.Reason, _ = item["reason"].(string)
		e.ActorID, _ = actor["id"].(string)
		e.IP, _ = actor["ip"].(string)
		also, _ := item["also"].([]any)
		for _, one := range also {
			e.Also = append(e.Also, one.(string))
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b Event) int { return strings.Compare(a.ID, b.ID) })
	return all
}

func state(t testing.TB, stored any) map[string]any {
	t.Helper()
	text, _ := stored.(string)
	if text == "" {
		return nil
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}
