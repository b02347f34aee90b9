package limitrequest

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/money"
	"roster/internal/organization"
	"roster/internal/outbox"
	"roster/internal/spending"
	"roster/internal/table"
	"roster/internal/throttle"
)

// AskRequest asks for more than the caller may spend.
type AskRequest struct {
	Amounts
	// Until is when the limits are to end by themselves: an instant, or a day, which means
	// its end in the organization's time zone. Absent, they are to last.
	Until  *member.EndDate `json:"until,omitzero"`
	Reason field.Reason    `json:"reason" required:"true"`
}

// Validate refuses a request for nothing.
func (in AskRequest) Validate() []fault.Field {
	var faults []fault.Field
	if !in.MonthlyLimit.Given && !in.DailyLimit.Given {
		faults = append(faults, fault.Field{Pointer: "/monthly_limit", Reason: "or daily_limit is required"})
	}
	if in.Reason == "" {
		faults = append(faults, fault.Field{Pointer: "/reason", Reason: "is empty"})
	}
	return faults
}

// Asked is an open request.
type Asked struct {
	Answer
	repeat bool
}

// StatusCode is 200 where the member had an open request.
func (a Asked) StatusCode() int {
	if a.repeat {
		return 200
	}
	return 201
}

// requests bounds how often a member has mails sent to those who decide.
var requests = throttle.Limit{Name: "limit-request", Times: 10, Per: time.Hour}

// managersTold bounds how many hear of a request: a transaction has 100 writes.
const managersTold = 50

// RequestLimit asks those who manage members, by mail, for more than the caller may
// spend. Asking again renews the open request, and tells them again; the same again
// changes nothing.
func (s Service) RequestLimit(ctx context.Context, by access.Actor, in AskRequest) (Asked, error) {
	now, org, counted := s.Now(), by.Organization(), false
	wanted := asked{terms: termsOf(in.Amounts, in.until(by.Location())), Reason: in.Reason}
	if !wanted.Until.IsZero() {
		if err := member.Ahead(wanted.Until, now, "/until"); err != nil {
			return Asked{}, err
		}
	}
	var out Asked
	err := table.Retry(ctx, func() error {
		var (
			o    *organization.Organization
			m    *member.Member
			open *request
		)
		if err := s.Table.Get(ctx, organization.Read(org, &o), member.Read(org, by.User(), &m), readOpen(org, by.User(), &open)); err != nil {
			return err
		}
		if o == nil || m == nil {
			return member.ErrNotFound
		}
		if open != nil && open.Request.same(wanted.terms) && open.Request.Reason == wanted.Reason {
			out = Asked{Answer{open.view()}, true}
			return nil
		}
		if err := in.asksMoreThan(m.Limits(*o, now)); err != nil {
			return err
		}
		if !counted {
			if err := requests.Take(ctx, s.Env, string(by.User())); err != nil {
				return err
			}
			counted = true
		}
		asking := request{ID: id.NewLimitRequest(now, by.User()), Status: Open, Request: wanted, CreatedAt: now, UpdatedAt: now}
		write, event := asking.put(org), audit.Event{Action: audit.LimitRequestCreated, After: wanted.recorded()}
		if open != nil {
			asking.ID, asking.CreatedAt = open.ID, open.CreatedAt
			write, event = asking.renew(org, *open), audit.Event{Action: audit.LimitRequestRenewed, Before: open.Request.recorded(), After: wanted.recorded()}
		}
		event.Actor, event.Target = audit.Member(by), string(asking.ID)
		writes := []table.Write{write, audit.Record(now, org, event)}
		mails, err := s.tellManagers(ctx, *o, *m, wanted)
		if err != nil {
			return err
		}
		out, err = api.Commit(ctx, s.Table, Asked{Answer{asking.view()}, open != nil}, append(writes, mails...)...)
		return err
	})
	return out, err
}

func (in AskRequest) until(zone *time.Location) time.Time {
	if in.Until == nil {
		return time.Time{}
	}
	return in.Until.In(zone)
}

// asksMoreThan refuses what a member may spend already.
func (in AskRequest) asksMoreThan(binding spending.Binding) error {
	for _, one := range []struct {
		pointer string
		asked   field.Optional[money.Amount]
		has     *money.Amount
	}{{"/monthly_limit", in.MonthlyLimit, binding.MonthlyLimit}, {"/daily_limit", in.DailyLimit, binding.DailyLimit}} {
		wanted := &one.asked.Value
		if one.asked.Null {
			wanted = nil
		}
		if one.asked.Given && !spending.More(wanted, one.has) {
			return fault.InvalidField(one.pointer, "is not more than the limit that binds")
		}
	}
	return nil
}

// recorded is what an audit event shows.
func (a asked) recorded() map[string]any {
	all := a.amounts().recorded()
	all["reason"] = a.Reason
	if !a.Until.IsZero() {
		all["until"] = a.Until.UTC().Format(time.RFC3339)
	}
	return all
}

// tellManagers is the Writes of the mails to those who may decide.
func (s Service) tellManagers(ctx context.Context, o organization.Organization, m member.Member, wanted asked) ([]table.Write, error) {
	managers, err := member.Managers(ctx, s.Table, o, managersTold)
	if err != nil {
		return nil, err
	}
	var writes []table.Write
	for _, manager := range managers {
		if manager.ID == m.ID {
			continue
		}
		data := wanted.mail(o)
		data.Recipient, data.Member, data.Reason = string(manager.Name), m.DisplayName(), string(wanted.Reason)
		write, err := outbox.Enqueue(ctx, s.Env, outbox.Mail{To: manager.Email, Kind: mail.LimitRequested, Data: data})
		if err != nil {
			return nil, err
		}
		writes = append(writes, write)
	}
	return writes, nil
}

// mail is what mails about a request, or what was granted, say.
func (t terms) mail(o organization.Organization) mail.Data {
	shown := func(limit *string) string {
		switch {
		case limit == nil:
			return ""
		case *limit == spending.Unlimited:
			return "unlimited"
		}
		return *limit + " USD"
	}
	return mail.Data{
		Organization: string(o.Name), MonthlyLimit: shown(t.MonthlyLimit), DailyLimit: shown(t.DailyLimit), ExpiresAt: t.Until,
	}
}
