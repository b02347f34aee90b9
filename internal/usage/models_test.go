package usage_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/model"
	"roster/internal/permission"
	"roster/internal/table"
)

// allow sets the lists of a member's role, of the member and of their key.
func (c company) allow(t testing.TB, user id.User, role, own, key model.List) {
	t.Helper()
	c.setOrganization(t, "roles", permission.Roles{"tester": {
		Permissions: permission.Of(permission.ModelsUse), AllowedModels: role,
	}})
	c.Set(t, table.Member(c.owner.Organization, user), "role", "tester")
	c.change(t, user, func(m *member.Member) {
		m.AllowedModels = own
		record := m.Keys[keyOf(*m)]
		record.AllowedModels = key
		m.Keys = map[id.Key]access.KeyRecord{keyOf(*m): record}
	})
	c.Advance(access.GateTTL)
}

func TestAModelHasToBeOnEveryList(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.allow(t, ada.ID, model.List{"openai/*", "anthropic/*"}, model.List{"openai/*", "mistral/*"}, model.List{"openai/gpt-5"})
	for name, level := range map[string]string{
		"openai/gpt-5": "", "openai/gpt-5-mini": "key", "anthropic/claude-5": "member", "mistral/large": "role", "gpt-5": "role",
		"OPENAI/gpt-5": "role",
	} {
		for by, body := range map[string]object{ada.Secret: {"model": name}, c.gateway.Secret: {"model": name, "key": ada.Secret}} {
			got := c.Call(t, "POST /v1/authorize", by, body)
			if level == "" {
				if got.Status != 200 || got.At("allowed_models") != nil {
					t.Errorf("%s: %s", name, got.Raw)
				}
				continue
			}
			if got.Status != 403 || got.Code() != "model_not_allowed" || got.String("level") != level || got.String("model") != name || got.At("allowed") != false {
				t.Errorf("%s: %s, want it refused by the %s", name, got.Raw, level)
			}
		}
	}
	for by, body := range map[string]object{ada.Secret: nil, c.gateway.Secret: {"key_id": keyOf(ada.Member)}} {
		if got := c.Must(t, 200, "POST /v1/authorize", by, body); fmt.Sprint(got.At("allowed_models")) != "[openai/gpt-5]" {
			t.Errorf("%s", got.Raw)
		}
	}
	if got := c.Must(t, 200, "POST /v1/authorize", c.gateway.Secret, object{"user_id": ada.ID}); fmt.Sprint(got.At("allowed_models")) != "[openai/*]" {
		t.Errorf("without a key: %s", got.Raw)
	}
	if got := c.Must(t, 200, "GET /v1/key", ada.Secret, nil); fmt.Sprint(got.At("allowed_models")) != "[openai/gpt-5]" {
		t.Errorf("%s", got.Raw)
	}
	// What was called is recorded all the same.
	if got := c.report(t, c.gateway.Secret, event("1", "1", of(ada.ID), object{"model": "mistral/large"})); got[0] != "recorded" {
		t.Errorf("%v", got)
	}
}

func TestWhatIsAllowedIsWhatIsAnswered(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	names := rapid.StringMatching(`[ab]/[ab]{0,2}`)
	lists := rapid.Custom(func(t *rapid.T) model.List {
		all := rapid.SliceOfN(rapid.StringMatching(`[ab]/[ab]{0,2}[*]?`), 0, 3).Draw(t, "list")
		var l model.List
		for _, p := range all {
			l = append(l, model.Pattern(p))
		}
		return l
	})
	c.setPrices(t, `{"default_tariff":{"input_cost_per_token":1e-6,"output_cost_per_token":1e-6}}`)
	rapid.Check(t, func(rt *rapid.T) {
		c.allow(t, ada.ID, lists.Draw(rt, "role"), lists.Draw(rt, "member"), lists.Draw(rt, "key"))
		var told model.List
		if all, ok := c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil).At("allowed_models").([]any); ok {
			told = model.List{}
			for _, p := range all {
				told = append(told, model.Pattern(p.(string)))
			}
		}
		for range 5 {
			name := names.Draw(rt, "name")
			if got := c.Call(t, "POST /v1/authorize", ada.Secret, object{"model": name}); (got.Status == 200) != told.Allows(name) {
				rt.Fatalf("%s: %s, though %v is told", name, got.Raw, told)
			}
		}
	})
}

func TestListsCostNoFurtherRead(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.change(t, ada.ID, func(m *member.Member) {
		m.AllowedModels = model.List{"openai/*", "anthropic/*"}
		record := m.Keys[keyOf(*m)]
		record.AllowedModels = m.AllowedModels
		m.Keys = map[id.Key]access.KeyRecord{keyOf(*m): record}
	})
	c.Must(t, 200, "POST /v1/authorize", ada.Secret, object{"model": "openai/gpt-4o"}) // reads which prices are in force, too
	ctx, capacity := table.WithCapacity(t.Context())
	c.CallContext(t, ctx, "POST /v1/authorize", ada.Secret, object{"model": "openai/gpt-5"})
	if read, write := capacity.Units(); read > 1 || write != 0 || len(capacity.Calls()) != 1 {
		t.Errorf("%v", capacity.Calls())
	}
}
