package billing

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/pool"
	"roster/internal/spent"
)

// GetBilling shows the billing settings, and what the organization spent this month
// so far.
func (s Service) GetBilling(ctx context.Context, by access.Actor, _ api.None) (Answer, error) {
	p, err := s.profile(ctx, by.Organization())
	if err != nil {
		return Answer{}, err
	}
	now := s.Now()
	month := Month(spent.Month(now, by.Location()))
	spend, err := s.spend(ctx, by.Organization(), month)
	if err != nil {
		return Answer{}, err
	}
	return p.answer(now, month, spend), nil
}

// spend is what all members spent in a month: that of the organization's pool.
func (s Service) spend(ctx context.Context, org id.Organization, month Month) (money.Amount, error) {
	state, err := pool.Pool{Organization: org, Month: string(month)}.Read(ctx, s.Table, s.Now())
	return state.Month.Cost, err
}
