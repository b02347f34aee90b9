package usage_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"roster/internal/id"
	"roster/internal/member/membertest"
	"roster/internal/permission"
)

// TestReportsOfOneModelOrKey are the sums of its events, by member and by month.
func TestReportsOfOneModelOrKey(t *testing.T) {
	t.Parallel()
	const period = "&start_date=2026-10-01&end_date=2026-11-30"
	rapid.Check(t, func(rt *rapid.T) {
		c := newCompany(t)
		people := []membertest.Member{c.add(t, permission.Member), c.add(t, permission.Member)}
		type sum struct{ requests, cents int }
		ofModel, ofKey := map[string]map[string]sum{}, map[id.Key]map[string]sum{} // by member and by month
		add := func(into map[string]sum, name string, cents int) {
			into[name] = sum{into[name].requests + 1, into[name].cents + cents}
		}
		for n := range rapid.IntRange(1, 20).Draw(rt, "events") {
			who := people[rapid.IntRange(0, 1).Draw(rt, "who")]
			model, month := rapid.SampledFrom([]string{"a/one", "b/two"}).Draw(rt, "model"), rapid.SampledFrom([]string{"2026-10", "2026-11"}).Draw(rt, "month")
			cents := rapid.IntRange(0, 300).Draw(rt, "cents")
			e := event(fmt.Sprint(n), fmt.Sprintf("%d.%02d", cents/100, cents%100), at(month+"-21T12:00:00Z"), object{"model": model})
			if rapid.Bool().Draw(rt, "by key") {
				e["key_id"] = keyOf(who.Member)
				if ofKey[keyOf(who.Member)] == nil {
					ofKey[keyOf(who.Member)] = map[string]sum{}
				}
				add(ofKey[keyOf(who.Member)], string(who.ID), cents)
				add(ofKey[keyOf(who.Member)], month, cents)
			} else {
				e["user_id"] = who.ID
			}
			if ofModel[model] == nil {
				ofModel[model] = map[string]sum{}
			}
			add(ofModel[model], string(who.ID), cents)
			add(ofModel[model], month, cents)
			c.report(t, c.gateway.Secret, e)
		}
		check := func(query string, want map[string]sum) {
			total := sum{}
			for name, one := range want {
				if strings.HasPrefix(name, "usr_") {
					total = sum{total.requests + one.requests, total.cents + one.cents}
				}
			}
			for _, group := range []string{"user", "month"} {
				got := c.usage(t, "group_by="+group+"&"+query+period)
				rows, _ := got.At("usage", map[string]string{"user": "by_member", "month": "by_month"}[group]).([]any)
				found := map[string]sum{}
				for _, row := range rows {
					r := row.(object)
					name, _ := r["user_id"].(string)
					if group == "month" {
						name = r["month"].(string)
					}
					found[name] = sum{int(r["requests"].(float64)), int(r["cost_usd"].(float64)*100 + 0.5)}
					if r["input_tokens"] != nil || r["output_tokens"] != nil {
						rt.Fatalf("tokens that are not counted: %s", got.Raw)
					}
				}
				expected := map[string]sum{}
				for name, one := range want {
					if strings.HasPrefix(name, "usr_") == (group == "user") && one.requests > 0 {
						expected[name] = one
					}
				}
				if !maps.Equal(found, expected) {
					rt.Fatalf("%s by %s: %v, want %v: %s", query, group, found, expected, got.Raw)
				}
				if r, cents := got.At("usage", "totals", "requests"), got.At("usage", "totals", "cost_usd"); r != float64(total.requests) || int(cents.(float64)*100+0.5) != total.cents || got.At("usage", "totals", "input_tokens") != nil {
					rt.Fatalf("%s: totals %v of %s", query, total, got.Raw)
				}
			}
		}
		for _, model := range slices.Sorted(maps.Keys(ofModel)) {
			check("model="+model, ofModel[model])
			if got := c.usage(t, "group_by=model&model="+model+period); len(got.At("usage", "by_model").([]any)) != 1 {
				rt.Fatalf("%s", got.Raw)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(ofKey)) {
			check("key_id="+string(key), ofKey[key])
			if got := c.usage(t, "group_by=key&key_id="+string(key)+period); len(got.At("usage", "by_key").([]any)) != 1 {
				rt.Fatalf("%s", got.Raw)
			}
		}
	})
}

func TestWhatIsNotCountedOfAModelOrAKeyIsRefused(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, eve := c.add(t, permission.Member), c.add(t, permission.Member)
	c.report(t, ada.Secret, event("e", "1"))
	key := "key_id=" + string(keyOf(ada.Member))
	for _, query := range []string{
		"model=m&" + key, "model=m&group_by=team", "model=m&group_by=day", "model=m&group_by=key", "model=m&group_by=metadata.department",
		"model=m&start_date=2026-11-02", "model=m&sort=tokens", key + "&group_by=model", key + "&end_date=2026-11-29", key + "&user_id=" + string(eve.ID), "key_id=key",
	} {
		c.Refused(t, 422, "invalid_input", c.usagePath(query), c.owner.Secret, nil)
	}
	c.Refused(t, 403, "permission_denied", c.usagePath(key), eve.Secret, nil)
	if got := c.Must(t, 200, c.usagePath(key), ada.Secret, nil); got.At("usage", "totals", "cost_usd") != 1.0 {
		t.Errorf("one's own: %s", got.Raw)
	}
	if got := c.Must(t, 200, c.usagePath("model=no/such"), c.owner.Secret, nil); len(got.At("usage", "by_member").([]any)) != 0 || got.At("usage", "totals", "requests") != 0.0 {
		t.Errorf("a model that nobody used: %s", got.Raw)
	}
	if got := c.Must(t, 200, c.usagePath("model=openai/gpt-4o&limit=1"), c.owner.Secret, nil); len(got.At("usage", "by_member").([]any)) != 1 {
		t.Errorf("of the highest: %s", got.Raw)
	}
}
