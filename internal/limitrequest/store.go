package limitrequest

import (
	"context"
	"time"

	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/spending"
	"roster/internal/table"
)

// request is a limit request as the table holds it. What the index does not need to show
// by itself is one attribute, for it carries 20.
type request struct {
	ID        id.LimitRequest `dynamodbav:"id"`
	Status    Status          `dynamodbav:"status"`
	Request   asked           `dynamodbav:"request"`
	CreatedAt time.Time       `dynamodbav:"created_at"`
	UpdatedAt time.Time       `dynamodbav:"updated_at"`
	table.Row
}

// asked is what was asked for, and what became of it.
type asked struct {
	terms
	Reason field.Reason `dynamodbav:"reason"`
	// By is who decided; empty, nobody did.
	By            id.User      `dynamodbav:"by,omitempty"`
	DeclineReason field.Reason `dynamodbav:"decline_reason,omitempty"`
	Granted       terms        `dynamodbav:"granted"`
}

// terms are limits, and when they end.
type terms struct {
	MonthlyLimit *string   `dynamodbav:"monthly_limit,omitempty"` // USD, decimal, or spending.Unlimited
	DailyLimit   *string   `dynamodbav:"daily_limit,omitempty"`   // USD, decimal, or spending.Unlimited
	Until        time.Time `dynamodbav:"until,omitempty"`
}

func termsOf(a Amounts, until time.Time) terms {
	return terms{spending.Kept(a.MonthlyLimit), spending.Kept(a.DailyLimit), until}
}

func (t terms) amounts() Amounts {
	limits := spending.Chosen{MonthlyLimit: t.MonthlyLimit, DailyLimit: t.DailyLimit}.Overrides()
	given := func(o spending.Override) field.Optional[money.Amount] {
		if !o.Set {
			return field.Optional[money.Amount]{}
		}
		if o.Amount == nil {
			return field.Optional[money.Amount]{Given: true, Null: true}
		}
		return field.Of(*o.Amount)
	}
	return Amounts{given(limits.Monthly), given(limits.Daily)}
}

func (t terms) same(as terms) bool {
	chosen := func(t terms) spending.Chosen {
		return spending.Chosen{MonthlyLimit: t.MonthlyLimit, DailyLimit: t.DailyLimit}
	}
	return chosen(t).Same(chosen(as)) && t.Until.Equal(as.Until)
}

// key of a request: the open one of a member, or one that was decided.
func (r request) key(org id.Organization) table.Key {
	if r.Status == Open {
		return table.OpenLimitRequest(org, r.ID.User())
	}
	return table.SettledLimitRequest(org, string(r.Status), r.ID)
}

// put is the Write of a request.
func (r request) put(org id.Organization) table.Write {
	r.Row = table.Row{ListPK: table.LimitRequestsOf(org, r.ID.User()), ListSK: string(r.ID)}
	return table.Write{Key: r.key(org), Put: r, If: table.Absent, Else: table.ErrChanged}
}

// renew is the Write that puts a request in the place of the open one that was read.
func (r request) renew(org id.Organization, read request) table.Write {
	w := r.put(org)
	w.If, w.Values = read.unchanged()
	return w
}

// remove is the Write that takes away the open request that was read.
func (r request) remove(org id.Organization) table.Write {
	w := table.Write{Key: r.key(org), Delete: true, Else: table.ErrChanged}
	w.If, w.Values = r.unchanged()
	return w
}

// unchanged is the condition that a request is as it was read.
func (r request) unchanged() (string, table.V) {
	return "#id = :id AND #updated_at = :updated_at", table.V{"id": r.ID, "updated_at": r.UpdatedAt}
}

// readOpen is the reading of a member's open request.
func readOpen(org id.Organization, user id.User, into **request) table.Read {
	return table.Into(table.OpenLimitRequest(org, user), into)
}

// settled reads a request that was decided; nil, it was not, or there is none.
func (s Service) settled(ctx context.Context, org id.Organization, of id.LimitRequest) (*request, error) {
	var approved, declined *request
	if err := s.Table.Get(ctx,
		table.Into(table.SettledLimitRequest(org, string(Approved), of), &approved),
		table.Into(table.SettledLimitRequest(org, string(Declined), of), &declined),
	); err != nil || approved != nil {
		return approved, err
	}
	return declined, nil
}

func (r request) view() View {
	v := View{
		ID: r.ID, User: r.ID.User(), Status: r.Status, Amounts: r.Request.amounts(), Until: r.Request.Until, Reason: r.Request.Reason,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	if r.Status != Open {
		granted := r.Request.Granted
		v.Decision = &DecisionView{r.Request.By, r.Request.DeclineReason, granted.amounts(), granted.Until}
	}
	return v
}

// decided is the open request with a decision.
func (r request) decided(as Status, by id.User, now time.Time) request {
	r.Status, r.Request.By, r.UpdatedAt = as, by, now
	return r
}
