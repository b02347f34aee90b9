package usage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/route"
	"roster/internal/table"
	"roster/internal/usage"
)

func TestReportHasTheAgreedShape(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.change(t, ada.ID, func(m *member.Member) { m.Email, m.Name = "ada@example.com", "Ada" })
	c.report(t, ada.Secret,
		event("1", "45.50", object{"input_tokens": 500000, "output_tokens": 150000}),
		event("2", "45.5", object{"model": "claude-3.5-sonnet", "provider": "anthropic"}),
		event("3", "0.1", object{"model": "local"}))
	want := fmt.Sprintf(`{"success":true,"usage":{"period":{"start_date":"2026-11-01","end_date":"2026-11-30"},`+
		`"by_member":[{"user_id":%q,"email":"ada@example.com","name":"Ada","role":"member","status":"active",`+
		`"requests":3,"input_tokens":502000,"output_tokens":150400,"cost_usd":91.1,`+
		`"top_models":["anthropic/claude-3.5-sonnet","openai/gpt-4o","local"]}],`+
		`"totals":{"members":1,"requests":3,"input_tokens":502000,"output_tokens":150400,"cost_usd":91.1},`+
		`"excluded":{"personal":{"requests":0},"test":{"requests":0}},"as_of":"2026-11-22T10:00:00Z"}}`, ada.ID)
	for _, query := range []string{"", "group_by=user", "user_id=" + string(ada.ID), "group_by=user&sort=cost&limit=10"} {
		if got := c.usage(t, query); string(got.Raw) != want {
			t.Errorf("%s\n got %s\nwant %s", query, got.Raw, want)
		}
	}
}

func TestReportOfPeriods(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.setOrganization(t, "time_zone", "Europe/Berlin") // clocks went back on the 25th of October
	ada, eve := c.add(t, permission.Member), c.add(t, permission.Member)
	names := map[id.User]string{ada.ID: "ada", eve.ID: "eve"}
	c.report(t, c.gateway.Secret,
		event("1", "1", of(ada.ID), at("2026-10-24T21:59:59Z")),       // the 24th
		event("2", "2", of(ada.ID), at("2026-10-24T22:00:00Z")),       // the 25th, 25 hours long
		event("3", "4", of(ada.ID), at("2026-10-25T22:59:59Z")),       // the 25th
		event("4", "8", of(ada.ID), at("2026-10-25T23:00:00Z")),       // the 26th
		event("5", "16", of(ada.ID), at("2026-10-31T22:59:59+00:00")), // the last of October
		event("6", "32", of(ada.ID), at("2026-11-01T00:00:00+01:00")), // the first of November
		event("7", "64", of(eve.ID), at("2026-11-22T10:04:00Z")))
	for query, want := range map[string][]string{
		"":                      {"eve 64", "ada 32"},
		"start_date=2026-11-01": {"eve 64", "ada 32"},
		"end_date=2026-10-31":   {"ada 31"},
		"start_date=2026-10-01": {"eve 64", "ada 63"},
		"start_date=2025-11-01": {"eve 64", "ada 63"},
		"end_date=2026-11-21":   {"ada 32"},
		"user_id=" + string(eve.ID) + "&end_date=2026-11-21":      {"eve 0"},
		"start_date=2026-10-25&end_date=2026-10-25":               {"ada 6"},
		"start_date=2026-10-25&end_date=2026-11-01":               {"ada 62"},
		"start_date=2026-10-24&end_date=2026-10-24":               {"ada 1"},
		"start_date=2026-10-26&end_date=2026-10-30":               {"ada 8"},
		"start_date=2026-11-02&end_date=2026-11-20":               nil,
		"start_date=2026-10-31&end_date=2026-11-30&sort=cost":     {"eve 64", "ada 48"},
		"start_date=2026-10-01&end_date=2026-11-30&sort=requests": {"ada 63", "eve 64"},
		"start_date=2026-10-01&sort=input_tokens&limit=1":         {"ada 63"},
		"start_date=2026-10-01&sort=output_tokens&limit=2":        {"ada 63", "eve 64"},
	} {
		var got []string
		for _, row := range c.rows(t, query, names) {
			fields := strings.Fields(row)
			got = append(got, fields[0]+" "+fields[4])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	if limited := c.usage(t, "start_date=2026-10-01&limit=1"); limited.At("usage", "totals", "cost_usd") != 127.0 {
		t.Errorf("totals of all: %s", limited.Raw)
	}
}

func TestReportParameters(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	for _, query := range []string{
		"group_by=metadata", "group_by=", "sort=age", "limit=0", "limit=1001", "limit=ten", "start_date=2026-02-30", "end_date=11/22/2026",
		"start_date=2026-11-23&end_date=2026-11-22", "start_date=2025-10-26", "start_date=2026-12-01", "start_date=0001-01-01", "end_date=0001-01-01", "user_id=ada", "month=2026-11",
	} {
		got := c.Refused(t, 422, "invalid_input", c.usagePath(query), c.owner.Secret, nil)
		named, _, _ := strings.Cut(query, "=")
		if !strings.Contains(string(got.Raw), fmt.Sprintf(`"parameter":%q`, named)) {
			t.Errorf("%s: %s", query, got.Raw)
		}
	}
	c.Refused(t, 404, "member_not_found", c.usagePath("user_id=usr_00000000000000000000000000"), c.owner.Secret, nil)
	foreign := newCompany(t)
	c.Refused(t, 404, "organization_not_found", foreign.usagePath(""), c.owner.Secret, nil)
	c.Refused(t, 404, "member_not_found", c.usagePath("user_id="+string(foreign.owner.ID)), c.owner.Secret, nil)
}

func TestMembersReadTheirOwnUsage(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, eve := c.add(t, permission.Member), c.add(t, permission.Viewer)
	names := map[id.User]string{ada.ID: "ada", eve.ID: "eve"}
	c.report(t, ada.Secret, event("1", "1"))
	for query, want := range map[string]string{"": "ada 1 1000 200 1 [openai/gpt-4o]", "group_by=user&user_id=" + string(ada.ID): "ada 1 1000 200 1 [openai/gpt-4o]"} {
		if got := rows(c.Must(t, 200, c.usagePath(query), ada.Secret, nil), names); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q", query, got)
		}
	}
	if got := rows(c.Must(t, 200, c.usagePath(""), eve.Secret, nil), names); !slices.Equal(got, []string{"eve 0 0 0 0 []"}) {
		t.Errorf("without usage: %q", got)
	}
	c.Refused(t, 403, "permission_denied", c.usagePath("user_id="+string(ada.ID)), eve.Secret, nil)
	c.Refused(t, 403, "permission_denied", c.usagePath(""), c.gateway.Secret, nil)
}

func TestReportCostsAsMuchAsItsMembers(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	team := c.team(t, 40)
	c.report(t, c.gateway.Secret, batchOf(10, "ten of them", team)...)
	ctx, capacity := table.WithCapacity(t.Context())
	if got := c.CallContext(t, ctx, c.usagePath(""), c.owner.Secret, nil); got.At("usage", "totals", "members") != 10.0 {
		t.Fatalf("%s", got.Raw)
	}
	if read, _ := capacity.Units(); read > 2+1+10*2 {
		t.Errorf("%v units for 10 members with usage: %v", read, capacity.Calls())
	}
}

// TestAReportThatTakesTooLongIsRefused before its months are read.
func TestAReportThatTakesTooLongIsRefused(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, usage.MeterEndpoints, func(e *env.Env) []api.Endpoint {
		return []api.Endpoint{api.Handle(route.UsageReport, access.Member(e), usage.Reports{Env: e, Most: 2}.Usage)}
	})
	owner := membertest.Found(t, r)
	path := "GET /api/organizations/" + string(owner.Organization) + "/usage"
	for n := range 3 {
		m := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
		r.Must(t, 200, "POST /v1/usage", owner.Secret, object{"events": []object{event(fmt.Sprint(n), "1", of(m.ID))}})
		if n == 1 {
			r.Must(t, 200, path, owner.Secret, nil)
		}
	}
	r.Refused(t, 422, "report_too_large", path, owner.Secret, nil)
	r.Must(t, 200, path+"?user_id="+string(owner.ID), owner.Secret, nil)
	r.Must(t, 200, path+"?start_date=2026-10-01&end_date=2026-10-31", owner.Secret, nil)
}
