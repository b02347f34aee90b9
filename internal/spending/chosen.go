package spending

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/money"
)

// Unlimited is how Chosen keeps a limit that is explicitly none.
const Unlimited = "unlimited"

// Chosen is what somebody chose for a member, a team, a key or an organization, as
// its item holds it: a preset, and figures, which go before it.
type Chosen struct {
	Preset       string  `dynamodbav:"preset,omitempty"`
	MonthlyLimit *string `dynamodbav:"monthly_limit,omitempty"` // USD, decimal
	DailyLimit   *string `dynamodbav:"daily_limit,omitempty"`   // USD, decimal
	RateOverrides
	// By is who chose, and At when.
	By id.User   `dynamodbav:"set_by,omitempty"`
	At time.Time `dynamodbav:"set_at,unixtime,omitempty"`
}

// First is the first choice that was made; of none, one of nothing.
func First(choices ...*Chosen) Chosen {
	for _, c := range choices {
		if c != nil {
			return *c
		}
	}
	return Chosen{}
}

// Overrides are the owner's own limits.
func (c Chosen) Overrides() Overrides {
	limits, named := Presets[c.Preset]
	return Overrides{
		cmp.Or(figure(c.MonthlyLimit), Override{named, limits.Monthly}),
		cmp.Or(figure(c.DailyLimit), Override{named, limits.Daily}),
	}
}

// Limits are those of an owner who inherits none.
func (c Chosen) Limits() Limits {
	own := c.Overrides()
	return Limits{own.Monthly.Amount, own.Daily.Amount}
}

// Same reports whether the two choose the same, whoever did.
func (c Chosen) Same(as Chosen) bool {
	equal := func(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }
	return c.Preset == as.Preset && equal(c.MonthlyLimit, as.MonthlyLimit) && equal(c.DailyLimit, as.DailyLimit) &&
		c.RateOverrides.same(as.RateOverrides)
}

// Recorded is what an audit event shows, by the API's names.
func (c Chosen) Recorded() map[string]any {
	shown := func(limit *string) any {
		if limit == nil {
			return Inherit
		}
		return *limit
	}
	all := map[string]any{"preset": c.Preset, "monthly_limit": shown(c.MonthlyLimit), "daily_limit": shown(c.DailyLimit)}
	c.RateOverrides.record(all)
	return all
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

// Kept is how Chosen keeps a limit that was given: null is unlimited.
func Kept(limit field.Optional[money.Amount]) *string {
	switch {
	case !limit.Given:
		return nil
	case limit.Null:
		return new(Unlimited)
	}
	return new(limit.Value.String())
}

// kept is how Chosen keeps an Override.
func (o Override) kept() *string {
	switch {
	case !o.Set:
		return nil
	case o.Amount == nil:
		return new(Unlimited)
	}
	return new(o.Amount.String())
}

// Preset names a pair of limits.
type Preset string

// Bot is the preset that stands for no figures: whoever names it says them.
const Bot Preset = "bot"

// PresetNames are all presets.
var PresetNames = []Preset{"new_member", "regular_user", "power_user", "developer", Bot}

func (p *Preset) UnmarshalText(b []byte) error {
	if !slices.Contains(PresetNames, Preset(b)) {
		return errors.New("is not one of new_member, regular_user, power_user, developer and bot")
	}
	*p = Preset(b)
	return nil
}
