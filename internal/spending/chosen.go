package spending

import (
	"cmp"

	"roster/internal/money"
)

// Unlimited is how Chosen keeps a limit that is explicitly none.
const Unlimited = "unlimited"

// Chosen is what somebody chose for a member, as the member's item holds it: a
// preset, and figures, which go before it.
type Chosen struct {
	Preset       string  `dynamodbav:"preset,omitempty"`
	MonthlyLimit *string `dynamodbav:"monthly_limit,omitempty"` // USD, decimal
	DailyLimit   *string `dynamodbav:"daily_limit,omitempty"`   // USD, decimal
}

// Overrides are the member's own limits.
func (c Chosen) Overrides() Overrides {
	limits, named := Presets[c.Preset]
	return Overrides{
		cmp.Or(figure(c.MonthlyLimit), Override{named, limits.Monthly}),
		cmp.Or(figure(c.DailyLimit), Override{named, limits.Daily}),
	}
}

func figure(stored *string) Override {
	switch {
	case stored == nil:
		return Override{}
	case *stored == Unlimited:
		return Override{Set: true}
	}
	amount, err := money.Parse(*stored)
	if err != nil {
		panic("spending: stored limit: " + err.Error())
	}
	return Override{true, &amount}
}
