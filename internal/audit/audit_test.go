package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/rostertest"
)

func TestAnEventIsKeptWhole(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	org, actor, user := id.NewOrganization(r.Now()), id.NewUser(r.Now()), id.NewUser(r.Now())
	write := audit.Record(r.Now(), org, audit.Event{
		Action: audit.MemberSuspended, Target: string(user), Reason: "left", Also: []string{"inv_x"},
		Actor:  audit.User(actor, api.Client{IP: "192.0.2.1", Agent: "curl/8"}),
		Before: map[string]any{"status": "active", "limit": money.Amount(2_500_000_000)}, After: map[string]any{"status": "suspended"},
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
			"target": string(user), "also": []any{"inv_x"}, "reason": "left",
			"before": `{"limit":2.5,"status":"active"}`, "after": `{"status":"suspended"}`,
			"actor":   map[string]any{"kind": "user", "id": string(actor), "ip": "192.0.2.1", "agent": "curl/8"},
			"list_pk": "AU#" + string(org) + "#about#" + string(user), "list_sk": eventID,
		}
		if diff := cmp.Diff(want, item); diff != "" {
			t.Errorf("(-want +stored)\n%s", diff)
		}
	}
}

func TestAnEventStandsUnderTheMemberWhomItConcerns(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	actor, user := id.NewUser(now), id.NewUser(now)
	by := audit.User(actor, api.Client{})
	for name, tt := range map[string]struct {
		event audit.Event
		about bool
	}{
		"a member":             {audit.Event{Actor: by, Target: string(user)}, true},
		"a member's key":       {audit.Event{Actor: by, Target: string(id.NewKey(now, user))}, true},
		"a member's request":   {audit.Event{Actor: by, Target: string(id.NewJoinRequest(now, user))}, true},
		"an invitation":        {audit.Event{Actor: by, Target: "inv_x"}, false},
		"what became a member": {audit.Event{Actor: by, Target: "inv_x", Also: []string{"inv_y", string(user)}}, true},
		"by the person":        {audit.Event{Actor: audit.User(user, api.Client{}), Target: string(user)}, true},
		"by Roster":            {audit.Event{Actor: audit.System(), Target: string(user)}, true},
		"of nobody":            {audit.Event{Actor: audit.System(), Target: "org_x"}, false},
	} {
		r := rostertest.New(t)
		if err := r.Table.Transact(t.Context(), audit.Record(now, "org_x", tt.event)); err != nil {
			t.Fatal(err)
		}
		for _, item := range r.DumpItems(t) {
			if got := item["list_pk"] == "AU#org_x#about#"+string(user); got != tt.about || !got && item["list_pk"] != nil {
				t.Errorf("%s: %v", name, item)
			}
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

func TestWhatCannotBeWrittenAsJSONIsNotRecorded(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	write := audit.Record(r.Now(), "org_x", audit.Event{Action: audit.MemberUpdated, After: map[string]any{"name": "\xff"}})
	if err := r.Table.Transact(t.Context(), write); err == nil {
		t.Errorf("%v", r.DumpItems(t))
	}
}
