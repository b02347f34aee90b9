package member

import (
	"roster/internal/organization"
	"roster/internal/spending"
)

// Limits are what binds the member in their organization: what the invitation
// offered, or else the organization's defaults.
func (m Member) Limits(o organization.Organization) spending.Binding {
	var own spending.Overrides
	if m.Offer != nil {
		own = spending.Chosen{
			Preset: m.Offer.Preset, MonthlyLimit: m.Offer.MonthlyLimit, DailyLimit: m.Offer.DailyLimit,
		}.Overrides()
	}
	return spending.Resolve(own, o.DefaultLimits())
}
