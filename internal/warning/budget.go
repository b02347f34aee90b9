package warning

import (
	"context"
	"strconv"
	"time"

	"roster/internal/email"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/money"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/table"
)

// Budget is what an organization means to spend in a month, "2026-11". It stops nothing.
type Budget struct {
	Organization id.Organization
	Month        string
	Amount       money.Amount
	EndsAt       time.Time
	// Contact hears of it beside those who see the billing; empty, there is none.
	Contact email.Address
}

// BudgetThresholds are the percentages of a budget that are told.
var BudgetThresholds = organization.Thresholds{80, 100}

func (b Budget) key() table.Key {
	return table.BudgetWarning(b.Organization, b.Month, int64(b.Amount))
}

// RaiseBudget tells that so much of a budget is spent as a level says, unless that, or a
// higher level, was told before.
func (s Service) RaiseBudget(ctx context.Context, o organization.Organization, b Budget, level int, spent money.Amount) error {
	var note *Note
	if err := s.Table.GetSettled(ctx, table.Into(b.key(), &note)); err != nil || note != nil && note.Level >= level {
		return err
	}
	holders, err := member.Holders(ctx, s.Table, o, permission.BillingRead, managersTold)
	if err != nil {
		return err
	}
	data := mail.Data{Organization: string(o.Name), Percent: strconv.Itoa(level), Limit: b.Amount.String() + " USD", Amount: spent.String() + " USD"}
	if month, err := time.Parse("2006-01", b.Month); err == nil {
		data.Month = month.Format("January 2006")
	}
	mails, err := s.mailsTo(ctx, holders, b.Contact, mail.BudgetSpent, data)
	if err != nil {
		return err
	}
	return s.note(ctx, b.key(), b.EndsAt, level, mails)
}
