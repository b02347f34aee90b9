package warning

import (
	"context"
	"strconv"
	"time"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/money"
	"roster/internal/organization"
	"roster/internal/outbox"
	"roster/internal/spending"
	"roster/internal/table"
)

// Concerned is whose limit it is.
type Concerned struct {
	Organization organization.Organization
	Member       member.Member
}

const (
	// full is the level at which a limit is reached.
	full = 100
	// forManagers is that from which on those hear of it who manage members.
	forManagers = 90
	// managersTold bounds how many of them do, and teamManagersTold how many managers of a
	// team: a transaction has 100 writes.
	managersTold     = 50
	teamManagersTold = 40
)

// mails are the Writes of what is told at a level: to the member, or who answers for a
// service account, and to those who manage members, each address once.
func (s Service) mails(ctx context.Context, to Concerned, l Limit, level int, used money.Amount) ([]table.Write, error) {
	o, m := to.Organization, to.Member
	data := mail.Data{
		Organization: string(o.Name), Window: "monthly", Limit: l.Amount.String() + " USD", Amount: used.String() + " USD",
		ExpiresAt: l.EndsAt, Key: string(m.Keys[l.Key].Name), Observed: o.LimitMode.Or() == spending.Observe, Refused: level == full && used < l.Amount,
	}
	if l.daily() {
		data.Window = "daily"
	}
	kind := mail.LimitReached
	if level < full {
		kind, data.Percent = mail.LimitApproaching, strconv.Itoa(level)
	}
	told := []member.Member{m}
	if m.Kind == member.ServiceAccount {
		responsible, err := member.Get(ctx, s.Table, o.ID, m.Responsible)
		if err != nil {
			return nil, err
		}
		told = nil
		if responsible != nil {
			told = []member.Member{*responsible}
		}
	}
	if level >= forManagers {
		managers, err := member.Managers(ctx, s.Table, o, managersTold)
		if err != nil {
			return nil, err
		}
		told = append(told, managers...)
	}
	var writes []table.Write
	heard := map[email.Address]bool{"": true}
	for _, one := range told {
		if one.At(s.Now()).Status != access.Active || heard[one.Email] {
			continue
		}
		heard[one.Email] = true
		data.Recipient, data.Member = string(one.Name), ""
		if one.ID != m.ID {
			data.Member = m.DisplayName()
		}
		write, err := outbox.Enqueue(ctx, s.Env, outbox.Mail{To: one.Email, Kind: kind, Data: data})
		if err != nil {
			return nil, err
		}
		writes = append(writes, write)
	}
	return writes, nil
}

// Warned reports whether anyone is warned about a member's limits: while they, and the
// organization, are active.
func Warned(o organization.Organization, m member.Member, now time.Time) bool {
	return o.Status == organization.Active && m.At(now).Status == access.Active
}
