package conform_test

import (
	"strings"
	"testing"

	"roster/internal/openapi/conform"
	"roster/internal/route"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	const (
		problem = `{"success":false,"type":"urn:roster:problem:x","title":"Conflict","status":409,"detail":"No.","code":"x","request_id":"r"`
		user    = `{"id":"usr_01KAN9K2V5Q3H8D7R6C4B1A0ZX","email":"ada@example.com","name":"Ada","email_verified":true,"two_factor":false}`
	)
	for _, test := range []struct {
		name        string
		route       route.ID
		status      int
		contentType string
		body        string
		refusal     string // part of it; "" for none
	}{
		{"success", route.Logout, 200, "application/json", `{"success":true}`, ""},
		{"unknown member", route.Logout, 200, "application/json", `{"success":true,"more":1}`, "more"},
		{"unknown member within", route.Me, 200, "application/json", `{"success":true,"organization":null,"permissions":[],"user":` + user[:len(user)-1] + `,"more":1}}`, "more"},
		{"null", route.Me, 200, "application/json", `{"success":true,"organization":null,"permissions":[],"user":` + user + `}`, ""},
		{"missing member", route.Me, 200, "application/json", `{"success":true,"permissions":[],"user":` + user + `}`, "organization"},
		{"unknown value", route.Me, 200, "application/json", `{"success":true,"organization":null,"permissions":["all"],"user":` + user + `}`, "permissions"},
		{"false success", route.Logout, 200, "application/json", `{"success":false}`, "success"},
		{"status", route.Logout, 201, "application/json", `{"success":true}`, "201"},
		{"media type", route.Logout, 200, "text/plain", `{"success":true}`, "text/plain"},
		{"no media type", route.Logout, 200, "", `{"success":true}`, "content type"},
		{"no JSON", route.Logout, 200, "application/json", `{"success"`, "logout"},
		{"problem", route.Logout, 409, "application/problem+json", problem + `}`, ""},
		{"problem with a member", route.Logout, 409, "application/problem+json", problem + `,"allowed":false}`, ""},
		{"problem with faults", route.Logout, 409, "application/problem+json", problem + `,"errors":[{"pointer":"/x","reason":"is bad"}]}`, ""},
		{"problem with bad faults", route.Logout, 409, "application/problem+json", problem + `,"errors":[{"pointer":"/x"}]}`, "reason"},
		{"problem without code", route.Logout, 409, "application/problem+json", strings.Replace(problem, `"code":"x",`, "", 1) + `}`, "code"},
		{"path with parameters", route.GetMember, 404, "application/problem+json", problem + `}`, ""},
		{"no route", "", 404, "application/problem+json", problem + `}`, ""},
		{"no route, but success", "", 200, "application/json", `{"success":true}`, "200"},
		{"page", route.Home, 200, "text/html; charset=utf-8", `<!doctype html>`, ""},
	} {
		err := conform.Check(test.route, test.status, test.contentType, []byte(test.body))
		switch {
		case test.refusal == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.refusal != "" && (err == nil || !strings.Contains(err.Error(), test.refusal)):
			t.Errorf("%s: got %v, want a refusal about %q", test.name, err, test.refusal)
		}
	}
}

// TestEverySchemaCompiles asks for each response of the document once.
func TestEverySchemaCompiles(t *testing.T) {
	t.Parallel()
	for _, r := range route.All {
		status := r.Status
		if status == 0 {
			status = 200
		}
		err := conform.Check(r.ID, status, "application/json", []byte(`[]`))
		if r.Function == "console" {
			continue
		}
		if err == nil || strings.Contains(err.Error(), "the document") {
			t.Errorf("%s: %v", r.ID, err)
		}
	}
}
