package usage_test

import (
	"strings"
	"testing"

	"roster/internal/access"
	"roster/internal/member"
	"roster/internal/model"
	"roster/internal/permission"
)

func TestForwardAuthDecidesAsAuthorizeDoes(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.limit(t, object{"user_id": ada.ID, "monthly_limit": 1})
	asked := c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil)
	for _, header := range []string{"x-api-key", "api-key", "x-goog-api-key"} {
		got := c.Must(t, 200, "GET /v1/authorize", "", nil, header, ada.Secret)
		if string(got.Raw) != string(asked.Raw) {
			t.Errorf("by %s: %s, want %s", header, got.Raw, asked.Raw)
		}
	}
	got := c.Must(t, 200, "GET /v1/authorize", ada.Secret, nil)
	for name, want := range map[string]string{
		"X-Roster-Allowed": "true", "X-Roster-Code": "ok",
		"X-Roster-User-Id": string(ada.ID), "X-Roster-Organization-Id": string(c.owner.Organization),
		"X-Roster-Key-Id": string(keyOf(ada.Member)), "X-Roster-Role": "member",
		"X-Roster-Remaining-Daily-Usd": "", "X-Roster-Remaining-Monthly-Usd": "1",
		"X-Roster-Resets-Daily": "2026-11-23T00:00:00Z", "X-Roster-Resets-Monthly": "2026-12-01T00:00:00Z",
	} {
		if got.Header.Get(name) != want || asked.Header.Get(name) != want {
			t.Errorf("%s: %q by GET, %q by POST, want %q", name, got.Header.Get(name), asked.Header.Get(name), want)
		}
	}

	c.report(t, ada.Secret, event("all", "1"))
	over := c.Refused(t, 429, "limit_reached", "GET /v1/authorize", ada.Secret, nil)
	denied := c.Refused(t, 403, "limit_reached", "GET /v1/authorize?deny=403", ada.Secret, nil)
	for _, answer := range []struct {
		status float64
		header func(string) string
		at     func(...string) any
	}{{429, over.Header.Get, over.At}, {403, denied.Header.Get, denied.At}} {
		if answer.header("Retry-After") != "741600" || answer.header("X-Should-Retry") != "false" ||
			answer.header("X-Roster-Status") != "429" || answer.header("X-Roster-Allowed") != "false" ||
			!strings.Contains(answer.header("X-Roster-Detail"), "monthly limit of 1 USD") ||
			answer.at("allowed") != false || answer.at("status") != answer.status {
			t.Errorf("%v: %s %s", answer.status, over.Raw, denied.Raw)
		}
	}
}

func TestForwardAuthRefuses(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	for name, step := range map[string]struct {
		change func(*member.Member)
		status int
		code   string
	}{
		"suspended": {func(m *member.Member) { m.Status = access.Suspended }, 403, "member_suspended"},
		"viewer":    {func(m *member.Member) { m.Role = permission.Viewer }, 403, "permission_denied"},
		"revoked":   {func(m *member.Member) { clear(m.Keys) }, 401, "invalid_key"},
	} {
		ada := c.add(t, permission.Member)
		c.change(t, ada.ID, step.change)
		for _, query := range []string{"", "?deny=403"} { // which is for a 429 alone
			got := c.Refused(t, step.status, step.code, "GET /v1/authorize"+query, "", nil, "x-api-key", ada.Secret)
			if got.At("allowed") != false || got.Header.Get("X-Roster-Code") != step.code {
				t.Errorf("%s: %s, %v", name, got.Raw, got.Header)
			}
		}
	}
	if got := c.Refused(t, 401, "credential_required", "GET /v1/authorize", "", nil, "x-api-key", " "); got.Header.Get("X-Roster-Status") != "401" {
		t.Errorf("%v", got.Header)
	}
	for _, query := range []string{"deny=429", "deny=", "deny=403&deny=403", "key=" + c.owner.Secret, "model=" + strings.Repeat("m", 300)} {
		got := c.Refused(t, 422, "invalid_input", "GET /v1/authorize?"+query, c.owner.Secret, nil)
		if got.Header.Get("X-Roster-Code") != "" {
			t.Errorf("%s is decided: %v", query, got.Header)
		}
	}
	c.Refused(t, 401, "invalid_key", "GET /v1/key", "", nil, "Authorization", "Bearer rk_x", "x-api-key", c.owner.Secret)
	c.Refused(t, 401, "credential_required", "GET /v1/key", "", nil, "x-api-key", c.owner.Secret)
}

func TestForwardAuthTakesTheModelFromQueryOrHeader(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.change(t, ada.ID, func(m *member.Member) {
		record := m.Keys[keyOf(*m)]
		record.AllowedModels = model.List{"openai/*"}
		m.Keys[keyOf(*m)] = record
	})
	c.Must(t, 200, "GET /v1/authorize?model=openai/gpt-4o", ada.Secret, nil)
	c.Must(t, 200, "GET /v1/authorize", ada.Secret, nil, "X-Roster-Model", "openai/gpt-4o")
	c.Refused(t, 403, "model_not_allowed", "GET /v1/authorize?model=anthropic/claude", ada.Secret, nil)
	c.Refused(t, 403, "model_not_allowed", "GET /v1/authorize", ada.Secret, nil, "X-Roster-Model", "anthropic/claude")
	c.Refused(t, 403, "model_not_allowed", "GET /v1/authorize?model=anthropic/claude", ada.Secret, nil, "X-Roster-Model", "openai/gpt-4o")
}
