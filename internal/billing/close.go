package billing

import (
	"context"
	"errors"
	"slices"

	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/organization"
	"roster/internal/outbox"
	"roster/internal/table"
	"roster/internal/team"
)

// entriesPerStep is how many entries one transaction writes, beside the statement and
// a check of the organization: DynamoDB takes 100 writes and 4 MB.
const entriesPerStep = 80

// errErased: the organization is erased, or about to be.
var errErased = errors.New("the organization is erased")

// closeUntil closes an organization's months in their order, up to the last that is
// due. It may be cut off anywhere, and run twice at once: every step rests on the one
// before, and another runner goes on with what it finds.
func (s Service) closeUntil(ctx context.Context, o organization.Listed, last Month) error {
	done, err := s.lastClosed(ctx, o.ID)
	if err != nil {
		return err
	}
	next := first(o.CreatedAt)
	if done != "" {
		next = done.plus(1)
	}
	for ; next <= last; next = next.plus(1) {
		err := table.Retry(ctx, func() error { return s.closeMonth(ctx, o.ID, next) })
		if errors.Is(err, errErased) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// closeMonth closes one month. It fails with table.ErrChanged where another runner
// was faster.
func (s Service) closeMonth(ctx context.Context, org id.Organization, m Month) error {
	stored, err := s.statement(ctx, org, m)
	if err != nil {
		return err
	}
	if stored == nil {
		stored = &statement{Month: m, Stage: reading}
		if err := s.Table.Transact(ctx, organization.Kept(org, errErased), table.Write{
			Key: table.Statement(org, string(m)), Put: *stored, If: table.Absent, Else: table.ErrChanged,
		}); err != nil {
			return err
		}
	}
	at := *stored
	if at.Stage == reading {
		if at, err = s.readAll(ctx, org, at); err != nil {
			return err
		}
	}
	if at.Stage == summing {
		return s.sumUp(ctx, org, at)
	}
	return nil
}

// readAll writes the entries of all members, some in each step.
func (s Service) readAll(ctx context.Context, org id.Organization, at statement) (statement, error) {
	d := draft{org, at.Month, true}
	for at.Stage == reading {
		read, err := s.block(ctx, d, at.After)
		if err != nil {
			return at, err
		}
		steps := slices.Collect(slices.Chunk(read.entries, entriesPerStep))
		if len(steps) == 0 {
			steps = [][]entry{nil}
		}
		for i, step := range steps {
			becomes := at
			if len(step) > 0 {
				becomes.After = step[len(step)-1].User
			}
			if i == len(steps)-1 && !read.more {
				if becomes, err = s.settle(ctx, org, becomes); err != nil {
					return at, err
				}
			}
			becomes, save := at.next(org, becomes)
			writes := []table.Write{organization.Kept(org, errErased), save}
			for _, e := range step {
				writes = append(writes, table.Write{Key: table.StatementEntry(org, string(at.Month), e.User), Put: e})
			}
			if err := s.Table.Transact(ctx, writes...); err != nil {
				return at, err
			}
			at = becomes
		}
	}
	return at, nil
}

// settle notes when the month was closed, and how the organization's billing stood.
func (s Service) settle(ctx context.Context, org id.Organization, at statement) (statement, error) {
	var (
		o *organization.Organization
		p *Profile
	)
	if err := s.Table.Get(ctx, organization.Read(org, &o), table.Into(table.Billing(org), &p)); err != nil {
		return at, err
	}
	if o == nil {
		return at, errErased
	}
	at.Stage, at.ClosedAt = summing, s.Now()
	return at.standing(*o, p), nil
}

// standing is the statement with how the organization's billing stands.
func (s statement) standing(o organization.Organization, p *Profile) statement {
	if p == nil {
		p = new(Profile)
	}
	s.Organization, s.TimeZone = o.Name, o.TimeZone
	s.ContactName, s.ContactEmail, s.Address, s.TaxID = p.ContactName, p.ContactEmail, p.Address, p.TaxID
	s.PurchaseOrder, s.Budget = p.orderIn(s.Month), p.Budget
	return s
}

// sumUp adds the entries up, which do not change any more: whoever does so finds the
// same. The rows are written before the statement is closed, and it is announced in
// the transaction that closes it.
func (s Service) sumUp(ctx context.Context, org id.Organization, at statement) error {
	total := newSum(at.Month)
	q := table.Query{PK: table.StatementEntry(org, string(at.Month), "").PK, Prefix: entryPrefix}
	for {
		read, err := s.Table.Query(ctx, q)
		if err != nil {
			return err
		}
		entries, err := table.DecodeAll[entry](read.Items)
		if err != nil {
			return err
		}
		for _, e := range entries {
			total.add(e)
		}
		if q.Start = read.Next; q.Start == nil {
			break
		}
	}
	all := total.rows()
	if err := s.nameTeams(ctx, org, all); err != nil {
		return err
	}
	for i, some := range slices.Collect(slices.Chunk(all, rowsPerItem)) {
		err := s.Table.Transact(ctx, organization.Kept(org, errErased), table.Write{
			Key: table.StatementRows(org, string(at.Month), i), Put: rows{some}, If: table.Absent, Else: errWritten,
		})
		if err != nil && !errors.Is(err, errWritten) {
			return err
		}
	}
	becomes, save := at.next(org, at.summed(total, len(all)))
	writes := []table.Write{organization.Kept(org, errErased), save}
	if becomes.ContactEmail != "" {
		told, err := outbox.Enqueue(ctx, s.Env, outbox.Mail{To: becomes.ContactEmail, Kind: mail.StatementClosed, Data: mail.Data{
			Organization: string(becomes.Organization), Recipient: string(becomes.ContactName),
			Month: at.Month.title(), Amount: becomes.Totals.Cost.String() + " USD", Link: s.PublicURL,
		}})
		if err != nil {
			return err
		}
		writes = append(writes, told)
	}
	return s.Table.Transact(ctx, writes...)
}

// errWritten: a run that was cut off, or another runner, wrote these rows. They are
// the same but for names of teams that changed meanwhile, and they stay.
var errWritten = errors.New("the rows are written")

// summed is the statement closed, with its sums.
func (s statement) summed(total *sum, rows int) statement {
	s.Stage, s.Members, s.Totals, s.Usage = closed, total.members, total.totals, total.byMonth[s.Month]
	s.Adjustments, s.Rows = total.adjustments(), rows
	return s
}

// nameTeams gives the rows of teams the names that these have.
func (s Service) nameTeams(ctx context.Context, org id.Organization, all []row) error {
	var ids []id.Team
	for _, r := range all {
		if r.Team != "" && !slices.Contains(ids, r.Team) {
			ids = append(ids, r.Team)
		}
	}
	names, err := team.Names(ctx, s.Table, org, ids)
	for i := range all {
		all[i].Name = names[all[i].Team]
	}
	return err
}
