package diagnosis_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/apikey"
	"roster/internal/diagnosis"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/invitation"
	"roster/internal/limit"
	"roster/internal/limitrequest"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/model"
	"roster/internal/offboarding"
	"roster/internal/permission"
	"roster/internal/policy"
	"roster/internal/rostertest"
	"roster/internal/table"
	"roster/internal/usage"
)

type object = map[string]any

// company is an organization with an owner and a gateway.
type company struct {
	*rostertest.Roster
	owner, gateway membertest.Member
}

func newCompany(t testing.TB) company {
	t.Helper()
	r := rostertest.New(t, diagnosis.Endpoints, member.Endpoints, offboarding.Endpoints, apikey.Endpoints, invitation.Endpoints, usage.AuthorizeEndpoints, usage.MeterEndpoints, limit.Endpoints, limitrequest.Endpoints)
	owner := membertest.Found(t, r)
	return company{r, owner, membertest.Add(t, r, member.Member{
		Organization: owner.Organization, Kind: member.ServiceAccount, Name: "Gateway", Role: permission.Gateway,
	})}
}

func (c company) add(t testing.TB, role string) membertest.Member {
	t.Helper()
	return membertest.Add(t, c.Roster, member.Member{Organization: c.owner.Organization, Role: role, Name: "Ada"})
}

func (c company) path(who string, query url.Values) string {
	return "/api/organizations/" + string(c.owner.Organization) + "/members/" + who + "/access?" + query.Encode()
}

func (c company) explain(t testing.TB, credential, who string, query url.Values) rostertest.Response {
	t.Helper()
	return c.Must(t, 200, "GET "+c.path(who, query), credential, nil)
}

func reasons(answer rostertest.Response) []object {
	var all []object
	for _, r := range answer.At("access", "reasons").([]any) {
		all = append(all, r.(object))
	}
	return all
}

func codes(answer rostertest.Response) (all []string) {
	for _, r := range reasons(answer) {
		code := r["code"].(string)
		if level, ok := r["level"].(string); ok {
			code += ":" + level
		}
		all = append(all, code)
	}
	return all
}

// TestAnExplanationNeverDisagreesWithAuthorize: in whatever state, it allows what
// authorizing allows, and its first reason is the one that authorizing gives.
func TestAnExplanationNeverDisagreesWithAuthorize(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	org := table.Organization(c.owner.Organization)
	c.Set(t, org, "roles", permission.Roles{
		"reader": {Permissions: permission.Of(permission.UsageReadOwn)},
		"coder":  {Permissions: permission.Of(permission.ModelsUse), AllowedModels: model.List{"openai/*"}},
	})
	for _, name := range []string{"reader", "coder"} {
		if err := c.Table.Transact(t.Context(), table.Write{Key: table.Role(c.owner.Organization, name), Put: object{"name": name, "members": 0}}); err != nil {
			t.Fatal(err)
		}
	}
	other := c.add(t, permission.Member)
	membertest.Change(t, c.Roster, c.owner.Organization, c.owner.ID, func(m *member.Member) {
		m.Accepted = &member.Acceptance{Version: 2, At: c.Now(), How: member.ByConsent}
	})
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		ada := c.add(t, rapid.SampledFrom([]string{permission.Member, permission.Developer, "coder", "reader"}).Draw(rt, "role"))
		own := keyOf(ada.Member)
		lists := []model.List{nil, {"openai/*"}, {"anthropic/*"}}
		membertest.Change(t, c.Roster, ada.Organization, ada.ID, func(m *member.Member) {
			if version := rapid.IntRange(0, 2).Draw(rt, "accepted"); version > 0 {
				m.Accepted = &member.Acceptance{Version: version, At: c.Now(), How: member.ByConsent}
			}
			m.AllowedModels = rapid.SampledFrom(lists).Draw(rt, "member's models")
			record := m.Keys[own]
			record.AllowedModels = rapid.SampledFrom(lists).Draw(rt, "key's models")
			if rapid.IntRange(0, 3).Draw(rt, "capped") == 3 {
				record.CreatedBy, record.Cap = c.owner.ID, &access.Cap{Permissions: permission.Of(permission.UsageReadOwn)}
			}
			if rapid.IntRange(0, 3).Draw(rt, "ends") == 3 {
				record.ExpiresAt = c.Now().Add(time.Duration(rapid.IntRange(-1, 1).Draw(rt, "hours")) * time.Hour)
			}
			m.Keys = map[id.Key]access.KeyRecord{own: record}
		})
		switch status := rapid.SampledFrom([]access.Status{access.Active, access.Active, access.Suspended, access.Removed, access.Pending}).Draw(rt, "status"); status {
		case access.Active:
		default:
			membertest.Change(t, c.Roster, ada.Organization, ada.ID, func(m *member.Member) {
				m.Status = status
				switch status {
				case access.Suspended:
					m.Suspension = &member.Suspension{By: c.owner.ID, At: c.Now(), Reason: "Odd"}
				case access.Removed:
					m.Keys = nil
				case access.Pending:
					m.Request = &member.JoinRequest{ID: id.NewJoinRequest(c.Now(), m.ID), At: c.Now()}
				}
			})
		}
		c.Set(t, org, "require_policy_acceptance", rapid.IntRange(0, 3).Draw(rt, "policy required") == 3)
		c.Set(t, org, "policy_url", "https://acme.example/policy")
		c.Set(t, org, "policy_version", rapid.IntRange(0, 2).Draw(rt, "policy's version"))
		c.Set(t, org, "require_connection", rapid.Bool().Draw(rt, "connection required"))
		c.Set(t, org, "connections", access.Connections{Enabled: rapid.SampledFrom([]map[string]int{{}, {"openai": 1}}).Draw(rt, "connections")})
		c.Advance(access.GateTTL)

		body, query := object{"user_id": ada.ID}, url.Values{}
		if name := rapid.SampledFrom([]string{"", "openai/gpt-5", "anthropic/claude", "llama"}).Draw(rt, "model"); name != "" {
			body["model"] = name
			query.Set("model", name)
		}
		if key := rapid.SampledFrom([]id.Key{"", own, own, id.NewKey(c.Now(), ada.ID), keyOf(other.Member)}).Draw(rt, "key"); key != "" {
			body["key_id"] = key
			query.Set("key_id", string(key))
		}
		decided := c.Call(t, "POST /v1/authorize", c.gateway.Secret, body)
		for who, credential := range map[string]string{"owner": c.owner.Secret, "gateway": c.gateway.Secret} {
			explained := c.explain(t, credential, string(ada.ID), query)
			code := decided.Code()
			if decided.Status == 200 {
				code = "ok"
			}
			all := codes(explained)
			if explained.At("access", "allowed") != (decided.Status == 200) || explained.String("access", "code") != code ||
				(len(all) == 0) != (decided.Status == 200) || len(all) > 0 && !strings.HasPrefix(all[0], code) {
				rt.Fatalf("%s: authorize says %d %s\nthe explanation %s", who, decided.Status, decided.Raw, explained.Raw)
			}
			if decided.Status == 200 && decided.String("connection_scope") != explained.String("access", "connection_scope") {
				rt.Fatalf("whose connection: %s\n%s", decided.Raw, explained.Raw)
			}
			seen[code]++
		}
	})
	if len(seen) < 5 {
		t.Errorf("hardly anything was tried: %v", seen)
	}
}

func keyOf(m member.Member) id.Key {
	for key := range m.Keys {
		return key
	}
	return ""
}

func TestEveryReasonIsToldWithWhoBroughtItAbout(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	members := "/api/organizations/" + string(c.owner.Organization) + "/members/" + string(ada.ID)
	key := c.Must(t, 201, "POST /api/organizations/"+string(c.owner.Organization)+"/keys", ada.Secret, object{"name": "laptop"}).String("key", "id")
	c.Must(t, 200, "DELETE /api/organizations/"+string(c.owner.Organization)+"/keys/"+key, c.owner.Secret, nil)
	c.Must(t, 200, "PUT "+members, c.owner.Secret, object{"role": "viewer", "allowed_models": []string{"openai/*"}})
	c.Must(t, 200, "POST "+members+"/suspend", c.owner.Secret, object{"reason": "Unusual usage patterns"})
	c.Set(t, table.Organization(c.owner.Organization), "require_connection", true)
	c.Set(t, table.Organization(c.owner.Organization), "policy", policy.Policy{TwoFactorSince: c.Now()})
	c.Set(t, table.Organization(c.owner.Organization), "policy_url", "https://acme.example/policy")
	c.Set(t, table.Organization(c.owner.Organization), "require_policy_acceptance", true)
	membertest.Change(t, c.Roster, ada.Organization, c.owner.ID, func(m *member.Member) {
		m.TwoFactor, m.Accepted = true, &member.Acceptance{Version: 1, At: c.Now(), How: member.ByConsent}
	})

	got := c.explain(t, c.owner.Secret, string(ada.ID), url.Values{"key_id": {key}, "model": {"anthropic/claude-haiku-4-5"}})
	want := []string{"invalid_key", "member_suspended", "two_factor_required", "policy_not_accepted", "permission_denied:role", "model_not_allowed:member", "no_connection"}
	if all := codes(got); !slices.Equal(all, want) {
		t.Fatalf("%v\n%s", all, got.Raw)
	}
	for i, r := range reasons(got) {
		cause, _ := r["cause"].(object)
		by, _ := cause["by"].(object)
		call, _ := r["remedy_call"].(object)
		if !slices.Contains([]string{"no_connection", "two_factor_required", "policy_not_accepted"}, want[i]) && (by["user_id"] != string(c.owner.ID) || cause["at"] == nil || cause["audit_event_id"] == nil) {
			t.Errorf("%s: nobody brought it about: %v", want[i], r)
		}
		if call == nil || strings.ContainsAny(call["path"].(string), "{}") {
			t.Errorf("%s: %v", want[i], r)
		}
	}
	if reason := reasons(got)[1]["cause"].(object)["reason"]; reason != "Unusual usage patterns" {
		t.Errorf("suspended for %v", reason)
	}
	// What the remedies say is done, call by call, until nothing stands in the way.
	c.Must(t, 200, "POST "+members+"/unsuspend", c.owner.Secret, nil)
	membertest.Change(t, c.Roster, ada.Organization, ada.ID, func(m *member.Member) {
		m.TwoFactor, m.Accepted = true, &member.Acceptance{Version: 1, At: c.Now(), How: member.ByConsent}
	})
	c.Must(t, 200, "PUT "+members, c.owner.Secret, object{"role": "member", "allowed_models": []string{"anthropic/*"}})
	c.Set(t, table.Organization(c.owner.Organization), "connections", access.Connections{Enabled: map[string]int{"anthropic": 1}})
	if got := c.explain(t, ada.Secret, string(ada.ID), url.Values{"model": {"anthropic/no-such"}}); !slices.Equal(codes(got), []string{"model_unpriced"}) || reasons(got)[0]["remedy_call"] == nil {
		t.Errorf("a model without a price: %s", got.Raw)
	}
	got = c.explain(t, ada.Secret, string(ada.ID), url.Values{"model": {"anthropic/claude-haiku-4-5"}})
	if got.At("access", "allowed") != true || got.String("access", "connection_scope") != "organization" {
		t.Errorf("%s", got.Raw)
	}
}

func TestWhoIsNoMemberYet(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.OpenSignUp = false // the owner has no account whose address could be proven
	invited := c.Must(t, 201, "POST /api/organizations/"+string(c.owner.Organization)+"/members/invite", c.owner.Secret,
		object{"email": "new@example.com", "role": "member"}).String("invitation", "id")
	got := c.explain(t, c.owner.Secret, invited, nil)
	if got.String("access", "code") != "invitation_pending" || got.At("access", "user_id") != nil || !strings.Contains(string(got.Raw), invited+"/resend") {
		t.Errorf("%s", got.Raw)
	}
	c.Advance(8 * 24 * time.Hour)
	if got := c.explain(t, c.owner.Secret, invited, nil); got.String("access", "code") != "invitation_expired" {
		t.Errorf("%s", got.Raw)
	}
	c.Must(t, 200, "DELETE /api/organizations/"+string(c.owner.Organization)+"/invitations/"+invited, c.owner.Secret, nil)
	if got := c.explain(t, c.owner.Secret, invited, nil); got.String("access", "code") != "invitation_revoked" {
		t.Errorf("%s", got.Raw)
	}

	request := id.NewJoinRequest(c.Now(), id.NewUser(c.Now()))
	membertest.Add(t, c.Roster, member.Member{
		Organization: c.owner.Organization, ID: request.User(), Role: permission.Member, Status: access.Pending,
		Request: &member.JoinRequest{ID: request, At: c.Now()},
	})
	got = c.explain(t, c.owner.Secret, string(request), nil)
	if got.String("access", "code") != "member_pending" || !strings.Contains(string(got.Raw), string(request)+"/approve") {
		t.Errorf("%s", got.Raw)
	}

	// Who was removed and invited again hears of the invitation.
	gone := c.add(t, permission.Member)
	c.Must(t, 200, "DELETE /api/organizations/"+string(c.owner.Organization)+"/members/"+string(gone.ID), c.owner.Secret, nil)
	got = c.explain(t, c.owner.Secret, string(gone.ID), url.Values{"key_id": {string(keyOf(gone.Member))}})
	if all := codes(got); !slices.Equal(all, []string{"invalid_key", "not_a_member"}) || !strings.Contains(string(got.Raw), "members/invite") {
		t.Errorf("%s", got.Raw)
	}
	again := c.Must(t, 201, "POST /api/organizations/"+string(c.owner.Organization)+"/members/invite", c.owner.Secret,
		object{"email": gone.Email, "role": "member"}).String("invitation", "id")
	if got = c.explain(t, c.owner.Secret, string(gone.ID), nil); !strings.Contains(string(got.Raw), again+"/resend") {
		t.Errorf("%s", got.Raw)
	}
}

func TestWhoMayAskWhy(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, bob := c.add(t, permission.Member), c.add(t, permission.Viewer)
	c.Refused(t, 403, "permission_denied", "GET "+c.path(string(ada.ID), nil), bob.Secret, nil)
	c.Refused(t, 404, "member_not_found", "GET "+c.path(string(id.NewUser(c.Now())), nil), c.owner.Secret, nil)
	if own := c.explain(t, bob.Secret, string(bob.ID), nil); own.String("access", "code") != "permission_denied" || own.At("access", "limits") == nil {
		t.Errorf("%s", own.Raw)
	}
	membertest.Suspend(t, c.Roster, ada.Organization, ada.ID, c.owner.ID)
	of := c.explain(t, c.gateway.Secret, string(ada.ID), nil)
	if of.String("access", "code") != "member_suspended" || of.At("access", "keys") != nil || of.At("access", "limits") != nil || strings.Contains(string(of.Raw), string(c.owner.ID)) {
		t.Errorf("a gateway sees %s", of.Raw)
	}
	// A manager sees the members of their team.
	team := membertest.AddTeam(t, c.Roster, c.owner.Organization)
	for user, as := range map[id.User]member.TeamRole{ada.ID: access.TeamUser, bob.ID: access.TeamManager} {
		membertest.Change(t, c.Roster, c.owner.Organization, user, func(m *member.Member) { m.Teams = map[id.Team]member.TeamRole{team: as} })
	}
	if seen := c.explain(t, bob.Secret, string(ada.ID), nil); seen.At("access", "keys") == nil {
		t.Errorf("%s", seen.Raw)
	}
	rival := membertest.Found(t, c.Roster)
	c.Refused(t, 404, "member_not_found", "GET /api/organizations/"+string(rival.Organization)+"/members/"+string(ada.ID)+"/access", rival.Secret, nil)
}

func TestFiguresSayWhereUsageIs(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := membertest.Add(t, c.Roster, member.Member{
		Organization: c.owner.Organization, Role: permission.Developer, Offer: &member.Offer{MonthlyLimit: new("10"), DailyLimit: new("1")},
	})
	if got := c.explain(t, ada.Secret, string(ada.ID), nil); !strings.Contains(string(got.Raw), "start_date") {
		t.Errorf("%s", got.Raw)
	}
	event := func(name string, more object) object {
		e := object{"id": name, "model": "openai/gpt-5", "input_tokens": 1, "output_tokens": 1, "cost_usd": "1.5"}
		for name, value := range more {
			e[name] = value
		}
		return e
	}
	c.Must(t, 200, "POST /v1/usage", ada.Secret, object{"events": []object{event("a", nil), event("b", object{"connection_scope": "personal"})}})
	got := c.explain(t, c.owner.Secret, string(ada.ID), nil)
	if fmt.Sprint(got.At("access", "limits", "remaining")) != "map[daily_usd:0 monthly_usd:8.5]" ||
		got.At("access", "usage", "requests") != 1.0 || got.At("access", "usage", "personal_requests") != 1.0 || !strings.Contains(string(got.Raw), "personal connections") {
		t.Errorf("%s", got.Raw)
	}
}

func TestAnExplanationIsCheap(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Viewer)
	for i := range 20 {
		c.Must(t, 200, "PUT /api/organizations/"+string(c.owner.Organization)+"/members/"+string(ada.ID), c.owner.Secret, object{"alias": field.Label(fmt.Sprint("a", i))})
	}
	ctx, capacity := table.WithCapacity(t.Context())
	if got := c.CallContext(t, ctx, "GET "+c.path(string(ada.ID), nil), c.owner.Secret, nil); got.Status != 200 {
		t.Fatalf("%s", got.Raw)
	}
	if read, write := capacity.Units(); read > 25 || write != 0 {
		t.Errorf("%.1f units: %v", read, capacity.Calls())
	}
}
