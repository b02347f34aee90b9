package member

import (
	"time"

	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/organization"
	"roster/internal/spending"
)

// ErrOwnLimit keeps a member from giving themselves more.
var ErrOwnLimit = fault.New(fault.Forbidden, "own_limit", "Only an owner raises a limit that binds themselves.")

// Chosen are the limits that were chosen for the member to last: since they came, or by
// the invitation.
func (m Member) Chosen() spending.Chosen { return spending.First(m.Terms.Limits, m.Offer.limits()) }

// limits are those that were offered.
func (o *Offer) limits() *spending.Chosen {
	if o == nil {
		return nil
	}
	return &spending.Chosen{Preset: o.Preset, MonthlyLimit: o.MonthlyLimit, DailyLimit: o.DailyLimit}
}

// Limits are what binds the member at a time in their organization: what was chosen for
// them, for a time or to last, or else the organization's defaults.
func (m Member) Limits(o organization.Organization, now time.Time) spending.Binding {
	return spending.Resolve(m.Temporary.Over(m.Chosen().Overrides(), now), o.DefaultLimits())
}

// LastingLimits are what binds the member when nothing that ends goes before it.
func (m Member) LastingLimits(o organization.Organization) spending.Binding {
	return spending.Resolve(m.Chosen().Overrides(), o.DefaultLimits())
}

// Limit changes the limits of an active or suspended member of an organization: those
// that last, which ends others; or, until a time, others that go before them.
func (m Member) Limit(by Caller, p spending.Patch, until time.Time, o organization.Organization, now time.Time) (Member, error) {
	if err := m.present(); err != nil {
		return m, err
	}
	if err := MayChange(by, m); err != nil {
		return m, err
	}
	next := m
	if until.IsZero() {
		next = m.limitLasting(p, by.User(), now)
	} else {
		if err := Ahead(until, now, "/until"); err != nil {
			return m, err
		}
		next.Temporary = m.temporary(p, until, by.User(), now)
	}
	raises := next.Limits(o, now).Limits().Exceed(m.Limits(o, now).Limits()) ||
		next.LastingLimits(o).Limits().Exceed(m.LastingLimits(o).Limits()) ||
		next.Chosen().Over(o.DefaultRates()).Exceed(m.Chosen().Over(o.DefaultRates()))
	if m.ID == by.User() && !by.IsOwner() && raises {
		return m, ErrOwnLimit
	}
	return next, nil
}

func (m Member) limitLasting(p spending.Patch, by id.User, now time.Time) Member {
	chosen := m.Chosen()
	next := p.Apply(chosen, by, now)
	if !next.Same(chosen) {
		m.Terms.Limits = &next
	}
	if m.Temporary.Live(now) && p.HasAmounts() {
		m.Temporary = nil
	}
	return m
}

// temporary are the member's limits until a time, with what the patch changes of those
// that bind for a time already.
func (m Member) temporary(p spending.Patch, until time.Time, by id.User, now time.Time) *spending.Temporary {
	var before spending.Chosen
	if m.Temporary.Live(now) {
		before = m.Temporary.Chosen
	}
	next := &spending.Temporary{Chosen: p.Apply(before, by, now), Until: until}
	switch {
	case next.SameAs(m.Temporary):
		return m.Temporary
	case next.By == "": // it ends at another time, or chooses nothing
		next.By, next.At = by, now
	}
	return next
}
