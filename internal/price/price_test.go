package price_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"roster/internal/model"
	"roster/internal/money"
	"roster/internal/price"
)

func terms(t testing.TB, text string) price.Terms {
	t.Helper()
	var of price.Terms
	if err := json.Unmarshal([]byte(text), &of, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	return of
}

func TestCost(t *testing.T) {
	t.Parallel()
	const (
		plain  = `{"input_cost_per_token": "0.0000025", "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-6}`
		tiered = `{"input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05, "cache_read_input_token_cost": 3e-07,
			"cache_creation_input_token_cost": 3.75e-06, "input_cost_per_token_above_200k_tokens": 6e-06,
			"output_cost_per_token_above_200k_tokens": 2.25e-05, "cache_read_input_token_cost_above_200k_tokens": 6e-07}`
		twice = `{"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6, "input_cost_per_token_above_128k_tokens": 2e-6,
			"output_cost_per_token_above_272k_tokens": 3e-6}`
		thinking = `{"input_cost_per_token": 0, "output_cost_per_token": 1e-6, "output_cost_per_reasoning_token": 4e-6}`
		tiny     = `{"input_cost_per_token": 0.0000000000005, "output_cost_per_token": 0.000000000000499999}`
	)
	for _, tt := range []struct {
		terms  string
		tokens price.Tokens
		want   string
	}{
		{plain, price.Tokens{}, "0"},
		{plain, price.Tokens{Input: 1200, Output: 300}, "0.006"},
		{plain, price.Tokens{Input: 1200, CachedInput: 1000, Output: 300}, "0.00475"},
		{plain, price.Tokens{Input: 1200, CacheWrite: 200, Output: 300, Reasoning: 100}, "0.006"},
		{tiered, price.Tokens{Input: 200_000, Output: 1000}, "0.615"},
		{tiered, price.Tokens{Input: 200_001, Output: 1000}, "1.222506"},
		{tiered, price.Tokens{Input: 1000, CachedInput: 400, CacheWrite: 100}, "0.001995"},
		{tiered, price.Tokens{Input: 300_000, CachedInput: 300_000}, "0.18"},
		{tiered, price.Tokens{Input: 300_000, CacheWrite: 300_000}, "1.125"},
		{twice, price.Tokens{Input: 128_000, Output: 1}, "0.128001"},
		{twice, price.Tokens{Input: 128_001, Output: 1}, "0.256003"},
		{twice, price.Tokens{Input: 300_000, Output: 1}, "0.600003"},
		{thinking, price.Tokens{Input: 9, Output: 10, Reasoning: 8}, "0.000034"},
		{thinking, price.Tokens{Output: 5, Reasoning: 8}, "0.000032"},
		{tiny, price.Tokens{Input: 999}, "0"},
		{tiny, price.Tokens{Input: 1000}, "0.000000001"},
		{tiny, price.Tokens{Output: 1000}, "0"},
		{plain, price.Tokens{Input: 10, CachedInput: 20}, "0.000025"},
		{plain, price.Tokens{Input: math.MaxInt64, Output: math.MaxInt64}, "9223372036.854775807"},
	} {
		if got := price.PriceOf(terms(t, tt.terms)).Cost(tt.tokens); got.String() != tt.want {
			t.Errorf("%+v by %s: %s, want %s", tt.tokens, tt.terms, got, tt.want)
		}
	}
}

// anyTerms draws terms whose tiers cost no less than what is below them.
func anyTerms(t *rapid.T) price.Terms {
	rate := rapid.Map(rapid.OneOf(rapid.Int64Range(0, 1e15), rapid.Int64Range(0, 1e12), rapid.Int64Range(0, 1e9)),
		func(n int64) money.Rate { return money.Rate(n) })
	var of price.Terms
	of.Input, of.Output = new(rate.Draw(t, "input")), new(rate.Draw(t, "output"))
	if rapid.Bool().Draw(t, "caches") {
		of.CacheRead, of.CacheWrite = new(rate.Draw(t, "cache read")), new(rate.Draw(t, "cache write"))
	}
	if rapid.Bool().Draw(t, "reasons") {
		of.Reasoning = new(rate.Draw(t, "reasoning"))
	}
	if rapid.Bool().Draw(t, "128k") {
		of.Input128k = new(*of.Input + rate.Draw(t, "more input above 128k"))
	}
	if rapid.Bool().Draw(t, "272k") {
		below := of.Input
		if of.Input128k != nil {
			below = of.Input128k
		}
		of.Input272k = new(*below + rate.Draw(t, "more input above 272k"))
		of.Output272k = new(*of.Output + rate.Draw(t, "more output above 272k"))
	}
	return of
}

func tokens() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64Range(0, 500_000), rapid.Int64Range(0, 1e9), rapid.SampledFrom([]int64{128_000, 128_001, 272_000, 272_001}))
}

// TestCostAgreesWithExactArithmetic computes costs as big numbers do.
func TestCostAgreesWithExactArithmetic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		of := anyTerms(t)
		used := price.Tokens{Input: tokens().Draw(t, "input"), Output: tokens().Draw(t, "output")}
		used.CachedInput = rapid.Int64Range(0, used.Input).Draw(t, "cached")
		used.CacheWrite = rapid.Int64Range(0, used.Input-used.CachedInput).Draw(t, "written")
		used.Reasoning = rapid.Int64Range(0, used.Output).Draw(t, "reasoning")
		input, output := of.Input, of.Output
		if used.Input > 128_000 && of.Input128k != nil {
			input = of.Input128k
		}
		if used.Input > 272_000 && of.Input272k != nil {
			input, output = of.Input272k, of.Output272k
		}
		exact := new(big.Int)
		for _, part := range []struct {
			n               int64
			rate, otherwise *money.Rate
		}{
			{used.Input - used.CachedInput - used.CacheWrite, input, nil}, {used.CachedInput, of.CacheRead, input},
			{used.CacheWrite, of.CacheWrite, input}, {used.Output - used.Reasoning, output, nil}, {used.Reasoning, of.Reasoning, output},
		} {
			if part.rate == nil {
				part.rate = part.otherwise
			}
			exact.Add(exact, new(big.Int).Mul(big.NewInt(part.n), big.NewInt(int64(*part.rate))))
		}
		exact.Add(exact, big.NewInt(5e8)).Div(exact, big.NewInt(1e9))
		if got := price.PriceOf(of).Cost(used); int64(got) != exact.Int64() {
			t.Fatalf("%+v cost %s, want %s nano-USD", used, got, exact)
		}
	})
}

// TestCostsAddUp: two calls of one tier cost what one of both's tokens does, but for
// the rounding; and more tokens never cost less.
func TestCostsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		of := price.PriceOf(anyTerms(t))
		draw := func(name string) price.Tokens {
			return price.Tokens{Input: rapid.Int64Range(0, 64_000).Draw(t, name+" input"), Output: tokens().Draw(t, name+" output")}
		}
		a, b := draw("a"), draw("b")
		both := of.Cost(price.Tokens{Input: a.Input + b.Input, Output: a.Output + b.Output})
		if apart := of.Cost(a) + of.Cost(b); apart < both-1 || apart > both+1 {
			t.Fatalf("%s apart, %s together", apart, both)
		}
		more := price.Tokens{Input: a.Input + tokens().Draw(t, "more input"), Output: a.Output + tokens().Draw(t, "more output")}
		if of.Cost(more) < of.Cost(a) {
			t.Fatalf("%+v cost %s, and %+v %s", a, of.Cost(a), more, of.Cost(more))
		}
	})
}

// TestWhatIsAffordableFits: no call that uses up to as many tokens of output costs more
// than remains, and with one more it may.
func TestWhatIsAffordableFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		listed := anyTerms(t)
		listed.CacheWrite = nil
		of := price.PriceOf(listed)
		input := tokens().Draw(t, "input")
		remaining := money.Amount(rapid.OneOf(rapid.Int64Range(0, 1e12), rapid.Int64Range(0, math.MaxInt64)).Draw(t, "remaining"))
		if rapid.Bool().Draw(t, "tight") {
			remaining = of.Estimate(input, rapid.Int64Range(0, 1000).Draw(t, "about"))
		}
		n := of.Affordable(remaining, input)
		if n == -1 {
			if of.Estimate(input, 0) <= remaining {
				t.Fatal("the input alone fits, and is refused")
			}
			return
		}
		if of.Estimate(input, n) > remaining || n < math.MaxInt64 && of.Estimate(input, n+1) <= remaining {
			t.Fatalf("%d is not the greatest that fits: %s and %s of %s", n, of.Estimate(input, n), of.Estimate(input, n+1), remaining)
		}
		output := rapid.Int64Range(0, n).Draw(t, "output")
		used := price.Tokens{
			Input: input, Output: output,
			CachedInput: rapid.Int64Range(0, input).Draw(t, "cached"), Reasoning: rapid.Int64Range(0, output).Draw(t, "reasoning"),
		}
		if cost := of.Cost(used); cost > remaining {
			t.Fatalf("%+v cost %s of %s", used, cost, remaining)
		}
		if listed.Reasoning == nil && listed.CacheRead == nil && of.Cost(price.Tokens{Input: input, Output: n}) != of.Estimate(input, n) {
			t.Fatal("the estimate is not the cost of the whole")
		}
	})
}

func TestLookup(t *testing.T) {
	t.Parallel()
	flat := func(input string) price.Terms {
		return terms(t, `{"input_cost_per_token": `+input+`, "output_cost_per_token": 0}`)
	}
	list := price.WithOwn(map[model.Pattern]price.Terms{
		"openai/gpt-4o": flat("0.1"), "gpt-4.1": flat("0.2"), "openai/*": flat("0.3"), "openai/gpt-9*": flat("0.4"),
		"acme/llama": flat("0.5"), "house-*": flat("0.6"), "claude-sonnet-4-20250514": flat("0.7"),
	})
	for name, want := range map[string]string{
		"openai/gpt-4o":                          "0.1",        // its own
		"azure/gpt-4o":                           "0.0000025",  // another provider's: the built-in one
		"gpt-4o":                                 "0.0000025",  //
		"openai/gpt-4o-2024-08-06":               "0.1",        // a snapshot
		"azure/gpt-4o-2024-08-06":                "0.0000025",  //
		"openai/gpt-4.1":                         "0.2",        // without its provider
		"azure/gpt-4.1-2025-04-14":               "0.2",        //
		"openai/gpt-5":                           "0.00000125", // listed by name, so no pattern counts
		"openai/gpt-7":                           "0.3",        // the organization's pattern
		"openai/gpt-9-turbo":                     "0.4",        // the longest
		"acme/llama":                             "0.5",        //
		"acme/llama-20250101":                    "0.5",        //
		"vllm/house-model":                       "0.6",        // a pattern without a provider
		"anthropic/claude-sonnet-4-20250514":     "0.7",        // a snapshot that is listed itself
		"anthropic/claude-sonnet-4-20260101":     "0.000003",   // one that is not
		"vertex_ai/claude-sonnet-4@20260101":     "0.000003",   //
		"anthropic/claude-3-5-haiku-latest":      "0.0000008",  //
		"mistral/mistral-large-latest":           "0.0000005",  // listed as the latest
		"openrouter/openai/gpt-4o-mini":          "0.00000015", // through another
		"anthropic/claude-3.5-sonnet":            "0.000003",
		"mistral/mistral-large":                  "0.0000005",
		"openrouter/anthropic/claude-sonnet-4.5": "0.000003",
		"groq/llama-3.3-70b-versatile":           "0.00000059", //
		"gemini/gemini-2.5-flash":                "0.0000003",  //
		"deepseek/deepseek-chat":                 "0.00000028", //
		"openai/text-embedding-3-small":          "0.00000002", //
		"other/llama-3.3-70b-versatile":          "",           // listed for one provider alone
		"acme/unknown":                           "",           //
		"gpt-4":                                  "0.00003",    //
		"gpt-4-32k":                              "",           // no name is a beginning of another
		"":                                       "",           //
		"/":                                      "",           //
		"openai/*":                               "0.3",        //
	} {
		p, ok := list.Lookup(name)
		if got := p.Cost(price.Tokens{Input: 1000}); ok != (want != "") || ok && got != thousand(t, want) {
			t.Errorf("%q: %v, %s; want %s", name, ok, got, want)
		}
	}
}

// thousand is what 1000 cost.
func thousand(t testing.TB, each string) money.Amount {
	t.Helper()
	cost, err := money.Parse(each + "e3")
	if err != nil {
		t.Fatal(err)
	}
	return cost
}

// TestNothingIsDearerThanWhatStandsIn: a model that has no price costs no less than any
// that has one.
func TestNothingIsDearerThanWhatStandsIn(t *testing.T) {
	t.Parallel()
	list := price.BuiltIn()
	if n := len(price.Names()); n < 40 {
		t.Errorf("%d models are listed", n)
	}
	standIn, basis := list.For("acme/unknown")
	if basis != price.Dearest {
		t.Fatalf("basis %s", basis)
	}
	names := rapid.SampledFrom(price.Names())
	rapid.Check(t, func(t *rapid.T) {
		name := names.Draw(t, "model")
		of, basis := list.For(name)
		if basis != price.Listed {
			t.Fatalf("%s: %s", name, basis)
		}
		used := price.Tokens{Input: tokens().Draw(t, "input"), Output: tokens().Draw(t, "output")}
		used.CachedInput = rapid.Int64Range(0, used.Input).Draw(t, "cached")
		if used.Input > 1000 && (of.Cost(used) == 0 || of.Cost(used) > standIn.Cost(used)) {
			t.Fatalf("%s: %s, and what is unknown %s", name, of.Cost(used), standIn.Cost(used))
		}
	})
}
