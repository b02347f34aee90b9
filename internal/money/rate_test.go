package money_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"roster/internal/money"
)

func TestParseRate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]money.Rate{
		"0": 0, "-0": 0, "0e99": 0, "1": money.MaxRate, "1.000000000000000000000": money.MaxRate, "10e-1": money.MaxRate,
		"0.00000125": 1_250_000_000_000, "1.25e-06": 1_250_000_000_000, "1e-18": 1, "0.000000000000000001": 1, "100e-20": 1,
	} {
		if got, err := money.ParseRate(text); err != nil || got != want {
			t.Errorf("ParseRate(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "-1", "-1e-18", "1e-19", "0.0000000000000000011", "1.000000000000000001", "2", "1e400", "1e-400", "99999999999999999999", "01", "NaN",
	} {
		if got, err := money.ParseRate(text); err == nil {
			t.Errorf("ParseRate(%q) = %d, want a refusal", text, got)
		}
	}
	for _, text := range []string{`null`, `true`, `{}`, `""`, `"abc"`, `-1`} {
		var r money.Rate
		if err := json.Unmarshal([]byte(text), &r); err == nil {
			t.Errorf("%s was read as %s", text, r)
		}
	}
}

func rates() *rapid.Generator[money.Rate] {
	return rapid.OneOf(
		rapid.Map(rapid.Int64Range(0, int64(money.MaxRate)), func(n int64) money.Rate { return money.Rate(n) }),
		rapid.Map(rapid.Int64Range(0, 1e6), func(n int64) money.Rate { return money.Rate(n * 1e9) }),
		rapid.Map(rapid.Int64Range(0, 1e12), func(n int64) money.Rate { return money.Rate(n) }),
	)
}

func counts() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64Range(0, 1e9), rapid.Int64Range(0, 20), rapid.Int64Range(0, math.MaxInt64))
}

func TestTextAndRateAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rates().Draw(t, "rate")
		if got, err := money.ParseRate(want.String()); err != nil || got != want {
			t.Fatalf("%d is written as %s, which reads as %d, %v", want, want, got, err)
		}
	})
}

// TestSumsAgreeWithExactArithmetic rounds sums of products once, half up, as big
// numbers do.
func TestSumsAgreeWithExactArithmetic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var sum money.Exact
		exact := new(big.Int)
		for range rapid.IntRange(0, 12).Draw(t, "terms") {
			rate, n := rates().Draw(t, "rate"), counts().Draw(t, "n")
			sum = sum.Plus(rate.Times(n))
			exact.Add(exact, new(big.Int).Mul(big.NewInt(int64(rate)), big.NewInt(n)))
		}
		exact.Add(exact, big.NewInt(5e8)).Div(exact, big.NewInt(1e9))
		if !exact.IsInt64() {
			exact.SetInt64(math.MaxInt64)
		}
		if got := sum.Round(); int64(got) != exact.Int64() {
			t.Fatalf("%d, want %s", got, exact)
		}
	})
}

// TestRoomIsTheGreatestThatFits: with as many the sum fits, with one more it does not.
func TestRoomIsTheGreatestThatFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base := rates().Draw(t, "base").Times(counts().Draw(t, "n"))
		rate := rates().Draw(t, "rate")
		limit := money.Amount(counts().Draw(t, "limit"))
		if rapid.Bool().Draw(t, "tight") {
			limit = base.Plus(rate.Times(rapid.Int64Range(0, 1000).Draw(t, "about"))).Round()
		}
		fits := func(n int64) bool { return base.Plus(rate.Times(n)).Round() <= limit }
		switch n := base.Room(rate, limit); {
		case n == -1:
			if fits(0) {
				t.Fatal("nothing more is said to be too much")
			}
		case !fits(n):
			t.Fatalf("%d do not fit", n)
		case n < math.MaxInt64 && fits(n+1):
			t.Fatalf("%d are not the most", n)
		}
	})
}
