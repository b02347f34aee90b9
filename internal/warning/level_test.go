package warning_test

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"roster/internal/money"
	"roster/internal/organization"
	"roster/internal/warning"
)

func TestLevels(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		thresholds   organization.Thresholds
		spent, limit money.Amount
		level        int
		near         bool
	}{
		{organization.DefaultThresholds, 0, 100, 0, false},
		{organization.DefaultThresholds, 69, 100, 0, false},
		{organization.DefaultThresholds, 70, 100, 0, true},
		{organization.DefaultThresholds, 79, 100, 0, true},
		{organization.DefaultThresholds, 80, 100, 80, true},
		{organization.DefaultThresholds, 99, 100, 90, true},
		{organization.DefaultThresholds, 100, 100, 100, true},
		{organization.DefaultThresholds, 500, 100, 100, true},
		{organization.DefaultThresholds, 0, 0, 0, false}, // nothing was to be spent, and nothing was
		{organization.DefaultThresholds, 1, 0, 100, true},
		{organization.DefaultThresholds, -1, 0, 0, false},
		{organization.Thresholds{5, 50}, 1, 1000, 0, true},
		{organization.Thresholds{70}, 100, 100, 70, true},
		{organization.Thresholds{}, 100, 100, 0, false},
	} {
		level, near := warning.Level(tt.thresholds, tt.spent, tt.limit), warning.Near(tt.thresholds, tt.spent, tt.limit)
		if level != tt.level || near != tt.near {
			t.Errorf("%d of %d at %v: level %d, near %t", tt.spent, tt.limit, tt.thresholds, level, near)
		}
	}
}

// TestLevelsAreExact at amounts whose hundredfold no int64 holds.
func TestLevelsAreExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		percent := rapid.IntRange(1, 100).Draw(t, "percent")
		limit := rapid.Int64Min(0).Draw(t, "limit")
		spent := rapid.OneOf(rapid.Int64Min(1), rapid.Just(max(1, limit/100*int64(percent)))).Draw(t, "spent")
		left := new(big.Int).Mul(big.NewInt(spent), big.NewInt(100))
		right := new(big.Int).Mul(big.NewInt(limit), big.NewInt(int64(percent)))
		want := 0
		if left.Cmp(right) >= 0 {
			want = percent
		}
		if got := warning.Level(organization.Thresholds{percent}, money.Amount(spent), money.Amount(limit)); got != want {
			t.Fatalf("%d of %d is not at %d percent: %d", spent, limit, percent, got)
		}
	})
}
