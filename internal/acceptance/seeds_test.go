package acceptance_test

import (
	"strings"
	"testing"

	"roster/internal/rostertest"
)

// The calls of the documents that Roster was made from, as they stand there but
// for hosts, ids, credentials and addresses.

// LangMart, "Member Management for Inference Providers".
func TestLangMartsCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(t, "owner@acme.com", "Acme")
	org := "/api/organizations/" + string(owner.organization)

	invited := w.Must(t, 201, "POST "+org+"/members/invite", owner.key, `{
"email": "new@elsewhere.example",
"role": "member",
"message": "Welcome to our AI services platform!"
}`)
	if invited.String("invitation", "status") != "pending" {
		t.Errorf("invited: %s", invited.Raw)
	}

	bulkInvited := w.Must(t, 200, "POST "+org+"/members/invite/bulk", owner.key, `{
"invitations": [
{"email": "one@elsewhere.example", "role": "member"},
{"email": "two@elsewhere.example", "role": "member"},
{"email": "three@elsewhere.example", "role": "admin"}
]
}`)
	if n := strings.Count(string(bulkInvited.Raw), `"status":"done"`); n != 3 {
		t.Errorf("bulk invitation: %s", bulkInvited.Raw)
	}

	w.Must(t, 200, "PUT "+org, owner.key, `{
"allow_join_requests": true,
"auto_approve_requests": false
}`)
	asking := w.owner(t, "asks@elsewhere.example", "")
	w.Must(t, 201, "POST "+org+"/join-requests", asking.token, nil)
	other := w.owner(t, "other@elsewhere.example", "")
	w.Must(t, 201, "POST "+org+"/join-requests", other.token, nil)
	listed := w.Must(t, 200, "GET /api/admin/organization/join-requests", owner.key, nil)
	requests := listed.At("join_requests").([]any)
	if len(requests) != 2 {
		t.Fatalf("join requests: %s", listed.Raw)
	}
	approved := requests[0].(map[string]any)
	rejected := requests[1].(map[string]any)
	w.Must(t, 200, "POST /api/admin/organization/join-requests/"+approved["id"].(string)+"/approve", owner.key, nil)
	w.Must(t, 200, "POST /api/admin/organization/join-requests/"+rejected["id"].(string)+"/reject", owner.key,
		`{"reason": "Not affiliated with organization"}`)
	if m := w.LastMail(t, rejected["email"].(string)); !strings.Contains(m.Data.Reason, "Not affiliated with organization") {
		t.Errorf("the rejected person hears %+v", m.Data)
	}

	w.Must(t, 200, "PUT "+org, owner.key, `{
"allow_join_requests": true,
"auto_approve_requests": true,
"auto_approve_domains": ["acme.com", "acme-research.edu"]
}`)
	colleague := w.owner(t, "colleague@acme-research.edu", "")
	if in := w.Must(t, 201, "POST "+org+"/join-requests", colleague.token, nil); in.String("join_request", "status") != "approved" {
		t.Errorf("a colleague's request: %s", in.Raw)
	}
	stranger := w.owner(t, "stranger@notacme.com", "")
	if in := w.Must(t, 201, "POST "+org+"/join-requests", stranger.token, nil); in.String("join_request", "status") != "pending" {
		t.Errorf("a stranger's request: %s", in.Raw)
	}

	member := org + "/members/" + string(colleague.user)
	if got := w.Must(t, 200, "PUT "+member, owner.key, `{
"role": "admin"
}`); got.String("member", "role") != "admin" {
		t.Errorf("role: %s", got.Raw)
	}
	tagged := w.Must(t, 200, "PUT "+member, owner.key, `{
"metadata": {
"department": "Engineering",
"team": "Backend",
"cost_center": "ENG-001",
"manager": "boss@acme.com"
}
}`)
	if tagged.String("member", "metadata", "cost_center") != "ENG-001" || tagged.String("member", "role") != "admin" {
		t.Errorf("metadata: %s", tagged.Raw)
	}

	colleague.key = w.newKey(t, owner.key, owner.organization, colleague.user)
	w.Must(t, 200, "POST /v1/usage", colleague.key, `{"events":[{"id":"e1","model":"gpt-4o","provider":"openai","input_tokens":500000,"output_tokens":150000,"cost_usd":45.50}]}`)
	byUser := w.Must(t, 200, "GET "+org+"/usage?group_by=user", owner.key, nil)
	checkUsage(t, byUser, colleague)
	checkUsage(t, w.Must(t, 200, "GET "+org+"/usage?user_id="+string(colleague.user), owner.key, nil), colleague)
	checkUsage(t, w.Must(t, 200, "GET "+org+"/usage?group_by=user&sort=cost&limit=10", owner.key, nil), colleague)
	for _, file := range []string{
		"members?format=csv", "usage?format=csv&start_date=2024-01-01&end_date=2024-01-31&group_by=user", "cost-allocation?format=csv&group_by=department",
	} {
		if got := w.Call(t, "GET "+org+"/export/"+file, owner.key, nil); got.Status != 200 || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/csv") {
			t.Errorf("%s: %d %s", file, got.Status, got.Raw)
		}
	}

	suspended := w.Must(t, 200, "PUT "+member, owner.key, `{
"status": "suspended",
"suspension_reason": "Unusual usage patterns"
}`)
	if suspended.String("member", "status") != "suspended" || suspended.String("member", "suspension", "reason") != "Unusual usage patterns" {
		t.Errorf("suspended: %s", suspended.Raw)
	}
	w.Refused(t, 403, "member_suspended", "POST /v1/authorize", colleague.key, nil)
	w.Must(t, 200, "PUT "+member, owner.key, `{
"status": "active"
}`)
	w.Must(t, 200, "POST /v1/authorize", colleague.key, nil)
	w.Must(t, 200, "DELETE "+member, owner.key, nil)
	w.Refused(t, 401, "invalid_key", "POST /v1/authorize", colleague.key, nil)
	checkUsage(t, w.Must(t, 200, "GET "+org+"/usage?group_by=user", owner.key, nil), colleague)

	first := w.place(t, owner.organization, "first@acme.com", "member", "active")
	second := w.place(t, owner.organization, "second@acme.com", "member", "active")
	third := w.place(t, owner.organization, "third@acme.com", "member", "active")
	bulk := w.Must(t, 200, "DELETE "+org+"/members/bulk", owner.key, `{
"user_ids": ["`+string(first.user)+`", "`+string(second.user)+`", "`+string(third.user)+`"]
}`)
	if removed := strings.Count(string(bulk.Raw), `"status":"done"`); removed != 3 {
		t.Errorf("bulk removal: %s", bulk.Raw)
	}
	w.Refused(t, 401, "invalid_key", "POST /v1/authorize", second.key, nil)
}

// checkUsage compares a report with the document's "Usage Report Response".
func checkUsage(t *testing.T, report rostertest.Response, p person) {
	t.Helper()
	if report.At("success") != true || report.String("usage", "period", "start_date") != "2026-11-01" ||
		report.String("usage", "period", "end_date") != "2026-11-30" {
		t.Errorf("report: %s", report.Raw)
	}
	rows, _ := report.At("usage", "by_member").([]any)
	if len(rows) != 1 {
		t.Fatalf("report: %s", report.Raw)
	}
	row := rows[0].(map[string]any)
	for name, want := range map[string]any{
		"user_id": string(p.user), "email": p.email, "requests": 1.0,
		"input_tokens": 500000.0, "output_tokens": 150000.0, "cost_usd": 45.5,
	} {
		if row[name] != want {
			t.Errorf("%s is %v, want %v", name, row[name], want)
		}
	}
	if models, _ := row["top_models"].([]any); len(models) != 1 || models[0] != "openai/gpt-4o" {
		t.Errorf("top_models: %v", row["top_models"])
	}
}

// InferiaLLM, "Organization Management".
func TestInferiasCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(t, "owner@acme.example", "Acme")
	w.Must(t, 201, "POST /auth/register-invite", owner.token, `{
    "email": "newuser@example.com",
    "role": "developer"
  }`)
	token := w.LastMail(t, "newuser@example.com").LinkToken()
	details := w.Must(t, 200, "GET /auth/invitations/"+token, "", nil)
	if details.String("invitation", "role") != "developer" {
		t.Errorf("details: %s", details.Raw)
	}
	accepted := w.Must(t, 200, "POST /auth/accept-invite", "", `{
    "token": "`+token+`",
    "password": "newpassword123",
    "name": "New User"
  }`)
	newUser := accepted.String("user", "id")

	users := w.Must(t, 200, "GET /admin/users", owner.token, nil)
	if rows := users.At("users").([]any); len(rows) != 2 {
		t.Errorf("users: %s", users.Raw)
	}
	changed := w.Must(t, 200, "PUT /admin/users/"+newUser+"/role", owner.token, `{"role": "developer"}`)
	if changed.String("user", "role") != "developer" {
		t.Errorf("role: %s", changed.Raw)
	}

	organizations := w.Must(t, 200, "GET /auth/organizations", accepted.String("access_token"), nil)
	if rows := organizations.At("organizations").([]any); len(rows) != 1 {
		t.Errorf("organizations: %s", organizations.Raw)
	}
	second := w.Must(t, 201, "POST /api/organizations", accepted.String("access_token"), `{"name":"Second"}`)
	switched := w.Must(t, 200, "POST /auth/switch-org", accepted.String("access_token"),
		`{"org_id": "`+second.String("organization", "id")+`"}`)
	if switched.String("access_token") == "" || switched.String("organization", "role") != "owner" {
		t.Errorf("switched: %s", switched.Raw)
	}
}
