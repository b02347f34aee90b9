package usage_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/permission"
	"roster/internal/table"
)

func TestRequestsPerMinute(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	key := keyOf(ada.Member)
	c.Advance(20 * time.Second)
	c.limit(t, object{"user_id": ada.ID, "requests_per_minute": 5})
	c.limit(t, object{"key_id": key, "requests_per_minute": 3})
	c.Must(t, 200, reserving, ada.Secret, object{"estimated_cost_usd": 1})
	c.report(t, ada.Secret, event("a", "1"), event("long ago", "1", at("2026-11-22T09:50:00Z"), object{"id": "old"}))
	settled := c.hold(t, ada.Secret, object{"estimated_cost_usd": 1})
	c.Must(t, 200, commitOf(settled), ada.Secret, object{"cost_usd": 1}) // counted when it was reserved
	refused := c.Refused(t, 429, "rate_limited", "POST /v1/authorize", ada.Secret, nil)
	if refused.String("rate", "of") != "key" || refused.String("rate", "rate") != "requests_per_minute" || refused.At("rate", "used") != 3.0 ||
		refused.Header.Get("Retry-After") != "40" || refused.Header.Get("X-Should-Retry") == "false" || refused.At("allowed") != false {
		t.Errorf("%s %v", refused.Raw, refused.Header)
	}
	c.Refused(t, 429, "rate_limited", reserving, ada.Secret, object{"estimated_cost_usd": 1})
	if status := c.Must(t, 200, "GET /v1/key", ada.Secret, nil); status.String("code") != "rate_limited" {
		t.Errorf("%s", status.Raw)
	}
	for range 2 {
		c.Must(t, 200, reserving, c.gateway.Secret, object{"user_id": ada.ID, "estimated_cost_usd": 1})
	}
	refused = c.Refused(t, 429, "rate_limited", reserving, c.gateway.Secret, object{"user_id": ada.ID, "estimated_cost_usd": 1})
	if refused.String("rate", "of") != "member" || refused.At("rate", "remaining") != 0.0 {
		t.Errorf("%s", refused.Raw)
	}
	c.report(t, ada.Secret, event("b", "1")) // what happened is recorded
	c.Advance(40 * time.Second)
	got := c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil)
	if rates, _ := got.At("rates").([]any); len(rates) != 2 || rates[0].(object)["remaining"] != 5.0 || rates[1].(object)["remaining"] != 3.0 {
		t.Errorf("%s", got.Raw)
	}
	c.Must(t, 200, reserving, ada.Secret, object{"estimated_cost_usd": 1})
	c.limit(t, object{"key_id": key, "requests_per_minute": 0})
	c.Refused(t, 429, "rate_limited", reserving, ada.Secret, object{"estimated_cost_usd": 1})
	c.limit(t, object{"key_id": key, "requests_per_minute": nil})
	c.Must(t, 200, reserving, ada.Secret, object{"estimated_cost_usd": 1})
}

func TestTokensPerMinute(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.setPrices(t, `{"prices":{"acme/one":{"input_cost_per_token":"0.001","output_cost_per_token":"0.01"}}}`)
	ada := c.add(t, permission.Member)
	c.limit(t, object{"user_id": ada.ID, "tokens_per_minute": 1000})
	asked := func(output int) object {
		return object{"model": "acme/one", "input_tokens": 100, "max_output_tokens": output}
	}
	reservation := c.hold(t, ada.Secret, asked(600))
	refused := c.Refused(t, 429, "rate_limited", reserving, ada.Secret, asked(201))
	if refused.String("rate", "rate") != "tokens_per_minute" || refused.At("rate", "remaining") != 300.0 {
		t.Errorf("%s", refused.Raw)
	}
	c.Must(t, 200, commitOf(reservation), ada.Secret, object{"input_tokens": 100, "output_tokens": 500})
	c.Must(t, 200, reserving, ada.Secret, asked(200))
	c.Refused(t, 429, "rate_limited", "POST /v1/authorize", ada.Secret, nil)
	c.Advance(time.Minute)
	byCost := c.hold(t, ada.Secret, object{"estimated_cost_usd": 1})
	c.Must(t, 200, commitOf(byCost), ada.Secret, object{"cost_usd": 1, "input_tokens": 900, "output_tokens": 99})
	got := c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil)
	if rate := got.At("rates").([]any)[0].(object); rate["remaining"] != 1.0 {
		t.Errorf("%s", got.Raw)
	}
	c.report(t, ada.Secret, event("e", "1"))
	c.Refused(t, 429, "rate_limited", "POST /v1/authorize", ada.Secret, nil)
	c.setOrganization(t, "limit_mode", "observe")
	c.Advance(access.GateTTL)
	c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil)
	c.Must(t, 200, reserving, ada.Secret, asked(5000))
}

func TestReservationsInFlight(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.setOrganization(t, "default_max_in_flight", 3)
	ada := c.add(t, permission.Member)
	key := keyOf(ada.Member)
	c.limit(t, object{"key_id": key, "max_in_flight": 2})
	body := object{"estimated_cost_usd": 1, "expires_in_s": 60}
	first, second := c.hold(t, ada.Secret, body), c.hold(t, ada.Secret, body)
	refused := c.Refused(t, 429, "rate_limited", reserving, ada.Secret, body)
	if refused.String("rate", "of") != "key" || refused.String("rate", "rate") != "max_in_flight" || refused.Header.Get("Retry-After") != "1" {
		t.Errorf("%s", refused.Raw)
	}
	ofGateway := object{"user_id": ada.ID, "estimated_cost_usd": 1, "expires_in_s": 60}
	c.Must(t, 200, reserving, c.gateway.Secret, ofGateway)
	if refused := c.Refused(t, 429, "rate_limited", reserving, c.gateway.Secret, ofGateway); refused.String("rate", "of") != "member" {
		t.Errorf("%s", refused.Raw)
	}
	c.Must(t, 200, "DELETE /v1/reservations/"+first, ada.Secret, nil)
	c.Must(t, 200, reserving, ada.Secret, body)
	c.Refused(t, 429, "rate_limited", reserving, ada.Secret, body)
	c.Must(t, 200, commitOf(second), c.gateway.Secret, object{"cost_usd": 1})
	third := c.hold(t, ada.Secret, body)
	c.report(t, c.gateway.Secret, event("e", "1", of(ada.ID), object{"reservation_id": third}))
	c.Must(t, 200, reserving, ada.Secret, body)
	c.Refused(t, 429, "rate_limited", "POST /v1/authorize", ada.Secret, nil)
	c.Advance(time.Minute) // what vanished is over
	for range 2 {
		c.Must(t, 200, reserving, ada.Secret, body)
	}
	c.Refused(t, 429, "rate_limited", reserving, ada.Secret, body)
	c.limit(t, object{"user_id": ada.ID, "max_in_flight": 0})
	c.limit(t, object{"key_id": key, "max_in_flight": nil})
	if refused := c.Refused(t, 429, "rate_limited", reserving, ada.Secret, body); refused.String("rate", "of") != "member" {
		t.Errorf("%s", refused.Raw)
	}
}

// TestNobodyPassesARateAtOnce: of many at once, and at the turn of a minute, as many get
// through as the rate has.
func TestNobodyPassesARateAtOnce(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	key := keyOf(ada.Member)
	for _, step := range []struct {
		rate string
		want int64
	}{{"requests_per_minute", 12}, {"max_in_flight", 9}, {"requests_per_minute", 7}} {
		for _, of := range []object{{"key_id": key}, {"user_id": ada.ID}} {
			c.Advance(10 * time.Minute)
			of[step.rate] = step.want
			c.limit(t, of)
			var (
				all     sync.WaitGroup
				granted atomic.Int64
			)
			for range 60 { // at the beginning of a minute that nobody has counted in
				all.Go(func() {
					got := c.Call(t, reserving, ada.Secret, object{"estimated_cost_usd": 1, "expires_in_s": 300})
					switch {
					case got.Status == 200:
						granted.Add(1)
					case got.Code() != "rate_limited":
						t.Errorf("%s", got.Raw)
					}
				})
			}
			all.Wait()
			if granted.Load() != step.want {
				t.Errorf("%v: %d were granted", of, granted.Load())
			}
			of[step.rate] = nil
			c.limit(t, of)
		}
	}
}

// TestRatesCostNothingMore than what they bind does.
func TestRatesCostNothingMore(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.limit(t, object{"user_id": ada.ID, "requests_per_minute": 100, "tokens_per_minute": 1_000_000, "max_in_flight": 50})
	c.limit(t, object{"key_id": keyOf(ada.Member), "requests_per_minute": 100, "tokens_per_minute": 1_000_000, "max_in_flight": 50})
	c.report(t, ada.Secret, event("first", "1"))
	c.Must(t, 200, "POST /v1/authorize", ada.Secret, nil) // what the organization decides is known for a moment
	for _, step := range []struct {
		request string
		body    any
		units   string
	}{
		{"POST /v1/authorize", nil, "1 0"},
		{reserving, object{"estimated_cost_usd": 1}, "1 1"},
		{"POST /v1/usage", object{"events": []object{event("e", "1")}}, "1 6"},
	} {
		ctx, capacity := table.WithCapacity(t.Context())
		if got := c.CallContext(t, ctx, step.request, ada.Secret, step.body); got.Status != 200 {
			t.Errorf("%s", got.Raw)
		}
		if read, write := capacity.Units(); fmt.Sprint(read, " ", write) != step.units {
			t.Errorf("%s: %v %v, not %s", step.request, read, write, step.units)
		}
	}
}
