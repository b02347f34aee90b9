package usage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"roster/internal/id"
	"roster/internal/permission"
	"roster/internal/price"
	"roster/internal/table"
)

// uncosted is a call that is reported without its cost.
func uncosted(id, model string, more ...object) object {
	e := event(id, "", append(more, object{"model": model})...)
	delete(e, "cost_usd")
	return e
}

// computed shows what became of events as "recorded 0.0045 list 0@2026-11-01"; without
// version and basis where the cost was not computed.
func (c company) computed(t testing.TB, credential string, events ...object) []string {
	t.Helper()
	answer := c.Must(t, 200, "POST /v1/usage", credential, object{"events": events})
	var all []string
	for _, r := range answer.At("results").([]any) {
		said := fmt.Sprint(r.(object)["status"])
		for _, name := range []string{"cost_usd", "cost_basis", "price_version", "unpriced", "code"} {
			if value, ok := r.(object)[name]; ok {
				said += fmt.Sprint(" ", value)
			}
		}
		all = append(all, said)
	}
	return all
}

func (c company) setPrices(t testing.TB, patch string) {
	t.Helper()
	c.Must(t, 200, "PUT /api/organizations/"+string(c.owner.Organization)+"/prices", c.owner.Secret, patch)
	c.Advance(price.Delay)
}

func TestCostsAreComputed(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	cached := object{"cached_tokens": 400, "cache_write_tokens": 100, "reasoning_tokens": 50}
	got := c.computed(t, ada.Secret,
		uncosted("listed", "gpt-4o", object{"provider": "openai"}), uncosted("snapshot", "openai/gpt-4o-2024-08-06"),
		uncosted("cached", "anthropic/claude-haiku-4-5", cached), uncosted("unknown", "acme/llama"),
		event("given", "0.5"), event("free", "0", object{"model": "acme/llama"}))
	want := []string{
		"recorded 0.0045 list 0@2026-11-01", "recorded 0.0045 list 0@2026-11-01", "recorded 0.001665 list 0@2026-11-01",
		"recorded 0.27 dearest 0@2026-11-01 true", "recorded", "recorded",
	}
	if !slices.Equal(got, want) {
		t.Errorf("by the built-in list:\n%q, want\n%q", got, want)
	}
	c.setPrices(t, `{"prices":{"gpt-4o":{"input_cost_per_token":"0.000001"},"acme/*":{"input_cost_per_token":0,"output_cost_per_token":1e-9}},
		"default_tariff":{"input_cost_per_token":1e-6,"output_cost_per_token":1e-6}}`)
	got = c.computed(t, c.gateway.Secret, uncosted("own", "openai/gpt-4o", of(ada.ID)), uncosted("pattern", "acme/llama", of(ada.ID)),
		uncosted("tariff", "other/llama", of(ada.ID)), event("given", "7", of(ada.ID), object{"model": "other/llama"}))
	want = []string{
		"recorded 0.003 list 1@2026-11-01", "recorded 2e-07 list 1@2026-11-01", "recorded 0.0012 default_tariff 1@2026-11-01 true", "recorded",
	}
	if !slices.Equal(got, want) {
		t.Errorf("by the organization's own:\n%q, want\n%q", got, want)
	}
	// 0.0045 + 0.0045 + 0.001665 + 0.27 + 0.5 + 0.003 + 0.0000002 + 0.0012 + 7
	if rows := c.rows(t, "", map[id.User]string{ada.ID: "ada"}); len(rows) != 1 || !strings.HasPrefix(rows[0], "ada 10 10000 2000 7.7848652 ") {
		t.Errorf("report: %q", rows)
	}
	for event, want := range map[string]string{
		"own": "3000000 list 1@2026-11-01", "tariff": "1200000 default_tariff 1@2026-11-01", "given": "7000000000  ",
	} {
		var kept *struct {
			Cost    int64  `dynamodbav:"cost"`
			Basis   string `dynamodbav:"cost_basis"`
			Version string `dynamodbav:"price_version"`
		}
		if err := c.Table.Get(t.Context(), table.Into(table.UsageEvent(ada.Organization, event), &kept)); err != nil || kept == nil {
			t.Fatal(event, err)
		}
		if got := fmt.Sprint(kept.Cost, " ", kept.Basis, " ", kept.Version); got != want {
			t.Errorf("%s is kept as %q, want %q", event, got, want)
		}
	}
}

// TestARepeatIsADuplicateWhateverThePricesAre: what was computed is no content of the
// report, and stays what it was.
func TestARepeatIsADuplicateWhateverThePricesAre(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	same := uncosted("e", "openai/gpt-4o", object{"cached_tokens": 10, "cache_write_tokens": 20})
	first := c.computed(t, ada.Secret, same, same)
	if first[0] != "recorded 0.0044875 list 0@2026-11-01" || first[1] != "duplicate 0.0044875 list 0@2026-11-01" {
		t.Errorf("first: %q", first)
	}
	c.setPrices(t, `{"prices":{"gpt-4o":{"input_cost_per_token":"0.1"}}}`)
	got := c.computed(t, ada.Secret, same, uncosted("e", "openai/gpt-4o", object{"cached_tokens": 10}),
		event("e", "0.0044875", object{"cached_tokens": 10, "cache_write_tokens": 20}))
	if want := []string{"duplicate 0.0044875 list 0@2026-11-01", "rejected conflict", "rejected conflict"}; !slices.Equal(got, want) {
		t.Errorf("after the change: %q, want %q", got, want)
	}
	if rows := c.rows(t, "", map[id.User]string{ada.ID: "ada"}); len(rows) != 1 || !strings.HasPrefix(rows[0], "ada 1 1000 200 0.0044875 ") {
		t.Errorf("report: %q", rows)
	}
}

// TestComputingACostCostsHalfAUnit: and nothing within seconds.
func TestComputingACostCostsHalfAUnit(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.report(t, ada.Secret, event("first", "1"))
	units := func(event object) (read, write float64) {
		ctx, capacity := table.WithCapacity(t.Context())
		if got := c.CallContext(t, ctx, "POST /v1/usage", ada.Secret, object{"events": []object{event}}); outcomes(got)[0] != "recorded" {
			t.Fatalf("%s", got.Raw)
		}
		return capacity.Units()
	}
	read, write := units(event("given", "0.000123"))
	for i, more := range []float64{0.5, 0} {
		r, w := units(uncosted(fmt.Sprint("computed", i), "openai/gpt-4o"))
		if r != read+more || w != write {
			t.Errorf("%v read and %v write units, with the cost given %v and %v", r, w, read, write)
		}
	}
}
