package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/rostertest"
)

func TestAnEventIsKeptWhole(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	org, user := id.NewOrganization(r.Now()), id.NewUser(r.Now())
	write := audit.Record(r.Now(), org, audit.Event{
		Action: "member.suspended", Target: "usr_x", Reason: "left",
		Actor:  audit.User(user, api.Client{IP: "192.0.2.1", Agent: "curl/8"}),
		Before: map[string]any{"status": "active"}, After: map[string]any{"status": "suspended"},
	})
	if err := r.Table.Transact(t.Context(), write); err != nil {
		t.Fatal(err)
	}
	for key, item := range r.DumpItems(t) {
		eventID, _ := item["id"].(string)
		if key.PK != "AU#"+string(org)+"#2026-11" || key.SK != eventID || !strings.HasPrefix(eventID, "aud_") {
			t.Errorf("at %v: %v", key, item)
		}
		want := map[string]any{
			"pk": key.PK, "sk": key.SK, "id": eventID, "at": "2026-11-22T10:00:00Z", "action": "member.suspended",
			"target": "usr_x", "reason": "left", "before": map[string]any{"status": "active"}, "after": map[string]any{"status": "suspended"},
			"actor": map[string]any{"kind": "user", "id": string(user), "ip": "192.0.2.1", "agent": "curl/8"},
		}
		if diff := cmp.Diff(want, item); diff != "" {
			t.Errorf("(-want +stored)\n%s", diff)
		}
	}
}

func TestAnEventIsOfItsMonthInUTC(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("", 14*3600)
	at := time.Date(2026, 12, 1, 1, 0, 0, 0, east) // still November in UTC
	if got := audit.Record(at, "org_x", audit.Event{}).Key.PK; got != "AU#org_x#2026-11" {
		t.Errorf("an event of November lies at %s", got)
	}
}
