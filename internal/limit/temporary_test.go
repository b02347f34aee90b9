package limit_test

import (
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/limit"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/usage"
)

// TestALimitForATimeEndsByItself: what was reserved by it stays, and is committed.
func TestALimitForATimeEndsByItself(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, limit.Endpoints, member.Endpoints, usage.AuthorizeEndpoints, usage.MeterEndpoints)
	c := company{r, membertest.Found(t, r)}
	ada := c.add(t, permission.Member)
	set, get := "PUT "+c.path(), "GET "+c.path()+"?user_id="+string(ada.ID)
	c.Must(t, 200, set, c.owner.Secret, object{"user_id": ada.ID, "monthly_limit": 10, "daily_limit": 8})
	until := c.Now().Add(2 * time.Hour)
	raise := object{"user_id": ada.ID, "monthly_limit": 50, "daily_limit": nil, "until": until}
	raised := c.Must(t, 200, set, c.owner.Secret, raise)
	shown := c.Must(t, 200, get, ada.Secret, nil)
	for _, got := range []rostertest.Response{raised, shown, c.Must(t, 200, set, c.owner.Secret, raise)} {
		if got.At("limits", "monthly_limit") != 50. || got.At("limits", "daily_limit") != nil || got.String("limits", "until") != "2026-11-22T12:00:00Z" ||
			got.At("limits", "then", "monthly_limit") != 10. || got.At("limits", "then", "daily_limit") != 8. || got.String("limits", "set_by") != string(c.owner.ID) {
			t.Errorf("%s", got.Raw)
		}
	}
	c.Advance(2*time.Hour - time.Second)
	held := c.Must(t, 200, "POST /v1/reservations", ada.Secret, object{"estimated_cost_usd": 30})
	if held.At("remaining", "monthly_usd") != 20. {
		t.Errorf("%s", held.Raw)
	}
	c.Advance(time.Second)
	shown = c.Must(t, 200, get, ada.Secret, nil)
	if shown.At("limits", "monthly_limit") != 10. || shown.At("limits", "daily_limit") != 8. || shown.At("limits", "until") != nil || shown.At("limits", "then") != nil {
		t.Errorf("when it is over: %s", shown.Raw)
	}
	row := c.Must(t, 200, "GET /api/organizations/"+string(c.owner.Organization)+"/members/"+string(ada.ID), c.owner.Secret, nil)
	if row.At("member", "monthly_limit") != 10. {
		t.Errorf("%s", row.Raw)
	}
	c.Refused(t, 429, "limit_reached", "POST /v1/reservations", ada.Secret, object{"estimated_cost_usd": 1})
	c.Must(t, 200, "POST /v1/reservations/"+held.String("reservation", "id")+"/commit", ada.Secret, object{"cost_usd": 5})
	c.Must(t, 200, "POST /v1/reservations", ada.Secret, object{"estimated_cost_usd": 3})
	c.Refused(t, 429, "limit_reached", "POST /v1/reservations", ada.Secret, object{"estimated_cost_usd": "0.01"})
}

func TestALastingLimitEndsOneForATime(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	set := "PUT " + c.path()
	c.Must(t, 200, set, c.owner.Secret, object{"user_id": ada.ID, "daily_limit": 2, "until": "2026-11-22"})
	got := c.Must(t, 200, set, c.owner.Secret, object{"user_id": ada.ID, "monthly_limit": 5, "until": "2026-11-23"}) // merges
	if got.At("limits", "daily_limit") != 2. || got.At("limits", "monthly_limit") != 5. || got.String("limits", "until") != "2026-11-24T00:00:00Z" ||
		got.At("limits", "then", "monthly_limit") != 30. || got.String("limits", "origin", "monthly_limit") != "member" {
		t.Errorf("%s", got.Raw)
	}
	got = c.Must(t, 200, set, c.owner.Secret, object{"user_id": ada.ID, "monthly_limit": "inherit"})
	if got.At("limits", "monthly_limit") != 30. || got.At("limits", "daily_limit") != nil || got.At("limits", "until") != nil {
		t.Errorf("%s", got.Raw)
	}
}

func TestWhatALimitForATimeTakes(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, admin := c.add(t, permission.Member), c.add(t, permission.Admin)
	set := "PUT " + c.path()
	past, soon := c.Now().Add(-time.Second), c.Now().Add(time.Hour)
	for _, body := range []object{
		{"user_id": ada.ID, "monthly_limit": 5, "until": past},
		{"user_id": ada.ID, "monthly_limit": 5, "until": "2999-01-01"},
		{"user_id": ada.ID, "monthly_limit": 5, "until": "soon"},
		{"key_id": keyOf(ada), "monthly_limit": 5, "until": soon},
		{"monthly_limit": 5, "until": soon},
	} {
		refused := c.Must(t, 422, set, c.owner.Secret, body)
		if refused.At("errors").([]any)[0].(object)["pointer"] != "/until" {
			t.Errorf("%v: %s", body, refused.Raw)
		}
	}
	c.Refused(t, 403, "own_limit", set, admin.Secret, object{"user_id": admin.ID, "monthly_limit": 31, "until": soon})
	c.Must(t, 200, set, admin.Secret, object{"user_id": admin.ID, "monthly_limit": 29, "until": soon})
	c.Refused(t, 403, "own_limit", set, admin.Secret, object{"user_id": admin.ID, "monthly_limit": "inherit"}) // which would end it
	c.Must(t, 200, set, c.owner.Secret, object{"user_id": admin.ID, "monthly_limit": 100, "until": soon})
	c.Refused(t, 403, "own_limit", set, admin.Secret, object{"user_id": admin.ID, "monthly_limit": 50}) // which would last
	c.Must(t, 200, set, admin.Secret, object{"user_id": admin.ID, "monthly_limit": 20})
	membertest.Change(t, c.Roster, c.owner.Organization, ada.ID, func(m *member.Member) { m.Status = access.Removed })
	c.Refused(t, 409, "wrong_status", set, c.owner.Secret, object{"user_id": ada.ID, "monthly_limit": 1, "until": soon})
}
