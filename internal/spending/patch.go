package spending

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/money"
)

// Patch changes what is chosen; what is absent stays.
type Patch struct {
	// Preset names a pair of limits, in place of figures that were chosen before; null
	// takes a preset away.
	Preset field.Optional[Preset] `json:"preset,omitzero"`
	// MonthlyLimit and DailyLimit are in USD: null is unlimited, 0 is none, "inherit"
	// leaves it to what stands behind: the organization's default for its members.
	MonthlyLimit field.Optional[Figure] `json:"monthly_limit,omitzero"`
	DailyLimit   field.Optional[Figure] `json:"daily_limit,omitzero"`
	RatePatch
}

// Figure is an amount of USD, or Inherit.
type Figure struct {
	Amount  money.Amount
	Inherit bool
}

// Inherit is how a Figure says that there is none.
const Inherit = "inherit"

// UnmarshalJSONFrom reads what money.Amount does, or "inherit".
func (f *Figure) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '"' {
		return f.Amount.UnmarshalJSONFrom(d)
	}
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	if token.String() == Inherit {
		f.Inherit = true
		return nil
	}
	f.Amount, err = money.Parse(token.String())
	return err
}

// Validate refuses a patch that says nothing, and the preset without figures if none
// are given.
func (p Patch) Validate() []fault.Field {
	if !p.HasAmounts() && !p.RatePatch.given() {
		return []fault.Field{{Pointer: "/monthly_limit", Reason: "or daily_limit or preset is required"}}
	}
	var faults []fault.Field
	for pointer, given := range map[string]bool{"/monthly_limit": p.MonthlyLimit.Given, "/daily_limit": p.DailyLimit.Given} {
		if p.Preset.Value == Bot && !given {
			faults = append(faults, fault.Field{Pointer: pointer, Reason: "is required with preset bot"})
		}
	}
	return faults
}

// HasAmounts reports whether it says anything of what may be spent.
func (p Patch) HasAmounts() bool { return p.Preset.Given || p.MonthlyLimit.Given || p.DailyLimit.Given }

// Apply returns what is chosen after the patch. Where it comes to the same, who chose
// it stays who did.
func (p Patch) Apply(to Chosen, by id.User, at time.Time) Chosen {
	next := to
	switch {
	case p.Preset.Given:
		next = Chosen{Preset: string(p.Preset.Value), RateOverrides: to.RateOverrides}
	case to.Preset != "" && (p.MonthlyLimit.Given || p.DailyLimit.Given): // one figure takes the place of the preset, whose other one stays
		own := to.Overrides()
		next = Chosen{MonthlyLimit: own.Monthly.kept(), DailyLimit: own.Daily.kept(), RateOverrides: to.RateOverrides}
	}
	replace(&next.MonthlyLimit, p.MonthlyLimit)
	replace(&next.DailyLimit, p.DailyLimit)
	next.RateOverrides = p.RatePatch.Apply(next.RateOverrides)
	if next.Same(to) {
		return to
	}
	next.By, next.At = by, at.Truncate(time.Second) // as it is kept
	return next
}

func replace(kept **string, figure field.Optional[Figure]) {
	switch {
	case !figure.Given:
	case figure.Null:
		*kept = new(Unlimited)
	case figure.Value.Inherit:
		*kept = nil
	default:
		*kept = new(figure.Value.Amount.String())
	}
}
