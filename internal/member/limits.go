package member

import (
	"time"

	"roster/internal/fault"
	"roster/internal/organization"
	"roster/internal/spending"
)

// ErrOwnLimit keeps a member from giving themselves more.
var ErrOwnLimit = fault.New(fault.Forbidden, "own_limit", "Only an owner raises a limit that binds themselves.")

// Chosen are the limits that were chosen for the member: since they came, or by the
// invitation.
func (m Member) Chosen() spending.Chosen { return spending.First(m.Terms.Limits, m.Offer.limits()) }

// limits are those that were offered.
func (o *Offer) limits() *spending.Chosen {
	if o == nil {
		return nil
	}
	return &spending.Chosen{Preset: o.Preset, MonthlyLimit: o.MonthlyLimit, DailyLimit: o.DailyLimit}
}

// Limits are what binds the member in their organization: what was chosen for them, or
// else the organization's defaults.
func (m Member) Limits(o organization.Organization) spending.Binding {
	return spending.Resolve(m.Chosen().Overrides(), o.DefaultLimits())
}

// Limit changes the limits of an active or suspended member of an organization.
func (m Member) Limit(by Caller, p spending.Patch, o organization.Organization, now time.Time) (Member, error) {
	if err := m.present(); err != nil {
		return m, err
	}
	if err := MayChange(by, m); err != nil {
		return m, err
	}
	chosen := m.Chosen()
	next := p.Apply(chosen, by.User(), now)
	before, after := spending.Resolve(chosen.Overrides(), o.DefaultLimits()), spending.Resolve(next.Overrides(), o.DefaultLimits())
	raises := after.Limits().Exceed(before.Limits()) || next.Over(o.DefaultRates()).Exceed(chosen.Over(o.DefaultRates()))
	if m.ID == by.User() && !by.IsOwner() && raises {
		return m, ErrOwnLimit
	}
	if !next.Same(chosen) {
		m.Terms.Limits = &next
	}
	return m, nil
}
