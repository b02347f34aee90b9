package member_test

import (
	"fmt"
	"sync"
	"testing"

	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/permission"
	"roster/internal/rostertest"
)

// TestOneOwnerAlwaysStays lets two owners undo each other, or themselves, at
// once, in many organizations.
func TestOneOwnerAlwaysStays(t *testing.T) {
	t.Parallel()
	const organizations = 30
	type act func(by, other membertest.Member) (request string, body any)
	for name, act := range map[string]act{
		"leave": func(by, _ membertest.Member) (string, any) { return "POST " + members(by) + "/leave", nil },
		"demote": func(_, other membertest.Member) (string, any) {
			return "PUT " + path(other), map[string]any{"role": "admin"}
		},
		"demote by another route": func(_, other membertest.Member) (string, any) {
			return "PUT /admin/users/" + string(other.ID) + "/role", map[string]any{"role": "member"}
		},
		"step down": func(by, _ membertest.Member) (string, any) { return "PUT " + path(by), map[string]any{"role": "admin"} },
		"suspend":   func(_, other membertest.Member) (string, any) { return "POST " + path(other) + "/suspend", nil },
		"suspend by another route": func(_, other membertest.Member) (string, any) {
			return "PUT " + path(other), map[string]any{"status": "suspended"}
		},
		"remove": func(_, other membertest.Member) (string, any) { return "DELETE " + path(other), nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
			for range organizations {
				first := membertest.Found(t, r)
				second := membertest.Add(t, r, member.Member{Organization: first.Organization, Role: permission.Owner})
				var (
					both    sync.WaitGroup
					answers [2]rostertest.Response
				)
				for i, by := range []membertest.Member{first, second} {
					other := []membertest.Member{second, first}[i]
					both.Go(func() {
						request, body := act(by, other)
						answers[i] = r.Call(t, request, by.Secret, body)
					})
				}
				both.Wait()
				done := 0
				for _, a := range answers {
					switch {
					case a.Status == 200:
						done++
					case a.Code() == "last_owner", a.Status == 401, a.Status == 403: // or undone before it could act
					default:
						t.Errorf("answer %s", a.Raw)
					}
				}
				counted, found := owners(t, r, first, second)
				if got := fmt.Sprint(done, counted, found); got != "1 1 1" {
					t.Fatalf("succeeded, counted, found: %s; want 1 1 1", got)
				}
			}
		})
	}
}
