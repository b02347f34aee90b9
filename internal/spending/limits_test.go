package spending_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"roster/internal/money"
	"roster/internal/spending"
)

func TestWhatBindsAMember(t *testing.T) {
	t.Parallel()
	usd := func(n money.Amount) *money.Amount { return new(n * money.USD) }
	defaults := spending.Limits{Monthly: usd(30), Daily: nil}
	for name, tt := range map[string]struct {
		own  spending.Chosen
		want spending.Binding
	}{
		"nothing of their own": {spending.Chosen{}, spending.Binding{MonthlyLimit: usd(30),
			Origin: spending.Origins{MonthlyLimit: "organization", DailyLimit: "organization"}}},
		"a preset": {spending.Chosen{Preset: "new_member"}, spending.Binding{MonthlyLimit: usd(50), DailyLimit: usd(5),
			Origin: spending.Origins{MonthlyLimit: "member", DailyLimit: "member"}}},
		"a figure goes before a preset": {spending.Chosen{Preset: "developer", DailyLimit: new("0")},
			spending.Binding{MonthlyLimit: usd(200), DailyLimit: usd(0),
				Origin: spending.Origins{MonthlyLimit: "member", DailyLimit: "member"}}},
		"unlimited is a limit of one's own": {spending.Chosen{MonthlyLimit: new(spending.Unlimited)},
			spending.Binding{Origin: spending.Origins{MonthlyLimit: "member", DailyLimit: "organization"}}},
		"the preset without figures": {spending.Chosen{Preset: "bot", MonthlyLimit: new("1.5"), DailyLimit: new("0.25")},
			spending.Binding{MonthlyLimit: new(3 * money.USD / 2), DailyLimit: new(money.USD / 4),
				Origin: spending.Origins{MonthlyLimit: "member", DailyLimit: "member"}}},
	} {
		if diff := cmp.Diff(tt.want, spending.Resolve(tt.own.Overrides(), defaults)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestMoreIsAnOrder: unlimited is more than any amount, and no two limits are each
// more than the other.
func TestMoreIsAnOrder(t *testing.T) {
	t.Parallel()
	limit := rapid.Custom(func(t *rapid.T) *money.Amount {
		if rapid.Bool().Draw(t, "unlimited") {
			return nil
		}
		return new(money.Amount(rapid.Int64Range(0, 3).Draw(t, "amount")))
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := limit.Draw(t, "a"), limit.Draw(t, "b")
		equal := a == b || a != nil && b != nil && *a == *b
		if spending.More(a, b) && spending.More(b, a) || equal == (spending.More(a, b) || spending.More(b, a)) {
			t.Fatalf("%v and %v", a, b)
		}
	})
}
