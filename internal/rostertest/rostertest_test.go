package rostertest_test

import (
	"context"
	"strings"
	"testing"

	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/organization"
	"roster/internal/rostertest"
	"roster/internal/route"
)

// recorder is a test that may fail without failing this one.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Errorf(format string, _ ...any) { r.errors = append(r.errors, format) }

// TestAnswersAreHeldAgainstTheDocument: the check of all tests' answers can fail.
func TestAnswersAreHeldAgainstTheDocument(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, undocumented)
	seen := &recorder{TB: t}
	r.Call(seen, "GET /auth/me", "", nil)
	if len(seen.errors) != 1 || !strings.Contains(seen.errors[0], "OpenAPI") {
		t.Errorf("an answer that the document does not know: %q", seen.errors)
	}
	fine := &recorder{TB: t}
	r.Call(fine, "GET /nowhere", "", nil)
	rostertest.New(t, organization.Endpoints).Call(fine, "GET /api/organizations", "", nil)
	if len(fine.errors) != 0 {
		t.Errorf("answers that the document knows: %q", fine.errors)
	}
}

func undocumented(*env.Env) []api.Endpoint {
	e := api.Handle(route.Me, api.Anyone, func(context.Context, api.Client, struct{}) (struct {
		Surprise string `json:"surprise"`
	}, error) {
		return struct {
			Surprise string `json:"surprise"`
		}{"!"}, nil
	})
	e.UseCase = "roster/internal/account.Service.Me"
	return []api.Endpoint{e}
}
