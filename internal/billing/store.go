package billing

import (
	"context"

	"roster/internal/id"
	"roster/internal/table"
)

// profile reads an organization's billing settings; the zero Profile where nothing
// was set.
func (s Service) profile(ctx context.Context, org id.Organization) (Profile, error) {
	var p *Profile
	if err := s.Table.Get(ctx, table.Into(table.Billing(org), &p)); err != nil || p == nil {
		return Profile{}, err
	}
	return *p, nil
}

// ReadProfile is the reading of an organization's billing settings among other items; nil
// where none were made.
func ReadProfile(org id.Organization, into **Profile) table.Read {
	return table.Into(table.Billing(org), into)
}

// statement reads what is stored of a month; nil where its closing has not begun.
func (s Service) statement(ctx context.Context, org id.Organization, m Month) (*statement, error) {
	var found *statement
	err := s.Table.Get(ctx, table.Into(table.Statement(org, string(m)), &found))
	return found, err
}

// lastClosed is the last month that is closed; empty, none is. Months are closed in
// their order, so that one at most is stored behind it.
func (s Service) lastClosed(ctx context.Context, org id.Organization) (Month, error) {
	read, err := s.Table.Query(ctx, table.Query{PK: table.Statement(org, "").PK, Descending: true, Limit: 2})
	if err != nil {
		return "", err
	}
	stored, err := table.DecodeAll[statement](read.Items)
	if err != nil {
		return "", err
	}
	for _, found := range stored {
		if found.Stage == closed {
			return found.Month, nil
		}
	}
	return "", nil
}

// entries reads the entries of a statement from one member to another.
func (s Service) entries(ctx context.Context, org id.Organization, m Month, from, to id.User) (map[id.User]entry, error) {
	items, err := s.Table.QueryAll(ctx, table.Query{
		PK: table.StatementEntry(org, string(m), "").PK, From: string(from), To: string(to),
	})
	if err != nil {
		return nil, err
	}
	read, err := table.DecodeAll[entry](items)
	if err != nil {
		return nil, err
	}
	all := make(map[id.User]entry, len(read))
	for _, e := range read {
		all[e.User] = e
	}
	return all, nil
}

// storedRows reads the rows of a closed statement.
func (s Service) storedRows(ctx context.Context, org id.Organization, of statement) ([]row, error) {
	items := make([]*rows, (of.Rows+rowsPerItem-1)/rowsPerItem)
	reads := make([]table.Read, len(items))
	for i := range items {
		reads[i] = table.Into(table.StatementRows(org, string(of.Month), i), &items[i])
	}
	if err := s.Table.Get(ctx, reads...); err != nil {
		return nil, err
	}
	var all []row
	for _, item := range items {
		all = append(all, item.Rows...)
	}
	return all, nil
}
