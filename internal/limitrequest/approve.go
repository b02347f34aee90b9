package limitrequest

import (
	"context"
	"maps"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/outbox"
	"roster/internal/spent"
	"roster/internal/table"
)

// ApproveRequest grants what was asked for, or what it says instead.
type ApproveRequest struct {
	Request id.LimitRequest `path:"limit_request_id" json:"-"`
	Amounts
	// Until takes the place of the end that was asked for; null, the limits last.
	Until field.Optional[member.EndDate] `json:"until,omitzero"`
}

// Approve changes the member's limits as PUT …/spending-limits would, by the same rules:
// nobody but an owner raises their own. Approving again, by whomever, changes nothing.
func (s Service) Approve(ctx context.Context, by access.Actor, in ApproveRequest) (out Answer, err error) {
	err = table.Retry(ctx, func() error {
		d, err := s.read(ctx, by.Organization(), in.Request)
		if err != nil {
			return err
		}
		if d.settled != nil {
			if d.settled.Status == Declined {
				return errDeclined
			}
			out = Answer{d.settled.view()}
			return nil
		}
		if d.member == nil {
			return member.ErrNotFound
		}
		if err := member.Lapse(ctx, s.Env, d.member); err != nil {
			return err
		}
		now := s.Now()
		granted, until := in.granted(*d.open, by.Location())
		changed, err := d.member.Limit(by, granted.patch(), until, *d.organization, now)
		if err != nil {
			return err
		}
		becomes := d.open.decided(Approved, by.User(), now)
		becomes.Request.Granted = termsOf(granted, until)
		before, after := member.Difference(d.member, changed)
		changes := len(after) > 0
		before, after = with(before, Open), with(after, Approved)
		writes := []table.Write{
			d.open.remove(by.Organization()), becomes.put(by.Organization()),
			audit.Record(now, by.Organization(), audit.Event{
				Action: audit.LimitRequestApproved, Actor: audit.Member(by), Target: string(in.Request), Before: before, After: after,
			}),
		}
		if changes {
			writes = append(writes, member.Save(d.member, changed, now)...)
			writes = append(writes, spent.Fence(by.Organization(), d.member.ID, spent.Month(now, by.Location()), d.member.Version+1))
		}
		data := becomes.Request.Granted.mail(*d.organization)
		data.Actor = by.Name()
		told, err := s.tell(ctx, *d.member, mail.LimitRequestApproved, data)
		if err != nil {
			return err
		}
		out, err = api.Commit(ctx, s.Table, Answer{becomes.view()}, append(writes, told...)...)
		return err
	})
	return out, err
}

// with is what an audit event shows of a member, and of their request.
func with(shown map[string]any, status Status) map[string]any {
	all := map[string]any{"limit_request": status}
	maps.Copy(all, shown)
	return all
}

// granted is what is approved: what was asked for, but for what the approval says.
func (in ApproveRequest) granted(r request, zone *time.Location) (Amounts, time.Time) {
	granted, until := r.Request.amounts(), r.Request.Until
	if in.MonthlyLimit.Given {
		granted.MonthlyLimit = in.MonthlyLimit
	}
	if in.DailyLimit.Given {
		granted.DailyLimit = in.DailyLimit
	}
	switch {
	case in.Until.Null:
		until = time.Time{}
	case in.Until.Given:
		until = in.Until.Value.In(zone)
	}
	return granted, until
}

// deciding is what a decision rests on: the open request, or else the settled one.
type deciding struct {
	organization *organization.Organization
	member       *member.Member
	open         *request
	settled      *request
}

func (s Service) read(ctx context.Context, org id.Organization, of id.LimitRequest) (d deciding, err error) {
	if err := s.Table.Get(ctx,
		organization.Read(org, &d.organization), member.Read(org, of.User(), &d.member), readOpen(org, of.User(), &d.open),
	); err != nil {
		return d, err
	}
	if d.open != nil && d.open.ID == of {
		return d, nil
	}
	if d.settled, err = s.settled(ctx, org, of); err == nil && d.settled == nil {
		err = errNotFound
	}
	return d, err
}

// tell is the Write of the mail to the member, or who answers for a service account;
// none, where nobody is there.
func (s Service) tell(ctx context.Context, m member.Member, kind mail.Kind, data mail.Data) ([]table.Write, error) {
	to := &m
	if m.Kind == member.ServiceAccount {
		var err error
		if to, err = member.Get(ctx, s.Table, m.Organization, m.Responsible); err != nil {
			return nil, err
		}
		data.Member = m.DisplayName()
	}
	if to == nil || to.Email == "" {
		return nil, nil
	}
	data.Recipient = string(to.Name)
	write, err := outbox.Enqueue(ctx, s.Env, outbox.Mail{To: to.Email, Kind: kind, Data: data})
	return []table.Write{write}, err
}
