// Package spending says which limits bind a member, and where each comes from.
package spending

import "roster/internal/money"

// Limits are amounts of USD within a month and within a day; nil is unlimited.
type Limits struct{ Monthly, Daily *money.Amount }

// Override is a limit of a member's own. Where it is not set, the organization's
// default binds.
type Override struct {
	Set    bool
	Amount *money.Amount // nil is unlimited
}

// Overrides are a member's own limits.
type Overrides struct{ Monthly, Daily Override }

// Presets are pairs of limits by their names. The preset "bot" is not among them:
// whoever names it says the figures.
var Presets = map[string]Limits{
	"new_member":   {new(50 * money.USD), new(5 * money.USD)},
	"regular_user": {new(100 * money.USD), new(15 * money.USD)},
	"power_user":   {new(500 * money.USD), new(50 * money.USD)},
	"developer":    {new(200 * money.USD), new(25 * money.USD)},
}

// Origin is where a limit comes from.
type Origin string

const (
	OfMember       Origin = "member"
	OfOrganization Origin = "organization"
)

// Binding is what binds a member.
type Binding struct {
	// MonthlyLimit and DailyLimit are in USD; null is unlimited, 0 is none.
	MonthlyLimit *money.Amount `json:"monthly_limit"`
	DailyLimit   *money.Amount `json:"daily_limit"`
	Origin       Origins       `json:"origin"`
}

// Origins are where the two limits come from: the member's own, or the
// organization's default.
type Origins struct {
	MonthlyLimit Origin `json:"monthly_limit"`
	DailyLimit   Origin `json:"daily_limit"`
}

// Resolve returns what binds a member with overrides in an organization with
// defaults.
func Resolve(own Overrides, defaults Limits) Binding {
	var b Binding
	b.MonthlyLimit, b.Origin.MonthlyLimit = own.Monthly.or(defaults.Monthly)
	b.DailyLimit, b.Origin.DailyLimit = own.Daily.or(defaults.Daily)
	return b
}

func (o Override) or(byDefault *money.Amount) (*money.Amount, Origin) {
	if o.Set {
		return o.Amount, OfMember
	}
	return byDefault, OfOrganization
}

// Limits are the two.
func (b Binding) Limits() Limits { return Limits{b.MonthlyLimit, b.DailyLimit} }

// Exceed reports whether one of the two limits admits more than another's.
func (l Limits) Exceed(than Limits) bool {
	return More(l.Monthly, than.Monthly) || More(l.Daily, than.Daily)
}

// More reports whether a limit admits more than another.
func More(limit, than *money.Amount) bool {
	switch {
	case than == nil:
		return false
	case limit == nil:
		return true
	}
	return *limit > *than
}
