package usage_test

import (
	"fmt"
	"slices"
	"testing"

	"roster/internal/permission"
	"roster/internal/table"
)

func (c company) eventsPath(query string) string {
	return fmt.Sprintf("GET /api/organizations/%s/usage/events?%s", c.owner.Organization, query)
}

// events are who called, by what was found.
func (c company) events(t testing.TB, credential, query string) []string {
	t.Helper()
	found, _ := c.Must(t, 200, c.eventsPath(query), credential, nil).At("events").([]any)
	all := []string{}
	for _, e := range found {
		all = append(all, fmt.Sprint(e.(object)["user_id"], " ", e.(object)["cost_usd"]))
	}
	return all
}

func TestAnEventIsShownAsItWasCounted(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.setOrganization(t, "time_zone", "Asia/Tokyo") // it is 19:00 on the 22nd
	ada := c.add(t, permission.Member)
	c.report(t, c.gateway.Secret, object{
		"id": "call-1", "key_id": keyOf(ada.Member), "provider": "openai", "model": "of-nobody", "input_tokens": 1000, "output_tokens": 200, "cached_tokens": 400,
		"reasoning_tokens": 50, "occurred_at": "2026-11-21T16:00:00Z", "tags": object{"project": "search"},
	})
	got := c.Must(t, 200, c.eventsPath("event_id=call-1"), c.owner.Secret, nil)
	found, _ := got.At("events").([]any)
	if len(found) != 1 {
		t.Fatalf("%s", got.Raw)
	}
	event := found[0].(object)
	for name, want := range map[string]any{
		"id": "call-1", "user_id": string(ada.ID), "key_id": string(keyOf(ada.Member)), "model": "openai/of-nobody", "provider": "openai",
		"input_tokens": 1000.0, "output_tokens": 200.0, "cached_tokens": 400.0, "cache_write_tokens": 0.0, "reasoning_tokens": 50.0,
		"counted_on": "2026-11-22", "occurred_at": "2026-11-21T16:00:00Z", "recorded_at": "2026-11-22T10:00:00Z", "connection_scope": "organization",
	} {
		if event[name] != want {
			t.Errorf("%s: %v, want %v", name, event[name], want)
		}
	}
	if rows := c.rows(t, "user_id="+string(ada.ID), nil); event["cost_basis"] == nil || rows[0] != fmt.Sprintf("1 1000 200 %v [openai/of-nobody]", event["cost_usd"]) {
		t.Errorf("%s, and the report has %v", got.Raw, rows)
	}
}

func TestEventsAreFoundByWhatNamesThem(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, eve := c.add(t, permission.Member), c.add(t, permission.Member)
	c.report(t, c.gateway.Secret, event("same", "1", of(ada.ID)))
	c.report(t, ada.Secret, event("same", "2"))
	c.report(t, eve.Secret, event("same", "3"))
	c.report(t, c.gateway.Secret, event("own affair", "4", of(ada.ID), object{"id": "own", "connection_scope": "personal"}))
	reserved := c.Must(t, 200, "POST /v1/reservations", ada.Secret, object{"estimated_cost_usd": 9}).String("reservation", "id")
	c.Must(t, 200, "POST /v1/reservations/"+reserved+"/commit", ada.Secret, object{"model": "openai/gpt-4o", "cost_usd": 5})
	c.Must(t, 200, "PUT /v1/usage/sources/3/1", c.gateway.Secret, object{"events": []object{
		event("in a chunk", "6", of(ada.ID), object{"id": "c1"}), event("in a chunk", "7", of(eve.ID), object{"id": "c2"}),
	}})
	a, e := string(ada.ID), string(eve.ID)
	for _, test := range []struct {
		by, query string
		want      []string
	}{
		{c.owner.Secret, "event_id=same", []string{a + " 1"}},
		{c.owner.Secret, "event_id=same&user_id=" + a, []string{a + " 1", a + " 2"}},
		{c.owner.Secret, "event_id=same&user_id=" + e, []string{e + " 3"}},
		{ada.Secret, "event_id=same", []string{a + " 1", a + " 2"}},
		{eve.Secret, "event_id=same", []string{e + " 3"}},
		{ada.Secret, "event_id=own", []string{a + " 4"}},
		{c.owner.Secret, "event_id=own", []string{}},
		{c.owner.Secret, "reservation_id=" + reserved, []string{a + " 5"}},
		{eve.Secret, "reservation_id=" + reserved, []string{}},
		{c.owner.Secret, "source=3&sequence=1", []string{a + " 6", e + " 7"}},
		{eve.Secret, "source=3&sequence=1", []string{e + " 7"}},
		{c.owner.Secret, "source=3&sequence=2", []string{}},
		{c.owner.Secret, "event_id=none", []string{}},
	} {
		if got := c.events(t, test.by, test.query); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.query, got, test.want)
		}
	}
	c.Refused(t, 403, "permission_denied", c.eventsPath("event_id=same&user_id="+a), eve.Secret, nil)
	for _, query := range []string{"event_id=a&sequence=1", "event_id=a&model=m", "reservation_id=" + reserved + "&limit=1", "start_date=2026-11-02&end_date=2026-11-01", "cursor=x", "key_id=k", "limit=0", "source=3", "event_id=a%20b", "reservation_id=a", "sequence=0"} {
		c.Refused(t, 422, "invalid_input", c.eventsPath(query), c.owner.Secret, nil)
	}
	foreign := newCompany(t)
	if got := foreign.events(t, foreign.owner.Secret, "event_id=same&user_id="+a); len(got) != 0 {
		t.Errorf("another organization's: %v", got)
	}
}

func TestAnEventCostsNoSearch(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.report(t, c.owner.Secret, event("e", "1"))
	ctx, capacity := table.WithCapacity(t.Context())
	if got := c.CallContext(t, ctx, c.eventsPath("event_id=e"), c.owner.Secret, nil); got.Status != 200 {
		t.Fatalf("%s", got.Raw)
	}
	if read, write := capacity.Units(); read > 6 || write != 0 || len(capacity.Calls()) != 2 {
		t.Errorf("%v", capacity.Calls())
	}
}
