package organization_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"roster/internal/account"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/rostertest"
)

func path(m membertest.Member) string { return "/api/organizations/" + string(m.Organization) }

func TestSettingsMerge(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, organization.Endpoints)
	owner := membertest.Found(t, r)
	first := r.Must(t, 200, "GET "+path(owner), owner.Secret, nil)
	etag := first.Header.Get("ETag")
	changed := r.Must(t, 200, "PUT "+path(owner), owner.Secret, map[string]any{
		"allow_join_requests": true, "auto_approve_requests": true,
		"auto_approve_domains": []string{"ACME.com", "*.acme-research.edu"},
		"time_zone":            "Europe/Berlin", "invitation_days": 30, "default_role": "viewer",
	}, "If-Match", etag)
	for name, want := range map[string]any{
		"allow_join_requests": true, "time_zone": "Europe/Berlin", "invitation_days": 30., "default_role": "viewer",
		"name": "Analytical Engines", "auto_approve_domains": []any{"acme.com", "*.acme-research.edu"},
	} {
		if got := changed.At("organization", name); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	next := changed.Header.Get("ETag")
	if next == etag || next != r.Must(t, 200, "GET "+path(owner), owner.Secret, nil).Header.Get("ETag") {
		t.Errorf("ETag %s after %s", next, etag)
	}
	r.Refused(t, 412, "version_mismatch", "PUT "+path(owner), owner.Secret, map[string]any{"name": "Late"}, "If-Match", etag)
	same := r.Must(t, 200, "PUT "+path(owner), owner.Secret, map[string]any{"time_zone": "Europe/Berlin"}, "If-Match", next)
	if got := same.Header.Get("ETag"); got != next {
		t.Errorf("a PUT that changes nothing made version %s of %s", got, next)
	}
	reset := r.Must(t, 200, "PUT "+path(owner), owner.Secret, map[string]any{
		"time_zone": nil, "invitation_days": nil, "default_role": nil, "allow_join_requests": nil, "auto_approve_domains": nil})
	for name, want := range map[string]any{
		"time_zone": "UTC", "invitation_days": 7., "default_role": "member", "allow_join_requests": false, "auto_approve_domains": []any{},
	} {
		if got := reset.At("organization", name); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("null: %s is %v, want %v", name, got, want)
		}
	}
}

func TestSettingsThatAreRefused(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, organization.Endpoints)
	owner := membertest.Found(t, r)
	for _, c := range []struct {
		name, pointer string
		value         any
		status        int
	}{
		{"name", "/name", "", 422},
		{"name", "/name", nil, 422},
		{"time_zone", "/time_zone", "Berlin", 422},
		{"default_role", "/default_role", "owner", 422},
		{"default_role", "/default_role", "gateway", 422},
		{"default_role", "/default_role", "emperor", 422},
		{"invitation_days", "/invitation_days", 0, 422},
		{"invitation_days", "/invitation_days", 31, 422},
		{"invitation_days", "/invitation_days", "7", 400},
		{"auto_approve_domains", "/auto_approve_domains/1", []string{"acme.com", "gmail.com"}, 422},
		{"auto_approve_domains", "/auto_approve_domains/0", []string{"*.co.uk"}, 422},
		{"auto_approve_domains", "/auto_approve_domains/0", []string{"acme"}, 422},
		{"guidelines_url", "/guidelines_url", "javascript:alert(1)", 422},
		{"owners", "/owners", 3, 400},
		{"status", "/status", "active", 400},
	} {
		answer := r.Must(t, c.status, "PUT "+path(owner), owner.Secret, map[string]any{c.name: c.value})
		faults, _ := answer.At("errors").([]any)
		if len(faults) != 1 || faults[0].(map[string]any)["pointer"] != c.pointer {
			t.Errorf("%s: %v: %s, want a fault at %s", c.name, c.value, answer.Raw, c.pointer)
		}
	}
	plain := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	r.Refused(t, 403, "permission_denied", "PUT "+path(owner), plain.Secret, map[string]any{"name": "Mine"})
	r.Must(t, 200, "GET "+path(owner), plain.Secret, nil)
}

// TestSettingsAndOwnersChangeAtOnce: settings are saved while owners come and
// go, and neither loses the other.
func TestSettingsAndOwnersChangeAtOnce(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, organization.Endpoints, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	change := func(request string, body map[string]any) {
		if answer := r.Call(t, request, owner.Secret, body); answer.Status != 200 {
			t.Errorf("%s: %s", request, answer.Raw)
		}
	}
	const promoted = 8
	var all sync.WaitGroup
	for i := range promoted {
		m := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
		all.Go(func() {
			change("PUT "+path(owner)+"/members/"+string(m.ID), map[string]any{"role": "owner"})
		})
		all.Go(func() {
			change("PUT "+path(owner), map[string]any{"invitation_days": i + 10})
		})
	}
	all.Wait()
	o, err := organization.Get(t.Context(), r.Table, owner.Organization)
	if err != nil || o.Owners != promoted+1 || o.Version != promoted+1 {
		t.Errorf("%d owners, version %d (%v), want %d of both", o.Owners, o.Version, err, promoted+1)
	}
}

func TestPlatformAdministratorsListAndStopOrganizations(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints, organization.Endpoints)
	platform := r.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "root@example.com", "password": "newpassword123", "name": "Root", "setup_token": rostertest.SetupToken}).String("access_token")
	var all []string
	var owner membertest.Member
	for range 5 {
		owner = membertest.Found(t, r)
		all = append(all, string(owner.Organization))
	}
	var listed []string
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		answer := r.Must(t, 200, "GET /api/organizations?limit=2&cursor="+cursor, platform, nil)
		for _, row := range answer.At("organizations").([]any) {
			listed = append(listed, row.(map[string]any)["id"].(string))
		}
		cursor = answer.String("next_cursor")
	}
	slices.Sort(all)
	if !slices.Equal(listed, all) {
		t.Errorf("listed %v, want %v", listed, all)
	}

	stopped := r.Must(t, 200, "POST "+path(owner)+"/suspend", platform, map[string]any{"reason": "Unpaid"})
	if stopped.String("organization", "status") != "suspended" || stopped.String("organization", "suspension_reason") != "Unpaid" {
		t.Errorf("%s", stopped.Raw)
	}
	r.Refused(t, 403, "organization_suspended", "GET "+path(owner), owner.Secret, nil)
	if repeat := r.Must(t, 200, "POST "+path(owner)+"/suspend", platform, nil); repeat.Header.Get("ETag") != stopped.Header.Get("ETag") {
		t.Errorf("a repeat changed something: %s", repeat.Raw)
	}
	r.Must(t, 200, "POST "+path(owner)+"/unsuspend", platform, nil)
	r.Must(t, 200, "GET "+path(owner), owner.Secret, nil)

	r.Refused(t, 404, "organization_not_found", "POST /api/organizations/org_01M81B5H80ZDHMNGSGKA2VCSE8/suspend", platform, nil)
	plain := r.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "ada@example.com", "password": "newpassword123", "name": "Ada", "organization": "Engines"}).String("access_token")
	for _, request := range []string{"GET /api/organizations", "POST " + path(owner) + "/suspend"} {
		r.Refused(t, 403, "platform_administrator_required", request, plain, nil)
	}
}
