package warning

import (
	"context"
	"slices"
	"strconv"
	"time"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/money"
	"roster/internal/organization"
	"roster/internal/outbox"
	"roster/internal/permission"
	"roster/internal/spending"
	"roster/internal/table"
	"roster/internal/team"
)

// PoolLimit is a limit of what a team or, without one, the whole organization spends
// within a window: a month, "2026-11", or a day, "2026-11-22".
type PoolLimit struct {
	Organization id.Organization
	Team         id.Team
	Window       string
	Amount       money.Amount
	EndsAt       time.Time
}

func (l PoolLimit) key() table.Key {
	return table.PoolWarning(l.Organization, l.Team, l.Window, int64(l.Amount))
}

// PoolRefused warns that a pool's limit is reached, when a call was refused by it for the
// first time; see Refused.
func (s Service) PoolRefused(ctx context.Context, l PoolLimit, used money.Amount) {
	if _, told := s.told.Get(l.key(), s.Now()); told {
		return
	}
	o, err := organization.Get(ctx, s.Table, l.Organization)
	if err == nil && o != nil && o.Status == organization.Active && slices.Contains(o.Thresholds(), full) {
		err = s.RaisePool(ctx, *o, l, full, used)
	}
	if err != nil {
		s.Log.ErrorContext(ctx, "warning: a refusal was not told", "organization", string(l.Organization), "team", string(l.Team), "error", err)
		return
	}
	s.told.Put(l.key(), struct{}{}, s.Now())
}

// RaisePool warns those who manage members and, of a team's pool, its managers; of the
// organization's, those who see the billing; that so much of a limit was used as a level says, unless that, or a higher
// level, was told before.
func (s Service) RaisePool(ctx context.Context, o organization.Organization, l PoolLimit, level int, used money.Amount) error {
	var (
		note *Note
		t    *team.Team
	)
	reads := []table.Read{table.Into(l.key(), &note)}
	if l.Team != "" {
		reads = append(reads, team.Read(l.Organization, l.Team, &t))
	}
	if err := s.Table.GetSettled(ctx, reads...); err != nil || note != nil && note.Level >= level {
		return err
	}
	name := "The whole organization"
	switch {
	case l.Team != "" && t == nil: // it was deleted a moment ago
		return nil
	case l.Team != "":
		name = "Team " + string(t.Name)
	}
	right := permission.MembersManage
	if l.Team == "" {
		right = permission.BillingRead
	}
	managers, err := member.Holders(ctx, s.Table, o, right, managersTold)
	if err != nil {
		return err
	}
	if l.Team != "" {
		own, err := member.TeamManagers(ctx, s.Table, o.ID, l.Team, teamManagersTold)
		if err != nil {
			return err
		}
		managers = append(managers, own...)
	}
	data := mail.Data{
		Organization: string(o.Name), Member: name, OfOrganization: l.Team == "", Window: "monthly", Limit: l.Amount.String() + " USD",
		Amount: used.String() + " USD", ExpiresAt: l.EndsAt, Observed: o.LimitMode.Or() == spending.Observe,
		Refused: level == full && used < l.Amount,
	}
	if len(l.Window) == len(time.DateOnly) {
		data.Window = "daily"
	}
	kind := mail.LimitReached
	if level < full {
		kind, data.Percent = mail.LimitApproaching, strconv.Itoa(level)
	}
	mails, err := s.mailsTo(ctx, managers, "", kind, data)
	if err != nil {
		return err
	}
	return s.note(ctx, l.key(), l.EndsAt, level, mails)
}

// mailsTo are the Writes of a mail to active members, and to a further address, where there
// is one: each address once.
func (s Service) mailsTo(ctx context.Context, members []member.Member, further email.Address, kind mail.Kind, data mail.Data) ([]table.Write, error) {
	type recipient struct {
		address email.Address
		name    string
	}
	var to []recipient
	for _, m := range members {
		if m.At(s.Now()).Status == access.Active {
			to = append(to, recipient{m.Email, string(m.Name)})
		}
	}
	var writes []table.Write
	heard := map[email.Address]bool{"": true}
	for _, one := range append(to, recipient{address: further}) {
		if heard[one.address] {
			continue
		}
		heard[one.address] = true
		data.Recipient = one.name
		write, err := outbox.Enqueue(ctx, s.Env, outbox.Mail{To: one.address, Kind: kind, Data: data})
		if err != nil {
			return nil, err
		}
		writes = append(writes, write)
	}
	return writes, nil
}
