package organization_test

import (
	"fmt"
	"testing"

	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/spending"
)

func TestDefaultLimitsAndThresholdsMerge(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, organization.Endpoints)
	owner := membertest.Found(t, r)
	for _, step := range []struct {
		body, want map[string]any
	}{
		{map[string]any{}, map[string]any{"default_monthly_limit": nil, "default_daily_limit": nil, "alert_thresholds": []any{80., 90., 100.}}},
		{map[string]any{"default_monthly_limit": 100, "default_daily_limit": "7.50", "alert_thresholds": []int{100, 70, 80, 90, 70}},
			map[string]any{"default_monthly_limit": 100., "default_daily_limit": 7.5, "alert_thresholds": []any{70., 80., 90., 100.}}},
		{map[string]any{"default_daily_limit": 0}, map[string]any{"default_monthly_limit": 100., "default_daily_limit": 0.}},
		{map[string]any{"default_monthly_limit": nil, "alert_thresholds": []int{}},
			map[string]any{"default_monthly_limit": nil, "default_daily_limit": 0., "alert_thresholds": []any{}}},
		{map[string]any{"alert_thresholds": nil}, map[string]any{"alert_thresholds": []any{80., 90., 100.}}},
	} {
		r.Must(t, 200, "PUT "+path(owner), owner.Secret, step.body)
		got := r.Must(t, 200, "GET "+path(owner), owner.Secret, nil)
		for name, want := range step.want {
			if is := got.At("organization", name); fmt.Sprint(is) != fmt.Sprint(want) {
				t.Errorf("after %v, %s is %v, want %v", step.body, name, is, want)
			}
		}
	}
	for name, wrong := range map[string][]any{
		"default_monthly_limit": {-1, "a lot", 1e12, true},
		"default_daily_limit":   {-0.01, []int{1}},
		"alert_thresholds":      {80, []int{0}, []int{101}, []float64{80.5}, []string{"80"}, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
	} {
		for _, value := range wrong {
			if got := r.Call(t, "PUT "+path(owner), owner.Secret, map[string]any{name: value}); got.Status != 400 && got.Status != 422 {
				t.Errorf("%s: %v is taken: %s", name, value, got.Raw)
			}
		}
	}
}

func TestAMemberIsShownWhatBindsThem(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, organization.Endpoints, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	plain := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	offered := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member,
		Offer: &member.Offer{MonthlyLimit: new(spending.Unlimited)}})
	r.Must(t, 200, "PUT "+path(owner), owner.Secret, map[string]any{"default_monthly_limit": 50, "default_daily_limit": 5})
	for _, tt := range []struct {
		who  membertest.Member
		want string
	}{
		{plain, "map[daily_limit:5 monthly_limit:50 origin:map[daily_limit:organization monthly_limit:organization]]"},
		{offered, "map[daily_limit:5 monthly_limit:<nil> origin:map[daily_limit:organization monthly_limit:member]]"},
	} {
		got := r.Must(t, 200, "GET "+path(owner)+"/members/"+string(tt.who.ID), tt.who.Secret, nil)
		if is := fmt.Sprint(got.At("member", "limits")); is != tt.want {
			t.Errorf("limits are %s, want %s", is, tt.want)
		}
	}
}

func TestNobodyRaisesTheirOwnLimitByTheDefault(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, organization.Endpoints)
	owner := membertest.Found(t, r)
	bound := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Admin})
	own := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Admin,
		Offer: &member.Offer{Preset: "power_user"}})
	r.Must(t, 200, "PUT "+path(owner), owner.Secret, map[string]any{"default_monthly_limit": 50})
	r.Refused(t, 403, "own_limit", "PUT "+path(owner), bound.Secret, map[string]any{"default_monthly_limit": 51})
	r.Refused(t, 403, "own_limit", "PUT "+path(owner), bound.Secret, map[string]any{"default_monthly_limit": nil})
	r.Must(t, 200, "PUT "+path(owner), bound.Secret, map[string]any{"default_monthly_limit": 40, "default_daily_limit": 4})
	r.Must(t, 200, "PUT "+path(owner), own.Secret, map[string]any{"default_monthly_limit": 60})
	r.Must(t, 200, "PUT "+path(owner), owner.Secret, map[string]any{"default_monthly_limit": nil})
}
