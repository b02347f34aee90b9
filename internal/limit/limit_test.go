package limit_test

import (
	"fmt"
	"testing"

	"roster/internal/access"
	"roster/internal/apikey"
	"roster/internal/id"
	"roster/internal/limit"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
)

type object = map[string]any

// company is an organization whose members have a default limit.
type company struct {
	*rostertest.Roster
	owner membertest.Member
}

func newCompany(t *testing.T) company {
	t.Helper()
	r := rostertest.New(t, limit.Endpoints, member.Endpoints, apikey.Endpoints)
	c := company{r, membertest.Found(t, r)}
	c.Set(t, table.Organization(c.owner.Organization), "default_monthly_limit", 30_000_000_000)
	return c
}

func (c company) add(t *testing.T, role string) membertest.Member {
	t.Helper()
	return membertest.Add(t, c.Roster, member.Member{Organization: c.owner.Organization, Role: role})
}

func (c company) path() string {
	return "/api/organizations/" + string(c.owner.Organization) + "/spending-limits"
}

func keyOf(m membertest.Member) id.Key {
	for key := range m.Keys {
		return key
	}
	return ""
}

func TestLimitsAreChangedAndShownWithTheirOrigin(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	for _, step := range []struct {
		patch                         object
		monthly, daily                any
		monthlyOrigin, preset, choice string
	}{
		{object{"monthly_limit": 200.00, "daily_limit": 25.00}, 200., 25., "member", "", "both figures"},
		{object{"daily_limit": nil}, 200., nil, "member", "", "unlimited"},
		{object{"monthly_limit": "inherit"}, 30., nil, "organization", "", "the default"},
		{object{"preset": "power_user"}, 500., 50., "member", "power_user", "a preset"},
		{object{"daily_limit": "7.5"}, 500., 7.5, "member", "", "a figure besides a preset"},
		{object{"preset": "bot", "monthly_limit": 1, "daily_limit": 0}, 1., 0., "member", "bot", "a bot's figures"},
		{object{"preset": nil}, 30., nil, "organization", "", "nothing"},
	} {
		body := object{"user_id": ada.ID}
		for name, value := range step.patch {
			body[name] = value
		}
		got := c.Must(t, 200, "PUT "+c.path(), c.owner.Secret, body)
		if got.At("limits", "monthly_limit") != step.monthly || got.At("limits", "daily_limit") != step.daily ||
			got.String("limits", "origin", "monthly_limit") != step.monthlyOrigin || got.String("limits", "preset") != step.preset ||
			got.String("limits", "set_by") != string(c.owner.ID) {
			t.Errorf("%s: %s", step.choice, got.Raw)
		}
		shown := c.Must(t, 200, "GET "+c.path()+"?user_id="+string(ada.ID), ada.Secret, nil)
		if fmt.Sprint(shown.At("limits")) != fmt.Sprint(got.At("limits")) {
			t.Errorf("%s: shown %s", step.choice, shown.Raw)
		}
		row := c.Must(t, 200, "GET /api/organizations/"+string(c.owner.Organization)+"/members/"+string(ada.ID), c.owner.Secret, nil)
		if row.At("member", "monthly_limit") != step.monthly || row.At("member", "daily_limit") != step.daily {
			t.Errorf("%s: %s", step.choice, row.Raw)
		}
	}
}

func TestTheSameLimitsAgainChangeNothing(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	for _, body := range []object{{"user_id": ada.ID, "monthly_limit": 5}, {"key_id": keyOf(ada), "monthly_limit": 5}} {
		c.Must(t, 200, "PUT "+c.path(), c.owner.Secret, body)
		ctx, capacity := table.WithCapacity(t.Context())
		if got := c.CallContext(t, ctx, "PUT "+c.path(), c.owner.Secret, body); got.Status != 200 {
			t.Errorf("%s", got.Raw)
		}
		if _, write := capacity.Units(); write != 0 {
			t.Errorf("%v: %v", body, capacity.Calls())
		}
	}
}

func TestWhoChangesWhoseLimits(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, eve, admin := c.add(t, permission.Member), c.add(t, permission.Member), c.add(t, permission.Admin)
	set := "PUT " + c.path()
	raise, lower := object{"user_id": admin.ID, "monthly_limit": 31}, object{"user_id": admin.ID, "monthly_limit": 29}
	c.Refused(t, 403, "own_limit", set, admin.Secret, raise)
	c.Must(t, 200, set, admin.Secret, lower)
	c.Refused(t, 403, "own_limit", set, admin.Secret, object{"user_id": admin.ID, "monthly_limit": "inherit"})
	c.Must(t, 200, set, c.owner.Secret, raise)
	c.Must(t, 200, set, c.owner.Secret, object{"user_id": c.owner.ID, "monthly_limit": nil})
	c.Must(t, 200, set, admin.Secret, object{"user_id": ada.ID, "monthly_limit": 1000})
	c.Refused(t, 403, "outranked", set, admin.Secret, object{"user_id": c.owner.ID, "monthly_limit": 1})
	c.Refused(t, 403, "permission_denied", set, ada.Secret, object{"user_id": eve.ID, "monthly_limit": 1})
	c.Refused(t, 403, "permission_denied", set, ada.Secret, object{"user_id": ada.ID, "monthly_limit": 1})
	c.Refused(t, 403, "permission_denied", "GET "+c.path()+"?user_id="+string(eve.ID), ada.Secret, nil)
	c.Refused(t, 403, "permission_denied", "GET "+c.path()+"?key_id="+string(keyOf(eve)), ada.Secret, nil)
	c.Must(t, 200, "GET "+c.path()+"?user_id="+string(eve.ID), admin.Secret, nil)
	// A member limits their own keys; what somebody else set they only lower.
	own := keyOf(ada)
	c.Must(t, 200, set, ada.Secret, object{"key_id": own, "daily_limit": 5})
	c.Must(t, 200, set, ada.Secret, object{"key_id": own, "daily_limit": 6})
	c.Must(t, 200, set, admin.Secret, object{"key_id": own, "daily_limit": 3})
	c.Refused(t, 403, "own_limit", set, ada.Secret, object{"key_id": own, "daily_limit": nil})
	c.Must(t, 200, set, ada.Secret, object{"key_id": own, "monthly_limit": 3})
	c.Refused(t, 403, "permission_denied", set, ada.Secret, object{"key_id": keyOf(eve), "daily_limit": 1})
	c.Must(t, 200, "GET "+c.path()+"?key_id="+string(own), ada.Secret, nil)
}

func TestLimitsThatAreNone(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	for pointer, body := range map[string]object{
		"/team_id":       {"user_id": ada.ID, "team_id": id.NewTeam(c.Now()), "monthly_limit": 1},
		"/key_id":        {"user_id": ada.ID, "key_id": keyOf(ada), "monthly_limit": 1},
		"/monthly_limit": {"user_id": ada.ID},
		"/daily_limit":   {"user_id": ada.ID, "preset": "bot", "monthly_limit": 1},
	} {
		got := c.Refused(t, 422, "invalid_input", "PUT "+c.path(), c.owner.Secret, body)
		if fields := fmt.Sprint(got.At("errors")); fields != fmt.Sprint([]any{object{"pointer": pointer, "reason": got.At("errors").([]any)[0].(object)["reason"]}}) {
			t.Errorf("%v: %s", body, got.Raw)
		}
	}
	for _, value := range []any{-1, "a lot", "Inherit", 1e12, true, []int{1}} {
		got := c.Call(t, "PUT "+c.path(), c.owner.Secret, object{"user_id": ada.ID, "monthly_limit": value})
		if got.Status != 400 && got.Status != 422 {
			t.Errorf("%v: %s", value, got.Raw)
		}
	}
	c.Refused(t, 404, "member_not_found", "PUT "+c.path(), c.owner.Secret, object{"user_id": id.NewUser(c.Now()), "monthly_limit": 1})
	c.Refused(t, 404, "key_not_found", "PUT "+c.path(), c.owner.Secret, object{"key_id": id.NewKey(c.Now(), ada.ID), "monthly_limit": 1})
	membertest.Change(t, c.Roster, c.owner.Organization, ada.ID, func(m *member.Member) { m.Status = access.Removed })
	if got := c.Call(t, "PUT "+c.path(), c.owner.Secret, object{"user_id": ada.ID, "monthly_limit": 1}); got.Status != 409 {
		t.Errorf("%s", got.Raw)
	}
}

func TestWhatTeamsAndTheOrganizationMaySpend(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	red, blue := membertest.AddTeam(t, c.Roster, c.owner.Organization), membertest.AddTeam(t, c.Roster, c.owner.Organization)
	ada, admin := c.add(t, permission.Member), c.add(t, permission.Admin)
	for _, m := range []membertest.Member{ada, admin} {
		membertest.Change(t, c.Roster, c.owner.Organization, m.ID, func(m *member.Member) { m.Teams = map[id.Team]access.TeamRole{red: access.TeamUser} })
	}
	set, ofRed, ofBlue := "PUT "+c.path(), "?team_id="+string(red), "?team_id="+string(blue)
	got := c.Must(t, 200, set, c.owner.Secret, object{"team_id": red, "preset": "power_user", "daily_limit": nil})
	if got.At("limits", "monthly_limit") != 500.0 || got.At("limits", "daily_limit") != nil || got.String("limits", "team_id") != string(red) {
		t.Errorf("%s", got.Raw)
	}
	c.Must(t, 200, set, admin.Secret, object{"team_id": blue, "monthly_limit": 9})
	c.Must(t, 200, set, admin.Secret, object{"team_id": red, "monthly_limit": 400})
	c.Refused(t, 403, "own_limit", set, admin.Secret, object{"team_id": red, "monthly_limit": 401})
	c.Refused(t, 403, "permission_denied", set, ada.Secret, object{"team_id": red, "monthly_limit": 1})
	c.Refused(t, 403, "permission_denied", set, admin.Secret, object{"monthly_limit": 1})
	c.Must(t, 200, set, c.owner.Secret, object{"monthly_limit": 1000, "daily_limit": 100})
	c.Refused(t, 404, "team_not_found", set, c.owner.Secret, object{"team_id": id.NewTeam(c.Now()), "monthly_limit": 1})
	c.Refused(t, 404, "team_not_found", "GET "+c.path()+"?team_id="+string(id.NewTeam(c.Now())), c.owner.Secret, nil)
	c.Refused(t, 403, "permission_denied", "GET "+c.path(), ada.Secret, nil)
	c.Refused(t, 403, "permission_denied", "GET "+c.path()+ofBlue, ada.Secret, nil)
	for path, monthly := range map[string]float64{ofRed: 400, ofBlue: 9, "": 1000} {
		got := c.Must(t, 200, "GET "+c.path()+path, admin.Secret, nil)
		if got.At("limits", "monthly_limit") != monthly || got.At("limits", "remaining", "monthly_usd") != monthly || got.At("limits", "spend", "daily_usd") != 0.0 {
			t.Errorf("%s: %s", path, got.Raw)
		}
	}
	c.Must(t, 200, "GET "+c.path()+ofRed, ada.Secret, nil)
	c.Must(t, 200, set, c.owner.Secret, object{"monthly_limit": nil, "daily_limit": "inherit"})
	if got := c.Must(t, 200, "GET "+c.path(), admin.Secret, nil); got.At("limits", "monthly_limit") != nil || got.At("limits", "spend") != nil {
		t.Errorf("%s", got.Raw)
	}
}

func TestRatesAreChangedAndInherited(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, admin := c.add(t, permission.Member), c.add(t, permission.Admin)
	c.Set(t, table.Organization(c.owner.Organization), "default_requests_per_minute", 60)
	set := "PUT " + c.path()
	for _, step := range []struct {
		patch                      object
		requests, tokens, inFlight any
	}{
		{object{"tokens_per_minute": 5000}, 60., 5000., nil},
		{object{"preset": "developer", "max_in_flight": 4}, 60., 5000., 4.},
		{object{"requests_per_minute": nil}, nil, 5000., 4.},
		{object{"requests_per_minute": 0, "tokens_per_minute": "inherit"}, 0., nil, 4.},
		{object{"requests_per_minute": "inherit"}, 60., nil, 4.},
	} {
		step.patch["user_id"] = ada.ID
		got := c.Must(t, 200, set, c.owner.Secret, step.patch)
		if got.At("limits", "requests_per_minute") != step.requests || got.At("limits", "tokens_per_minute") != step.tokens || got.At("limits", "max_in_flight") != step.inFlight {
			t.Errorf("%v: %s", step.patch, got.Raw)
		}
	}
	if got := c.Must(t, 200, "GET "+c.path()+"?user_id="+string(ada.ID), c.owner.Secret, nil); got.String("limits", "preset") != "developer" || got.At("limits", "daily_limit") != 25.0 {
		t.Errorf("a rate took the place of a preset: %s", got.Raw)
	}
	c.Refused(t, 403, "own_limit", set, admin.Secret, object{"user_id": admin.ID, "requests_per_minute": 61})
	c.Must(t, 200, set, admin.Secret, object{"user_id": admin.ID, "requests_per_minute": 59})
	for _, value := range []any{-1, 1.5, "a lot", 1e12, true} {
		if got := c.Call(t, set, c.owner.Secret, object{"user_id": ada.ID, "max_in_flight": value}); got.Status != 400 && got.Status != 422 {
			t.Errorf("%v: %s", value, got.Raw)
		}
	}
	c.Refused(t, 422, "invalid_input", set, c.owner.Secret, object{"requests_per_minute": 5})
}
