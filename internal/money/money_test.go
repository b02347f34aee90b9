package money_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"roster/internal/money"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]money.Amount{
		"0": 0, "-0": 0, "-0.0e5": 0, "45.50": 45_500_000_000, "1e-9": 1, "0.000000001": 1, "4.55E1": 45_500_000_000,
		"0.0000000005": 0, "0.0000000015": 2, "0.0000000025": 2, "0.00000000050000001": 1, "0.00000000049999999": 0,
		"1000000000": money.Max, "1e9": money.Max, "1000000000.0000000005": money.Max,
		"1e-999999999999": 0, "0e99999": 0, "0.0000000000009": 0, "100e-2": money.USD,
	} {
		if got, err := money.Parse(text); err != nil || got != want {
			t.Errorf("Parse(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "-", ".5", "5.", "01", "+1", "1e", "1e+", "1 ", " 1", "0x1", "NaN", "Infinity", "1_000", "1,5", "1.2.3", "--1", "１",
		"-1", "-1e-20", "1e10", "1000000000.000000001", "1e999999999999", "99999999999999999999",
	} {
		if got, err := money.Parse(text); err == nil {
			t.Errorf("Parse(%q) = %d, want a refusal", text, got)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`45.50`: `45.5`, `"45.50"`: `45.5`, `1e-9`: `0.000000001`, `0.1`: `0.1`, `100`: `100`, `"0"`: `0`,
	} {
		var a money.Amount
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := json.Marshal(a); err != nil || string(got) != want {
			t.Errorf("%s comes back as %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{`null`, `true`, `[1]`, `{}`, `""`, `"abc"`, `-1`} {
		var a money.Amount
		if err := json.Unmarshal([]byte(text), &a); err == nil {
			t.Errorf("%s was read as %s", text, a)
		}
	}
}

func TestNegativeAmounts(t *testing.T) {
	t.Parallel()
	for amount, want := range map[money.Amount]string{-1: "-0.000000001", -1_500_000_000: "-1.5", math.MinInt64: "-9223372036.854775808"} {
		if got := amount.String(); got != want {
			t.Errorf("%d: %s, not %s", int64(amount), got, want)
		}
	}
	if got := money.Amount(-5).Plus(3); got != -2 {
		t.Errorf("%d", int64(got))
	}
	if got := money.Amount(math.MinInt64 + 1).Plus(-5); got != math.MinInt64 {
		t.Errorf("%d", int64(got))
	}
}

func TestPlusStaysAtTheLargest(t *testing.T) {
	t.Parallel()
	if got := money.Amount(math.MaxInt64 - 1).Plus(5); got != math.MaxInt64 {
		t.Errorf("got %d", got)
	}
	if got := money.USD.Plus(1); got != 1_000_000_001 {
		t.Errorf("got %d", got)
	}
}

func TestTextAndAmountAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := money.Amount(rapid.Int64Range(0, int64(money.Max)).Draw(t, "nano"))
		if got, err := money.Parse(want.String()); err != nil || got != want {
			t.Fatalf("%d is written as %s, which reads as %d, %v", want, want, got, err)
		}
	})
}

// reference rounds as math/big does: the nearest, half to even.
func reference(text string) (*big.Int, bool) {
	exact, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, false
	}
	exact.Mul(exact, big.NewRat(int64(money.USD), 1))
	whole, rest := new(big.Int).QuoRem(exact.Num(), exact.Denom(), new(big.Int))
	switch rest.Lsh(rest, 1).CmpAbs(exact.Denom()) {
	case 1:
		whole.Add(whole, big.NewInt(1))
	case 0:
		whole.Add(whole, big.NewInt(int64(whole.Bit(0))))
	}
	return whole, true
}

func TestRoundingAgreesWithExactArithmetic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`(0|[1-9][0-9]{0,8})\.[0-9]{7,10}[05]{0,3}0{0,3}(e-?[0-3])?`).Draw(t, "text")
		want, _ := reference(text)
		got, err := money.Parse(text)
		if tooLarge := want.Cmp(big.NewInt(int64(money.Max))) > 0; tooLarge != (err != nil) {
			t.Fatalf("Parse(%q): %v, exact %s", text, err, want)
		}
		if err == nil && want.Int64() != int64(got) {
			t.Fatalf("Parse(%q) = %d, want %s", text, got, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0", "45.50", "1e-9", "-0", "1e9", "0.0000000005", "01", "1e99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := money.Parse(text)
		if err != nil {
			return
		}
		if got < 0 || got > money.Max {
			t.Fatalf("Parse(%q) = %d is out of bounds", text, got)
		}
		if again, err := money.Parse(got.String()); err != nil || again != got {
			t.Fatalf("%s reads as %d, %v", got, again, err)
		}
		if !jsontext.Value(text).IsValid() {
			t.Fatalf("Parse(%q) reads what is no JSON number", text)
		}
	})
}
