package usage_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/permission"
	"roster/internal/table"
)

func TestAuthorizeOwnKey(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	for _, body := range []any{nil, object{}, object{"model": "openai/gpt-4o"}, object{"key": ada.Secret}, object{"user_id": ada.ID}} {
		got := c.Must(t, 200, "POST /v1/authorize", ada.Secret, body)
		if got.At("allowed") != true || got.String("code") != "ok" || got.String("user_id") != string(ada.ID) ||
			got.String("organization_id") != string(ada.Organization) || got.String("role") != "member" {
			t.Errorf("%v: %s", body, got.Raw)
		}
	}
	got := c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil)
	want := fmt.Sprintf(`{"success":true,"allowed":true,"code":"ok","user_id":%q,"organization_id":%q,"key_id":%q,"role":"member",`+
		`"remaining":{"daily_usd":null,"monthly_usd":null},`+
		`"resets_at":{"daily":"2026-11-23T00:00:00Z","monthly":"2026-12-01T00:00:00Z"}}`, ada.ID, ada.Organization, keyOf(ada.Member))
	if string(got.Raw) != want {
		t.Errorf("got  %s\nwant %s", got.Raw, want)
	}
}

func keyOf(m member.Member) id.Key {
	for key := range m.Keys {
		return key
	}
	return ""
}

func TestAuthorizeCostsOneRoundTripAndOneUnit(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.setOrganization(t, "time_zone", "Europe/Berlin")
	ada := c.add(t, permission.Member)
	c.ten(t, ada.ID)
	c.workMonth(t, ada.ID)
	for _, step := range []struct {
		gate  string
		units float64
		calls int
	}{{"cold", 3, 2}, {"warm", 1, 1}} {
		ctx, capacity := table.WithCapacity(t.Context())
		if got := c.CallContext(t, ctx, "POST /v1/authorize", ada.Secret, nil); got.Status != 200 {
			t.Fatalf("%s", got.Raw)
		}
		read, write := capacity.Units()
		if read > step.units || write != 0 || len(capacity.Calls()) != step.calls {
			t.Errorf("%s gate: %v", step.gate, capacity.Calls())
		}
	}
}

// workMonth counts a month as a busy member has it: three models on 20 days.
func (c company) workMonth(t testing.TB, user id.User) {
	t.Helper()
	var events []object
	for day := 1; day <= 20; day++ {
		for model := range 3 {
			events = append(events, event(fmt.Sprintf("day-%d-%d", day, model), "1.234567891", of(user),
				at(fmt.Sprintf("2026-11-%02dT12:00:00Z", day)),
				object{"model": fmt.Sprintf("anthropic/claude-%d", model), "input_tokens": 123_456, "output_tokens": 23_456}))
		}
	}
	for _, outcome := range c.report(t, c.gateway.Secret, events...) {
		if outcome != "recorded" {
			t.Fatal(outcome)
		}
	}
}

func TestAuthorizeRefusesOnTheNextCall(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	for name, step := range map[string]struct {
		change func(*member.Member)
		status int
		code   string
	}{
		"suspended": {func(m *member.Member) { m.Status = access.Suspended }, 403, "member_suspended"},
		"pending":   {func(m *member.Member) { m.Status = access.Pending }, 403, "member_pending"},
		"removed":   {func(m *member.Member) { m.Status, m.Keys = access.Removed, nil }, 401, "invalid_key"},
		"viewer":    {func(m *member.Member) { m.Role = permission.Viewer }, 403, "permission_denied"},
		"revoked":   {func(m *member.Member) { clear(m.Keys) }, 401, "invalid_key"},
		"expired": {func(m *member.Member) {
			key := keyOf(*m)
			record := m.Keys[key]
			record.ExpiresAt = c.Now()
			m.Keys = maps.Clone(m.Keys)
			m.Keys[key] = record
		}, 401, "invalid_key"},
	} {
		ada := c.add(t, permission.Member)
		c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil)
		c.change(t, ada.ID, step.change)
		got := c.Refused(t, step.status, step.code, "POST /v1/authorize", ada.Secret, nil)
		if got.At("allowed") != false || got.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s", name, got.Raw)
		}
		named := c.Refused(t, step.status, step.code, "POST /v1/authorize", c.gateway.Secret, object{"key": ada.Secret})
		if named.At("allowed") != false {
			t.Errorf("%s, asked by a gateway: %s", name, named.Raw)
		}
	}
	if got := c.Refused(t, 401, "credential_required", "POST /v1/authorize", "", nil); got.At("allowed") != false {
		t.Errorf("%s", got.Raw)
	}
}

func TestSuspendedOrganizationIsRefusedWithinTheGatesLife(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil)
	c.setOrganization(t, "status", "suspended")
	c.Advance(access.GateTTL)
	if got := c.Refused(t, 403, "organization_suspended", "POST /v1/authorize", ada.Secret, nil); got.At("allowed") != false {
		t.Errorf("%s", got.Raw)
	}
	c.Refused(t, 403, "organization_suspended", "GET /v1/key", ada.Secret, nil)
}

func TestOnlyWithUsageWriteAreOthersNamed(t *testing.T) {
	t.Parallel()
	c, foreign := newCompany(t), newCompany(t)
	ada, eve := c.add(t, permission.Member), c.add(t, permission.Member)
	stranger := foreign.add(t, permission.Member)
	for _, named := range []object{
		{"key": ada.Secret}, {"user_id": ada.ID}, {"key_id": keyOf(ada.Member)}, {"user_id": ada.ID, "key_id": keyOf(ada.Member)},
		{"key": stranger.Secret}, {"user_id": stranger.ID},
	} {
		got := c.Refused(t, 403, "cannot_act_for_others", "POST /v1/authorize", eve.Secret, named)
		if got.At("allowed") != false {
			t.Errorf("%v: %s", named, got.Raw)
		}
	}
	for _, by := range []string{c.gateway.Secret, c.owner.Secret} {
		for _, named := range []object{
			{"key": ada.Secret}, {"user_id": ada.ID}, {"user_id": ada.ID, "key_id": keyOf(ada.Member)},
		} {
			if got := c.Must(t, 200, "POST /v1/authorize", by, named); got.String("user_id") != string(ada.ID) {
				t.Errorf("%v: %s", named, got.Raw)
			}
		}
	}
	c.Must(t, 200, "POST /v1/authorize", ada.Secret, object{"key_id": keyOf(ada.Member)})
	c.Refused(t, 401, "invalid_key", "POST /v1/authorize", c.gateway.Secret, object{"key": stranger.Secret})
	c.Refused(t, 401, "invalid_key", "POST /v1/authorize", c.gateway.Secret, object{"key": "rk_nonsense"})
	c.Refused(t, 401, "invalid_key", "POST /v1/authorize", c.gateway.Secret, object{"user_id": ada.ID, "key_id": keyOf(eve.Member)})
	c.Refused(t, 403, "not_a_member", "POST /v1/authorize", c.gateway.Secret, object{"user_id": stranger.ID})
	c.Refused(t, 403, "permission_denied", "POST /v1/authorize", c.gateway.Secret, nil)
	c.Refused(t, 422, "invalid_input", "POST /v1/authorize", c.gateway.Secret, object{"key": ada.Secret, "user_id": ada.ID})
}

func TestResetsFollowTheOrganizationsZone(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.setOrganization(t, "time_zone", "America/New_York")
	got := c.Must(t, 200, "POST /v1/authorize", c.owner.Secret, nil)
	if got.String("resets_at", "daily") != "2026-11-23T05:00:00Z" || got.String("resets_at", "monthly") != "2026-12-01T05:00:00Z" {
		t.Errorf("%s", got.Raw)
	}
}

func TestKeyStatus(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.setOrganization(t, "time_zone", "Asia/Tokyo") // it is 19:00 on the 22nd
	ada := c.add(t, permission.Member)
	c.report(t, ada.Secret, event("today", "0.25"), event("yesterday", "0.5", at("2026-11-21T14:59:59Z")))
	got := c.Must(t, 200, "GET /v1/key", ada.Secret, nil)
	if got.At("spend", "daily_usd") != 0.25 || got.At("spend", "monthly_usd") != 0.75 {
		t.Errorf("spend: %s", got.Raw)
	}
	if got.String("key", "id") != string(keyOf(ada.Member)) || got.String("key", "name") != "test" ||
		got.String("member", "email") != string(ada.Email) || got.At("allowed") != true {
		t.Errorf("%s", got.Raw)
	}
	viewer := c.Must(t, 200, "GET /v1/key", c.add(t, permission.Viewer).Secret, nil)
	if viewer.At("allowed") != false || viewer.String("code") != "permission_denied" || viewer.String("member", "status") != "active" {
		t.Errorf("viewer: %s", viewer.Raw)
	}
	c.change(t, ada.ID, func(m *member.Member) { m.Status = access.Suspended })
	c.Refused(t, 403, "member_suspended", "GET /v1/key", ada.Secret, nil)
	c.Advance(24 * time.Hour)
	c.change(t, ada.ID, func(m *member.Member) { m.Status = access.Active })
	tomorrow := c.Must(t, 200, "GET /v1/key", ada.Secret, nil)
	if tomorrow.At("spend", "daily_usd") != 0.0 || tomorrow.At("spend", "monthly_usd") != 0.75 {
		t.Errorf("tomorrow: %s", tomorrow.Raw)
	}
}

func TestTheMonthIsThatOfTheOrganizationsZone(t *testing.T) {
	t.Parallel()
	for zone, step := range map[string]struct {
		now     string
		monthly float64
	}{
		"Etc/GMT+12":         {"2026-12-01T11:59:00Z", 3}, // still November
		"Pacific/Kiritimati": {"2026-11-30T10:01:00Z", 2}, // December already
		"UTC":                {"2026-12-01T00:01:00Z", 2},
	} {
		c := newCompany(t)
		c.setOrganization(t, "time_zone", zone)
		now, err := time.Parse(time.RFC3339, step.now)
		if err != nil {
			t.Fatal(err)
		}
		c.Advance(now.Sub(c.Now()))
		day := 24 * time.Hour
		c.report(t, c.owner.Secret, event("before", "1", at(now.Add(-2*day).Format(time.RFC3339))), event("now", "2"))
		if got := c.Must(t, 200, "GET /v1/key", c.owner.Secret, nil); got.At("spend", "monthly_usd") != step.monthly {
			t.Errorf("%s: %s", zone, got.Raw)
		}
	}
}

// A key that someone else made does not let its member use models who was given
// that right by others since, whoever asks.
func TestACappedKeyIsWorthItsCap(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.change(t, ada.ID, func(m *member.Member) {
		record := m.Keys[keyOf(*m)]
		record.CreatedBy, record.Cap = c.owner.ID, &access.Cap{Permissions: permission.Roles(nil).Of(permission.Viewer)}
		m.Keys = map[id.Key]access.KeyRecord{keyOf(*m): record}
	})
	for name, body := range map[string]object{"itself": nil, "its member": {"user_id": ada.ID}} {
		if got := c.Refused(t, 403, "permission_denied", "POST /v1/authorize", ada.Secret, body); got.At("allowed") != false {
			t.Errorf("%s: %s", name, got.Raw)
		}
	}
	for _, body := range []object{{"key": ada.Secret}, {"key_id": keyOf(ada.Member)}} {
		c.Refused(t, 403, "permission_denied", "POST /v1/authorize", c.gateway.Secret, body)
	}
	c.Must(t, 200, "POST /v1/authorize", c.gateway.Secret, object{"user_id": ada.ID})
	if got := c.Must(t, 200, "GET /v1/key", ada.Secret, nil); got.At("allowed") != false || got.String("code") != "permission_denied" {
		t.Errorf("%s", got.Raw)
	}
	c.Refused(t, 403, "permission_denied", "POST /v1/usage", ada.Secret, object{"events": []object{event("1", "1")}})
}

// TestAModelWithoutAPriceIsRefused unless the organization has a default tariff, or only observes.
func TestAModelWithoutAPriceIsRefused(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	unpriced := object{"model": "of-nobody/at-all"}
	got := c.Call(t, "POST /v1/authorize", ada.Secret, unpriced)
	if got.Status != 403 || got.At("code") != "model_unpriced" || got.At("allowed") != false || got.Header.Get("X-Roster-Code") != "model_unpriced" {
		t.Errorf("%d %s", got.Status, got.Raw)
	}
	c.Refused(t, 403, "model_unpriced", "GET /v1/authorize?model=of-nobody/at-all", ada.Secret, nil)
	c.Must(t, 200, "POST /v1/authorize", ada.Secret, object{"model": "openai/gpt-4o"})
	c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil)
	c.setOrganization(t, "limit_mode", "observe")
	c.Advance(time.Minute)
	c.Must(t, 200, "POST /v1/authorize", ada.Secret, unpriced)
	c.setOrganization(t, "limit_mode", "balanced")
	c.setPrices(t, `{"default_tariff":{"input_cost_per_token":0.000001,"output_cost_per_token":0.000002}}`)
	c.Advance(time.Minute)
	c.Must(t, 200, "POST /v1/authorize", ada.Secret, unpriced)
}
