package usage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/permission"
	"roster/internal/table"
)

func TestRepeatsCountOnce(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	names := map[id.User]string{ada.ID: "ada"}
	same := event("e1", "0.5", object{"tags": object{"a": "1", "b": "2"}})
	for _, step := range []struct {
		event object
		want  string
	}{
		{same, "recorded"}, {same, "duplicate"},
		{event("e1", "0.50", object{"tags": object{"b": "2", "a": "1"}, "connection_scope": "organization"}), "duplicate"},
		{event("e1", "0.51"), "rejected:conflict"},
		{event("e2", "0.5", object{"model": "gpt-4o", "provider": "openai"}), "recorded"},
		{event("e2", "0.5"), "duplicate"},
	} {
		if got := c.report(t, ada.Secret, step.event); got[0] != step.want {
			t.Errorf("%v: %s, want %s", step.event, got[0], step.want)
		}
		c.Advance(time.Minute)
	}
	got := c.report(t, ada.Secret, event("x", "1"), event("x", "1"), event("x", "2"), event("e1", "9"), event("e1", "9"), event("y", "1"))
	want := []string{"recorded", "duplicate", "rejected:conflict", "rejected:conflict", "rejected:conflict", "recorded"}
	if !slices.Equal(got, want) {
		t.Errorf("in one batch: %v, want %v", got, want)
	}
	if got := c.rows(t, "", names); !slices.Equal(got, []string{"ada 4 4000 800 3 [openai/gpt-4o]"}) {
		t.Errorf("report: %q", got)
	}
}

func TestMalformedEventsAreRejectedAlone(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	for _, step := range []struct{ event, want string }{
		{`{"id":"a","model":"m","input_tokens":1,"output_tokens":1,"cost_usd":0.1}`, "recorded"},
		{`7`, "malformed_body: must be an object."},
		{`{"model":"m","input_tokens":1,"output_tokens":1,"cost_usd":1}`, "invalid_input: id is required."},
		{`{"id":"b b","model":"m","input_tokens":1,"output_tokens":1,"cost_usd":1}`, "invalid_input: id has other than visible ASCII characters."},
		{`{"id":"c","input_tokens":1,"output_tokens":1,"cost_usd":1}`, "invalid_input: model is required."},
		{`{"id":"c","model":"a\u0007b","input_tokens":1,"output_tokens":1,"cost_usd":1}`, "invalid_input: model has control or direction-changing characters."},
		{`{"id":"c","model":"m","output_tokens":1,"cost_usd":1}`, "invalid_input: input_tokens is required."},
		{`{"id":"c","model":"m","input_tokens":"1","output_tokens":1,"cost_usd":1}`, "wrong_type: input_tokens must be a number, not a string."},
		{`{"id":"c","model":"m","input_tokens":-1,"output_tokens":1,"cost_usd":1}`, "invalid_input: input_tokens is not from 0 to 1000000000."},
		{`{"id":"c","model":"m","input_tokens":1,"output_tokens":1,"cached_tokens":1,"cache_write_tokens":1}`, "invalid_input: input_tokens is less than cached_tokens and cache_write_tokens, which it includes."},
		{`{"id":"c","model":"m","input_tokens":1,"output_tokens":1,"reasoning_tokens":2}`, "invalid_input: output_tokens is less than reasoning_tokens, which it includes."},
		{`{"id":"c","model":"m","input_tokens":1,"output_tokens":1000000000}`, "cost_too_large: By the organization's prices the event costs more than 100,000 USD."},
		{`{"id":"c","model":"m","input_tokens":1,"output_tokens":1,"cost_usd":null,"cache_write_tokens":-1}`, "invalid_input: cache_write_tokens is not from 0 to 1000000000."},
		{`{"id":"c","model":"m","input_tokens":1,"output_tokens":1,"cost_usd":-1}`, "invalid_input: cost_usd is negative."},
		{`{"id":"c","model":"m","input_tokens":1,"output_tokens":1,"cost_usd":1e6}`, "invalid_input: cost_usd is more than 100000."},
		{`{"id":"c","model":"m","input_tokens":1,"output_tokens":1,"cost_usd":1,"colour":"red"}`, "unknown_field: colour is not a known field."},
		{`{"id":"c","model":"m","input_tokens":1,"output_tokens":1,"cost_usd":1,"connection_scope":"theirs"}`, "invalid_input: connection_scope is neither organization nor personal."},
		{`{"id":"c","model":"m","input_tokens":1,"output_tokens":1,"cost_usd":1,"occurred_at":"yesterday"}`, "invalid_input: occurred_at is not a time such as 2026-11-22T10:00:00Z."},
		{`{"id":"c","model":"m","input_tokens":1,"output_tokens":1,"cost_usd":1,"occurred_at":"2026-11-22T10:05:01Z"}`, "occurred_in_future: occurred_at is more than 5 minutes ahead."},
		{`{"id":"c","model":"m","input_tokens":1,"output_tokens":1,"cost_usd":1,"occurred_at":"2026-10-18T09:59:59Z"}`, "occurred_too_early: occurred_at is more than 35 days ago."},
		{`{"id":"c","model":" ","input_tokens":1,"output_tokens":1,"cost_usd":1}`, "invalid_input: model is required."},
		{`{"id":null,"model":"m","input_tokens":null,"output_tokens":1,"cost_usd":1}`, "invalid_input: id is required; input_tokens is required."},
		{`{"id":"c","model":"m","input_tokens":1,"output_tokens":1,"cost_usd":1,"tags":{"":"x"}}`, "invalid_input: tags have one without a name."},
		{`{"id":"c","model":"m","input_tokens":1,"output_tokens":1,"cost_usd":1,"user_id":"usr_00000000000000000000000000"}`, "member_not_found: There never was such a member in the organization."},
		{`{"id":"c","model":"m","input_tokens":1,"output_tokens":1,"cost_usd":1,"key":"rk_x"}`, "invalid_key: key is unknown, expired or revoked."},
	} {
		got := c.Must(t, 200, "POST /v1/usage", c.owner.Secret, `{"events":[`+step.event+`]}`)
		result := got.At("results").([]any)[0].(object)
		said := fmt.Sprint(result["status"])
		if result["status"] == "rejected" {
			said = fmt.Sprintf("%v: %v", result["code"], result["detail"])
		}
		if said != step.want {
			t.Errorf("%s\n got %s\nwant %s", step.event, said, step.want)
		}
	}
}

func TestBodyThatIsNoListOfEvents(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	many := make([]object, 501)
	for i := range many {
		many[i] = event(fmt.Sprint(i), "1")
	}
	c.Refused(t, 400, "malformed_body", "POST /v1/usage", c.owner.Secret, `{"events":[{]}`)
	c.Refused(t, 400, "malformed_body", "POST /v1/usage", c.owner.Secret, `[{]`)
	c.Refused(t, 400, "malformed_body", "POST /v1/usage", c.owner.Secret, `"events"`)
	c.Refused(t, 422, "invalid_input", "POST /v1/usage", c.owner.Secret, `[]`)
	c.Refused(t, 400, "unknown_field", "POST /v1/usage", c.owner.Secret, `{"events":[],"event":{}}`)
	c.Refused(t, 422, "invalid_input", "POST /v1/usage", c.owner.Secret, `{}`)
	c.Refused(t, 422, "invalid_input", "POST /v1/usage", c.owner.Secret, `{"events":[]}`)
	c.Refused(t, 422, "invalid_input", "POST /v1/usage", c.owner.Secret, object{"events": many})
}

func TestNoKeyForgesAnothersSpend(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, eve := c.add(t, permission.Member), c.add(t, permission.Member)
	for _, named := range []object{of(ada.ID), {"key": ada.Secret}, {"key_id": keyOf(ada.Member)}} {
		c.Refused(t, 403, "cannot_act_for_others", "POST /v1/usage", eve.Secret,
			object{"events": []object{event("mine", "1"), event("hers", "1", named)}})
	}
	if got := c.rows(t, "", nil); len(got) != 0 {
		t.Errorf("a refused call counted %q", got)
	}
	c.Refused(t, 403, "permission_denied", "POST /v1/usage", c.add(t, permission.Viewer).Secret, object{"events": []object{event("e", "1")}})
	got := c.report(t, c.gateway.Secret, event("1", "1", of(ada.ID)), event("2", "1", object{"key": ada.Secret}),
		event("3", "1", of(eve.ID), object{"key_id": keyOf(eve.Member)}), event("4", "1"))
	if !slices.Equal(got, []string{"recorded", "recorded", "recorded", "recorded"}) {
		t.Errorf("gateway: %v", got)
	}
	rows := c.rows(t, "", map[id.User]string{ada.ID: "ada", eve.ID: "eve", c.gateway.ID: "gateway"})
	if len(rows) != 3 || !strings.HasPrefix(rows[0], "ada 2 ") {
		t.Errorf("report: %q", rows)
	}
}

func TestWhatHappenedIsRecordedWhateverTheStatus(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.change(t, ada.ID, func(m *member.Member) { m.Status, m.Keys = access.Removed, nil })
	if got := c.report(t, c.gateway.Secret, event("late", "2", object{"key": ada.Secret})); got[0] != "recorded" {
		t.Fatal(got)
	}
	var kept *struct {
		Status string `dynamodbav:"member_status"`
		Month  string `dynamodbav:"month"`
		Day    int    `dynamodbav:"day"`
	}
	if err := c.Table.Get(t.Context(), table.Into(table.UsageEvent(ada.Organization, "late"), &kept)); err != nil {
		t.Fatal(err)
	}
	if kept == nil || kept.Status != "removed" || kept.Month != "2026-11" || kept.Day != 22 {
		t.Errorf("event: %+v", kept)
	}
	report := c.usage(t, "")
	if got := rows(report, map[id.User]string{ada.ID: "ada"}); len(got) != 1 || !strings.HasPrefix(got[0], "ada 1 1000 200 2 ") {
		t.Errorf("report: %s", report.Raw)
	}
}

func TestPersonalConnectionsStayOutOfTheReport(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, eve := c.add(t, permission.Member), c.add(t, permission.Member)
	personal := object{"connection_scope": "personal"}
	got := c.report(t, c.gateway.Secret, event("1", "5", of(ada.ID), personal), event("2", "1", of(ada.ID)), event("3", "5", of(eve.ID), personal))
	if !slices.Equal(got, []string{"recorded", "recorded", "recorded"}) {
		t.Fatal(got)
	}
	if got := c.report(t, c.gateway.Secret, event("1", "5", of(ada.ID), personal)); got[0] != "duplicate" {
		t.Error(got)
	}
	report := c.usage(t, "")
	if got := rows(report, map[id.User]string{ada.ID: "ada"}); !slices.Equal(got, []string{"ada 1 1000 200 1 [openai/gpt-4o]"}) {
		t.Errorf("rows: %q", got)
	}
	if report.At("usage", "excluded", "personal", "requests") != 2.0 {
		t.Errorf("%s", report.Raw)
	}
}

func TestTheMonthsModelsAreBounded(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	for batch := range 2 {
		var events []object
		for i := range 30 {
			events = append(events, event(fmt.Sprintf("%d-%d", batch, i), "1", of(ada.ID), object{"model": fmt.Sprintf("p/model-%02d", i)}))
		}
		c.report(t, c.gateway.Secret, events...)
	}
	counters := c.counters(t, ada.ID)
	if models := namedModels(counters); models != 24 || counters["2026-11 r:"] != 12 {
		t.Errorf("%d models by name, %d events of others", models, counters["2026-11 r:"])
	}
	if got := c.rows(t, "", nil); !strings.HasPrefix(got[0], "60 60000 12000 60 [p/model-00") {
		t.Errorf("report: %q", got)
	}
}

func TestRecordingCosts(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.ten(t, ada.ID)
	cost := func(credential string, events ...object) float64 {
		ctx, capacity := table.WithCapacity(t.Context())
		got := c.CallContext(t, ctx, "POST /v1/usage", credential, object{"events": events})
		if slices.ContainsFunc(outcomes(got), func(o string) bool { return o != "recorded" }) || got.Status != 200 {
			t.Fatalf("%s", got.Raw)
		}
		_, write := capacity.Units()
		return write
	}
	first := cost(ada.Secret, event("first", "0.000123"))
	second := cost(ada.Secret, event("second", "0.000123"))
	if first > 7 || second > 6 || second >= first {
		t.Errorf("first %v, second %v units: the first alone places the month in the index", first, second)
	}
	c.workMonth(t, ada.ID)
	for i := range 3 { // which seal the days that are over
		cost(ada.Secret, event(fmt.Sprint("sealing-", i), "0.000123"))
	}
	if busy := cost(ada.Secret, event("busy", "0.000123", object{"tags": object{"project": "apollo"}})); busy != second {
		t.Errorf("%v units in a busy month, %v in an empty one", busy, second)
	}
	for range 8 { // to the end of the month
		c.Advance(24 * time.Hour)
		for i := range 3 {
			cost(ada.Secret, event(fmt.Sprint(c.Now().Day(), "-", i), "1.234567891", object{"input_tokens": 123_456, "output_tokens": 23_456}))
		}
	}
	if full := cost(ada.Secret, event("full", "0.000123")); full != second {
		t.Errorf("%v units in a full month, %v in an empty one", full, second)
	}
	team := c.team(t, 10)
	cost(c.gateway.Secret, batchOf(45, "first of the month", team)...)
	if per := cost(c.gateway.Secret, batchOf(45, "batch", team)...) / 45; per > 2.5 {
		t.Errorf("%v units an event", per)
	}
}

// TestEventsAreKeptForAWhile: as long as the organization says, and what they were counted
// as for good.
func TestEventsAreKeptForAWhile(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	for step, days := range []int{400, 35, 3650} {
		if step > 0 {
			c.setOrganization(t, "event_retention_days", days)
			c.Advance(access.GateTTL)
		}
		name := fmt.Sprint("kept-for-", days)
		c.report(t, ada.Secret, event(name, "1"))
		c.Must(t, 200, chunk(0, step+1), c.gateway.Secret, object{"events": []object{event(name, "1", of(ada.ID))}})
		until := float64(c.Now().AddDate(0, 0, days).Unix())
		items := c.DumpItems(t)
		for _, key := range []table.Key{table.OwnUsageEvent(c.owner.Organization, ada.ID, name), table.UsageChunk(c.owner.Organization, 0, int64(step+1))} {
			if items[key]["ttl"] != until {
				t.Errorf("%v is kept until %v, not %v", key, items[key]["ttl"], until)
			}
		}
	}
}
