package diagnosis_test

import (
	"testing"
	"time"

	"roster/internal/permission"
)

func TestAReachedLimitIsAReason(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.Must(t, 200, "PUT /api/organizations/"+string(c.owner.Organization)+"/spending-limits", c.owner.Secret,
		object{"user_id": ada.ID, "daily_limit": 1})
	c.Must(t, 200, "POST /v1/usage", ada.Secret, object{"events": []object{{
		"id": "e", "model": "openai/gpt-4o", "input_tokens": 1, "output_tokens": 1, "cost_usd": 1}}})
	c.Refused(t, 429, "limit_reached", "POST /v1/authorize", ada.Secret, nil)
	got := c.explain(t, c.owner.Secret, string(ada.ID), nil)
	all := reasons(got)
	if got.At("access", "allowed") != false || len(all) != 1 || all[0]["code"] != "limit_reached" || all[0]["level"] != "member" {
		t.Fatalf("%s", got.Raw)
	}
	cause, call := all[0]["cause"].(object), all[0]["remedy_call"].(object)
	if cause["by"].(object)["user_id"] != string(c.owner.ID) || call["method"] != "PUT" ||
		call["body"].(object)["daily_limit"] != "<amount>" || call["body"].(object)["user_id"] != string(ada.ID) {
		t.Errorf("%s", got.Raw)
	}
}

// TestAGrantedLimitIsItsCause: whoever granted it last set the limit.
func TestAGrantedLimitIsItsCause(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, admin := c.add(t, permission.Member), c.add(t, permission.Admin)
	path := "/api/organizations/" + string(c.owner.Organization)
	c.Must(t, 200, "PUT "+path+"/spending-limits", c.owner.Secret, object{"user_id": ada.ID, "daily_limit": 1})
	request := c.Must(t, 201, "POST "+path+"/limit-requests", ada.Secret, object{"daily_limit": 2, "reason": "More."}).String("limit_request", "id")
	c.Advance(time.Second)
	c.Must(t, 200, "POST "+path+"/limit-requests/"+request+"/approve", admin.Secret, nil)
	c.Must(t, 200, "POST /v1/usage", ada.Secret, object{"events": []object{{
		"id": "e", "model": "openai/gpt-4o", "input_tokens": 1, "output_tokens": 1, "cost_usd": 2}}})
	got := c.explain(t, c.owner.Secret, string(ada.ID), nil)
	if all := reasons(got); len(all) != 1 || all[0]["cause"].(object)["by"].(object)["user_id"] != string(admin.ID) {
		t.Errorf("%s", got.Raw)
	}
}
