package apikey_test

import (
	"strings"
	"testing"

	"roster/internal/apikey"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/usage"
)

func TestATestKeyStaysOne(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, apikey.Endpoints, usage.AuthorizeEndpoints)
	owner := membertest.Found(t, r)
	bob := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	eve := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	is := func(answer rostertest.Response, test bool) string {
		t.Helper()
		secret := answer.String("key", "secret")
		if answer.At("key", "test") != test || strings.HasPrefix(secret, "rk_test_") != test || strings.HasPrefix(answer.String("key", "id"), "key_test_") != test {
			t.Errorf("%s, want test: %t", answer.Raw, test)
		}
		if got := r.Must(t, 200, "POST /v1/authorize", secret, nil); (got.At("test") == true) != test {
			t.Errorf("%s", got.Raw)
		}
		return answer.String("key", "id")
	}
	key := is(r.Must(t, 201, "POST "+keys(bob), bob.Secret, map[string]any{"name": "sandbox", "test": true}), true)
	live := is(r.Must(t, 201, "POST "+keys(bob), bob.Secret, map[string]any{"name": "live", "test": false}), false)
	is(r.Must(t, 200, "POST "+keys(bob)+"/"+key+"/rotate", bob.Secret, nil), true)
	is(r.Must(t, 201, "POST "+keys(bob)+"/"+live+"/transfer", owner.Secret, map[string]any{"user_id": eve.ID}), false)
	moved := is(r.Must(t, 201, "POST "+keys(bob)+"/"+key+"/transfer", owner.Secret, map[string]any{"user_id": eve.ID}), true)
	for _, test := range []bool{true, false} {
		r.Refused(t, 400, "unknown_field", "PUT "+keys(eve)+"/"+moved, eve.Secret, map[string]any{"test": test})
	}
	r.Refused(t, 404, "key_not_found", "DELETE "+keys(eve)+"/"+strings.Replace(moved, "key_test_", "key_", 1), eve.Secret, nil)
	secret := r.Must(t, 200, "POST "+keys(eve)+"/"+moved+"/rotate", eve.Secret, nil).String("key", "secret")
	for request, body := range map[string]any{
		"GET " + keys(eve): nil, "POST " + keys(eve): map[string]any{"name": "live"}, "DELETE " + keys(eve) + "/" + moved: nil,
		"GET " + self(eve): nil,
	} {
		r.Refused(t, 403, "test_key", request, secret, body)
	}
	r.Must(t, 200, "DELETE "+keys(eve)+"/"+moved, eve.Secret, nil)
	r.Refused(t, 401, "invalid_key", "GET "+keys(eve), secret, nil)
}
