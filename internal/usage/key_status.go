package usage

import (
	"context"
	"errors"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/calendar"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/model"
	"roster/internal/money"
)

// Status is how the caller stands: answered to every active member, also to one
// who may not use models.
type Status struct {
	// Key is the one that asks; null for an access token.
	Key          *KeyView        `json:"key"`
	Member       MemberView      `json:"member"`
	Organization id.Organization `json:"organization_id"`
	// Allowed and Code are what authorize would answer.
	Allowed bool   `json:"allowed"`
	Code    string `json:"code"`
	// AllowedModels are those that may be called, where not all may.
	AllowedModels model.List `json:"allowed_models,omitzero"`
	// Spend is what the member spent; asked through a test key, what they did with such.
	Spend     Spend     `json:"spend"`
	Remaining Remaining `json:"remaining"`
	ResetsAt  Resets    `json:"resets_at"`
	// Limits are those that bind the key's calls.
	Limits []Bound `json:"limits,omitzero"`
	// Rates are how much may be asked for through it in a minute, and at once.
	Rates []Rate `json:"rates,omitzero"`
}

// KeyView is an API key without its secret.
type KeyView struct {
	ID        id.Key    `json:"id"`
	Name      string    `json:"name"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Test: the key is for a sandbox.
	Test bool `json:"test,omitzero"`
}

// MemberView is who asks.
type MemberView struct {
	ID     id.User       `json:"user_id"`
	Email  string        `json:"email,omitzero"`
	Name   string        `json:"name"`
	Role   string        `json:"role"`
	Status access.Status `json:"status"`
}

// Spend is what was spent in the current day and month.
type Spend struct {
	Daily   money.Amount `json:"daily_usd"`
	Monthly money.Amount `json:"monthly_usd"`
}

// KeyStatus answers how the caller stands.
func (g Gate) KeyStatus(ctx context.Context, by access.Caller, _ api.None) (Status, error) {
	now := g.Now()
	local := now.In(by.Own.Location())
	counted, err := readMonth(ctx, g.Table, by.Organization(), by.Own, month{by.User(), local.Format(calendar.MonthForm), by.Key().Test()})
	if err != nil {
		return Status{}, err
	}
	out := Status{
		Member: MemberView{
			ID: by.User(), Email: by.Email(), Name: by.Name(), Role: by.Role(), Status: by.Own.Status(),
		},
		Organization: by.Organization(), Allowed: true, Code: CodeOK, AllowedModels: by.Own.AllowedModels(),
		Spend:    Spend{Daily: counted.days[local.Day()].Cost, Monthly: counted.total.Cost},
		ResetsAt: resetsAfter(now, by.Own.Location()),
	}
	if record, ok := by.Own.Key(by.Key()); ok {
		out.Key = &KeyView{ID: by.Key(), Name: record.Name, ExpiresAt: record.ExpiresAt, Test: by.Key().Test()}
	}
	b, err := g.pools.binding(ctx, counted, by.Organization(), by.Own, by.Key(), now)
	if err != nil {
		return Status{}, err
	}
	out.Limits, out.Rates, out.Remaining = b.limits, b.rates, remaining(b.limits)
	_, refused := g.path.Admit(ctx, by.Own, "")
	if f := b.refusal(now); refused == nil && f != nil {
		refused = f
	}
	if f, ok := errors.AsType[*fault.Error](refused); ok && (f.Kind == fault.Forbidden || f.Kind == fault.TooMany) {
		out.Allowed, out.Code, refused = false, f.Code, nil
	}
	return out, refused
}
