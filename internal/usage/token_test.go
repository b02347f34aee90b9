package usage_test

import (
	"testing"

	"roster/internal/account"
	"roster/internal/rostertest"
	"roster/internal/table"
	"roster/internal/usage"
)

func TestPeopleAskWithTheirAccessToken(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints, usage.AuthorizeEndpoints, usage.MeterEndpoints)
	register := func(address, organization string) rostertest.Response {
		body := object{"email": address, "password": "newpassword123", "name": "New User"}
		if organization != "" {
			body["organization"] = organization
		}
		return r.Must(t, 201, "POST /auth/register", "", body)
	}
	ada := register("ada@example.com", "Analytical Engines")
	token := ada.String("access_token")
	for _, calls := range []int{2, 2} { // the session and, the first time, the gate are read beside the Query
		ctx, capacity := table.WithCapacity(t.Context())
		got := r.CallContext(t, ctx, "POST /v1/authorize", token, nil)
		if got.At("allowed") != true || got.At("key_id") != nil || got.String("user_id") != ada.String("user", "id") {
			t.Errorf("%s", got.Raw)
		}
		if len(capacity.Calls()) != calls {
			t.Errorf("%v", capacity.Calls())
		}
	}
	r.Must(t, 200, "POST /v1/usage", token, object{"events": []object{event("1", "0.75")}})
	if got := r.Must(t, 200, "GET /v1/key", token, nil); got.JSON["key"] != nil || got.At("spend", "daily_usd") != 0.75 {
		t.Errorf("%s", got.Raw)
	}
	nowhere := register("eve@example.com", "").String("access_token")
	if got := r.Refused(t, 403, "no_organization", "POST /v1/authorize", nowhere, nil); got.At("allowed") != false {
		t.Errorf("%s", got.Raw)
	}
	r.Must(t, 200, "POST /auth/logout", token, nil)
	if got := r.Refused(t, 401, "invalid_token", "POST /v1/authorize", token, nil); got.At("allowed") != false {
		t.Errorf("%s", got.Raw)
	}
}
