// Package limitrequest lets members ask for more than they may spend, and those who
// manage them decide.
//
// A member has one open request: asking again renews it. Deciding moves it, in the
// transaction that changes the member's limits.
package limitrequest

import (
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/route"
	"roster/internal/spending"
)

// Service has the use cases of limit requests.
type Service struct{ *env.Env }

// Endpoints are the routes of limit requests.
func Endpoints(e *env.Env) []api.Endpoint {
	s := Service{e}
	return []api.Endpoint{
		api.Handle(route.RequestLimit, access.Member(e), s.RequestLimit),
		api.Handle(route.ListLimitRequests, access.Member(e), s.List),
		api.Handle(route.ApproveLimitRequest, access.Member(e), s.Approve),
		api.Handle(route.DeclineLimitRequest, access.Member(e), s.Decline),
	}
}

var (
	errNotFound = fault.New(fault.NotFound, "limit_request_not_found", "There is no such limit request.")
	errApproved = fault.New(fault.Conflict, "limit_request_approved", "The limit request was approved already.")
	errDeclined = fault.New(fault.Conflict, "limit_request_declined", "The limit request was declined already.")
)

// Status of a limit request.
type Status string

const (
	Open     Status = "open"
	Approved Status = "approved"
	Declined Status = "declined"
)

// Statuses are all of them.
var Statuses = []Status{Open, Approved, Declined}

// Amounts are limits that are asked for, or granted: at least one of them.
type Amounts struct {
	// MonthlyLimit and DailyLimit are in USD; null is unlimited. What is absent stays.
	MonthlyLimit field.Optional[money.Amount] `json:"monthly_limit,omitzero"`
	DailyLimit   field.Optional[money.Amount] `json:"daily_limit,omitzero"`
}

// patch changes a member's limits to the amounts.
func (a Amounts) patch() spending.Patch {
	figure := func(of field.Optional[money.Amount]) field.Optional[spending.Figure] {
		return field.Optional[spending.Figure]{Given: of.Given, Null: of.Null, Value: spending.Figure{Amount: of.Value}}
	}
	return spending.Patch{MonthlyLimit: figure(a.MonthlyLimit), DailyLimit: figure(a.DailyLimit)}
}

// recorded is what an audit event shows, by the API's names.
func (a Amounts) recorded() map[string]any {
	all := map[string]any{}
	for name, of := range map[string]field.Optional[money.Amount]{"monthly_limit": a.MonthlyLimit, "daily_limit": a.DailyLimit} {
		if kept := spending.Kept(of); kept != nil {
			all[name] = *kept
		}
	}
	return all
}

// Answer is one limit request.
type Answer struct {
	LimitRequest View `json:"limit_request"`
}

// View is a limit request.
type View struct {
	ID     id.LimitRequest `json:"id"`
	User   id.User         `json:"user_id"`
	Status Status          `json:"status"`
	Amounts
	// Until is when the limits are to end by themselves; absent, they are to last.
	Until  time.Time    `json:"until,omitzero"`
	Reason field.Reason `json:"reason"`
	// CreatedAt is when the member asked first, and UpdatedAt when they did last, or when
	// it was decided.
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	// Decision is absent while the request is open.
	Decision *DecisionView `json:"decision,omitzero"`
}

// DecisionView says who decided, and how.
type DecisionView struct {
	By id.User `json:"by"`
	// Reason is that of declining.
	Reason field.Reason `json:"reason,omitzero"`
	// Amounts are what was granted; of a declined request, none.
	Amounts
	Until time.Time `json:"until,omitzero"`
}
