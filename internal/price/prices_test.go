package price_test

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"roster/internal/audit"
	"roster/internal/audit/audittest"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/money"
	"roster/internal/permission"
	"roster/internal/price"
	"roster/internal/rostertest"
	"roster/internal/table"
)

type object = map[string]any

// company is an organization whose owner changes its prices.
type company struct {
	*rostertest.Roster
	owner membertest.Member
	book  *price.Book
}

func newCompany(t testing.TB) company {
	t.Helper()
	r := rostertest.New(t, price.Endpoints)
	return company{r, membertest.Found(t, r), price.NewBook(r.Env)}
}

func (c company) path() string {
	return "/api/organizations/" + string(c.owner.Organization) + "/prices"
}

func (c company) put(t testing.TB, body any, headers ...string) rostertest.Response {
	t.Helper()
	return c.Must(t, 200, "PUT "+c.path(), c.owner.Secret, body, headers...)
}

func (c company) get(t testing.TB, query string) rostertest.Response {
	t.Helper()
	return c.Must(t, 200, "GET "+c.path()+query, c.owner.Secret, nil)
}

// shown is a price as the answer says it: "built_in 2026-11-01 0.0000025 0.00001".
func shown(answer rostertest.Response, model string) string {
	one, ok := answer.At("prices", model).(object)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%v %v %v %v", one["origin"], one["version"], one["input_cost_per_token"], one["output_cost_per_token"])
}

func (c company) list(t testing.TB) *price.List {
	t.Helper()
	list, err := c.book.List(t.Context(), c.owner.Organization)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// costs is what a million tokens of input cost by the book.
func (c company) costs(t testing.TB, model string) string {
	t.Helper()
	of, basis := c.list(t).For(model)
	return fmt.Sprint(of.Cost(price.Tokens{Input: 1e6}), " ", basis)
}

func TestPricesAreMergedOverTheBuiltInList(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	first := c.get(t, "")
	if got := shown(first, "gpt-4o"); got != "built_in 2026-11-01 2.5e-06 1e-05" || first.String("version") != "0@2026-11-01" || first.At("default_tariff") != nil {
		t.Fatalf("%s: %.300s", got, first.Raw)
	}
	if !strings.Contains(string(first.Raw), `"input_cost_per_token":0.0000025,`) {
		t.Error("prices are not decimals")
	}
	for _, step := range []struct {
		patch   string
		version string
		want    map[string]string
	}{
		{`{}`, "0", nil},
		{`{"prices":{}}`, "0", nil},
		{`{"prices":{"gpt-4o":{}}}`, "0", map[string]string{"gpt-4o": "built_in 2026-11-01 2.5e-06 1e-05"}},
		{`{"prices":{"gpt-4o":{"output_cost_per_token":"0.000008"},"acme/llama":{"input_cost_per_token":1e-6,"output_cost_per_token":2e-6}}}`, "1",
			map[string]string{"gpt-4o": "organization 1 2.5e-06 8e-06", "acme/llama": "organization 1 1e-06 2e-06"}},
		{`{"prices":{"gpt-4o":{"input_cost_per_token":0.000002}}}`, "2", map[string]string{"gpt-4o": "organization 2 2e-06 8e-06"}},
		{`{"prices":{"gpt-4o":{"input_cost_per_token":"2.0e-6"}}}`, "2", map[string]string{"gpt-4o": "organization 2 2e-06 8e-06"}},
		{`{"prices":{"acme/*":{"input_cost_per_token":0,"output_cost_per_token":0},"gpt-4o":null,"gone":null}}`, "3",
			map[string]string{"gpt-4o": "built_in 2026-11-01 2.5e-06 1e-05", "acme/*": "organization 3 0 0", "gone": ""}},
		{`{"default_tariff":{"input_cost_per_token":"1e-5","output_cost_per_token":"5e-5"}}`, "4", nil},
		{`{"default_tariff":{"output_cost_per_token":"4e-5"}}`, "5", nil},
		{`{"prices":null,"default_tariff":null}`, "6", map[string]string{"acme/llama": "", "acme/*": ""}},
		{`{"prices":null,"default_tariff":null}`, "6", nil},
	} {
		answer := c.put(t, step.patch)
		if answer.String("version") != step.version+"@2026-11-01" || answer.Header.Get("ETag") != `"`+step.version+`"` {
			t.Fatalf("%s: version %s, ETag %s, want %s", step.patch, answer.String("version"), answer.Header.Get("ETag"), step.version)
		}
		now := c.get(t, "")
		for model, want := range step.want {
			if got := shown(answer, model); got != want {
				t.Errorf("%s: the answer says %s: %q, want %q", step.patch, model, got, want)
			}
			if got := shown(now, model); got != want {
				t.Errorf("%s: %s: %q, want %q", step.patch, model, got, want)
			}
		}
		if prices, _ := answer.At("prices").(object); len(prices) > len(step.want) {
			t.Errorf("%s: the answer shows more than what was named: %s", step.patch, answer.Raw)
		}
		c.Advance(time.Minute)
	}
}

func TestFormerVersionsStayReadable(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	for _, input := range []string{"1e-6", "2e-6", "3e-6"} {
		c.put(t, `{"prices":{"acme/llama":{"input_cost_per_token":`+input+`,"output_cost_per_token":0}},
			"default_tariff":{"input_cost_per_token":`+input+`,"output_cost_per_token":1}}`)
	}
	for query, want := range map[string]string{
		"": "organization 3 3e-06 0", "?version=3": "organization 3 3e-06 0", "?version=2@2026-11-01": "organization 2 2e-06 0",
		"?version=1": "organization 1 1e-06 0", "?version=0": "", "?version=0@2026-11-01": "",
	} {
		answer := c.get(t, query)
		if got := shown(answer, "acme/llama"); got != want || (answer.At("default_tariff") == nil) != (want == "") {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	for _, unknown := range []string{"4", "3@2026-10-31", "999999999"} {
		c.Refused(t, 404, "price_version_not_found", "GET "+c.path()+"?version="+unknown, c.owner.Secret, nil)
	}
	for _, malformed := range []string{"x", "01", "-1", "3@", "3@today", "1e3"} {
		c.Refused(t, 422, "invalid_input", "GET "+c.path()+"?version="+malformed, c.owner.Secret, nil)
	}
}

func TestPricesThatAreRefused(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	many := make([]string, price.MaxOwn+1)
	for i := range many {
		many[i] = fmt.Sprintf(`"m%d":{"input_cost_per_token":1e-6,"output_cost_per_token":1e-6}`, i)
	}
	for i := range price.MaxOwn / price.MaxPatched {
		c.put(t, `{"prices":{`+strings.Join(many[i*price.MaxPatched:(i+1)*price.MaxPatched], ",")+`}}`)
	}
	if got := c.costs(t, "m499"); got != "1 list" {
		t.Errorf("the last of 500: %s", got)
	}
	before := c.DumpItems(t)
	var every []string
	for _, tier := range []string{"", "_above_128k_tokens", "_above_200k_tokens", "_above_272k_tokens"} {
		for _, name := range []string{"input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost", "cache_creation_input_token_cost"} {
			every = append(every, `"`+name+tier+`":1e-18`)
		}
	}
	long := make([]string, price.MaxPatched)
	for i := range long {
		long[i] = fmt.Sprintf(`"m%d":{%s}`, i, strings.Join(every, ","))
	}
	for _, step := range []struct{ body, code, pointer, reason string }{
		{`{"prices":{"acme/x":{"input_cost_per_token":1e-6}}}`, "invalid_input", "/prices/acme~1x/output_cost_per_token", "is required"},
		{`{"prices":{"acme/x":{}}}`, "invalid_input", "/prices/acme~1x/input_cost_per_token", "is required"},
		{`{"prices":{"gpt-4o":{"input_cost_per_token":null}}}`, "invalid_input", "/prices/gpt-4o/input_cost_per_token", "is required"},
		{`{"prices":{"gpt-4o":{"input_cost_per_token":-1}}}`, "invalid_input", "/prices/gpt-4o/input_cost_per_token", "is negative"},
		{`{"prices":{"gpt-4o":{"input_cost_per_token":1.5}}}`, "invalid_input", "/prices/gpt-4o/input_cost_per_token", "is more than 1 USD"},
		{`{"prices":{"gpt-4o":{"input_cost_per_token":1e-19}}}`, "invalid_input", "/prices/gpt-4o/input_cost_per_token", "has more than 18 decimal places"},
		{`{"prices":{"gpt-4o":{"input_cost_per_token":"free"}}}`, "invalid_input", "/prices/gpt-4o/input_cost_per_token", "is not a decimal number"},
		{`{"prices":{"gpt-4o":{"max_output_tokens":-1}}}`, "invalid_input", "/prices/gpt-4o/max_output_tokens", "is negative"},
		{`{"prices":{"gpt-4o":{"colour":1}}}`, "unknown_field", "/prices/gpt-4o/colour", "is not a known field"},
		{`{"prices":{"gpt*4":{"input_cost_per_token":1e-6,"output_cost_per_token":1e-6}}}`, "invalid_input", "/prices/gpt*4", "has a * elsewhere than at its end"},
		{`{"prices":{"*":{"input_cost_per_token":1e-6,"output_cost_per_token":1e-6}}}`, "invalid_input", "/prices/*", "names every model; use default_tariff"},
		{`{"default_tariff":{"input_cost_per_token":1e-6}}`, "invalid_input", "/default_tariff/output_cost_per_token", "is required"},
		{`{"default_tariff":{"input_cost_per_token":1e-6,"output_cost_per_token":0}}`, "invalid_input", "/default_tariff", "is 0 for some tokens; models that have no price must cost something"},
		{`{"default_tariff":{"input_cost_per_token":1e-6,"output_cost_per_token":1e-6,"cache_read_input_token_cost":0}}`, "invalid_input", "/default_tariff", "is 0 for some tokens; models that have no price must cost something"},
		{`{"prices":{` + strings.Join(many[:price.MaxPatched+1], ",") + `}}`, "invalid_input", "/prices", "are more than 100 at once"},
		{`{"prices":{` + many[price.MaxOwn] + `}}`, "invalid_input", "/prices", "would be more than 500 of the organization's own"},
		{`{"prices":{` + strings.Join(long, ",") + `}}`, "invalid_input", "/prices", "would be longer than 98304 bytes together"},
	} {
		answer := c.Call(t, "PUT "+c.path(), c.owner.Secret, step.body)
		faults, _ := answer.At("errors").([]any)
		if answer.Code() != step.code || len(faults) == 0 {
			t.Errorf("%.100s: %s", step.body, answer.Raw)
		} else if f := faults[0].(object); f["pointer"] != step.pointer || f["reason"] != step.reason {
			t.Errorf("%.100s: %v", step.body, f)
		}
	}
	if after := c.DumpItems(t); !reflect.DeepEqual(before, after) {
		t.Error("something was written")
	}
}

func TestWhoSeesAndChangesPrices(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	for _, role := range []string{permission.Member, permission.Viewer, permission.Gateway, permission.Admin} {
		m := membertest.Add(t, c.Roster, member.Member{Organization: c.owner.Organization, Role: role})
		c.Must(t, 200, "GET "+c.path(), m.Secret, nil)
		c.Refused(t, 403, "permission_denied", "PUT "+c.path(), m.Secret, object{})
	}
	rival := membertest.Found(t, c.Roster)
	c.Refused(t, 404, "organization_not_found", "GET "+c.path(), rival.Secret, nil)
	c.Refused(t, 404, "organization_not_found", "PUT "+c.path(), rival.Secret, object{})
}

func TestAChangeIsAuditedAndGuarded(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	patch := `{"prices":{"gpt-4o":{"output_cost_per_token":"0.000008"}},"default_tariff":{"input_cost_per_token":1e-6,"output_cost_per_token":1e-6}}`
	c.put(t, patch, "Idempotency-Key", "once", "If-Match", `"0"`)
	again := c.put(t, patch, "Idempotency-Key", "once", "If-Match", `"0"`)
	if again.String("version") != "1@2026-11-01" {
		t.Errorf("repeated: %s", again.Raw)
	}
	c.Refused(t, 412, "version_mismatch", "PUT "+c.path(), c.owner.Secret, `{"prices":null}`, "If-Match", `"0"`)
	c.Advance(time.Second)
	c.put(t, `{"prices":{"gpt-4o":null}}`, "If-Match", `"1"`)
	events := audittest.Of(t, c.Roster, c.owner.Organization)
	if len(events) != 2 {
		t.Fatalf("%d events", len(events))
	}
	for i, want := range []string{
		"map[default_tariff:<nil> prices:map[gpt-4o:built_in 1e-05]] map[default_tariff:1e-06 prices:map[gpt-4o:organization 8e-06]]",
		"map[prices:map[gpt-4o:organization 8e-06]] map[prices:map[gpt-4o:built_in 1e-05]]",
	} {
		said := func(state object) object {
			short := object{}
			for name, value := range state {
				switch v, _ := value.(object); {
				case name == "prices":
					one := v["gpt-4o"].(object)
					short[name] = object{"gpt-4o": fmt.Sprint(one["origin"], " ", one["output_cost_per_token"])}
				case v != nil:
					short[name] = v["input_cost_per_token"]
				default:
					short[name] = nil
				}
			}
			return short
		}
		if got := fmt.Sprint(said(events[i].Before), " ", said(events[i].After)); got != want || events[i].Action != audit.PricesUpdated {
			t.Errorf("%s\n got %s\nwant %s", events[i].Action, got, want)
		}
	}
}

// TestChangesAtOnceAllCount: each makes a version of its own, over those before.
func TestChangesAtOnceAllCount(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	const changes = 6
	var all sync.WaitGroup
	for i := range changes {
		all.Go(func() {
			c.put(t, fmt.Sprintf(`{"prices":{"m%d":{"input_cost_per_token":1e-6,"output_cost_per_token":1e-6}}}`, i))
		})
	}
	all.Wait()
	if got := c.get(t, "").String("version"); got != fmt.Sprintf("%d@2026-11-01", changes) {
		t.Errorf("version %s", got)
	}
	for version := range changes + 1 {
		own := 0
		for _, one := range c.get(t, fmt.Sprint("?version=", version)).At("prices").(object) {
			if one.(object)["origin"] == "organization" {
				own++
			}
		}
		if own != version {
			t.Errorf("version %d has %d prices", version, own)
		}
	}
}

func TestTheBookFollowsWithinItsDelay(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	if got := c.costs(t, "openai/gpt-4o"); got != "2.5 list" {
		t.Errorf("built in: %s", got)
	}
	if of, basis := c.list(t).For("acme/unknown"); basis != price.Dearest || of.Cost(price.Tokens{Output: 1000}) < 500*money.USD/1000 {
		t.Errorf("unknown: %s, %s", basis, of.Cost(price.Tokens{Output: 1000}))
	}
	c.put(t, `{"prices":{"openai/gpt-4o":{"input_cost_per_token":1e-6,"output_cost_per_token":0}},"default_tariff":{"input_cost_per_token":7e-6,"output_cost_per_token":1e-6}}`)
	c.Advance(price.Delay)
	if got := c.costs(t, "openai/gpt-4o") + ", " + c.costs(t, "acme/unknown") + ", " + string(c.list(t).Version()); got != "1 list, 7 default_tariff, 1@2026-11-01" {
		t.Errorf("after a change: %s", got)
	}
	for _, step := range []struct {
		what    string
		advance time.Duration
		calls   int
		read    float64
	}{
		{"within the delay", price.Delay - 1, 0, 0},
		{"after it", 1, 1, 0.5},
	} {
		c.Advance(step.advance)
		ctx, capacity := table.WithCapacity(t.Context())
		if _, err := c.book.List(ctx, c.owner.Organization); err != nil {
			t.Fatal(err)
		}
		if read, _ := capacity.Units(); read != step.read || len(capacity.Calls()) != step.calls {
			t.Errorf("%s: %.1f units, %v", step.what, read, capacity.Calls())
		}
	}
	c.put(t, `{"prices":null}`)
	c.Advance(price.Delay - 1)
	if got := c.costs(t, "openai/gpt-4o"); got != "1 list" {
		t.Errorf("within the delay: %s", got)
	}
	c.Advance(1)
	if got := c.costs(t, "openai/gpt-4o"); got != "2.5 list" {
		t.Errorf("after it: %s", got)
	}
	c.Advance(-time.Hour)
	c.put(t, `{"prices":{"gpt-4o":{"input_cost_per_token":9e-6}}}`)
	c.Advance(-time.Hour)
	if got := c.costs(t, "openai/gpt-4o"); got != "9 list" {
		t.Errorf("after the clock was turned back: %s", got)
	}
}
