package billing

import (
	"context"

	"roster/internal/access"
	"roster/internal/organization"
	"roster/internal/page"
	"roster/internal/spent"
	"roster/internal/table"
)

// ListRequest asks for a page of statements.
type ListRequest struct{ page.Request }

// ListAnswer is a page of statements, the latest first; those that are open stand on
// the first page, beside as many closed ones as were asked for.
type ListAnswer struct {
	Statements []ListedStatement `json:"statements"`
	// NextCursor leads to the next page; absent on the last.
	NextCursor string `json:"next_cursor,omitzero"`
}

// ListedStatement is a statement in the list.
type ListedStatement struct {
	Summary
	// Totals are absent while it is open: to see them, ask for it.
	Totals *Totals `json:"totals,omitzero"`
}

// ListStatements lists the months of which there are statements.
func (s Service) ListStatements(ctx context.Context, by access.Actor, in ListRequest) (out ListAnswer, err error) {
	out.Statements = []ListedStatement{}
	if in.Cursor == "" {
		if out.Statements, err = s.open(ctx, by); err != nil {
			return out, err
		}
	}
	stored, next, err := page.Read[statement](ctx, s.Env, in.Request, table.Query{
		PK: table.Statement(by.Organization(), "").PK, Descending: true,
		Filter: "#stage = :closed", Values: table.V{"closed": closed},
	})
	for _, c := range stored {
		out.Statements = append(out.Statements, ListedStatement{Summary{c.Month, Closed, c.ClosedAt}, &Totals{c.Members, c.Totals}})
	}
	out.NextCursor = next
	return out, err
}

// open lists the months that are not closed, the latest first.
func (s Service) open(ctx context.Context, by access.Actor) ([]ListedStatement, error) {
	o, err := organization.Get(ctx, s.Table, by.Organization())
	if err != nil {
		return nil, err
	}
	begins := first(o.CreatedAt)
	last, err := s.lastClosed(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	if last != "" {
		begins = last.plus(1)
	}
	all := []ListedStatement{}
	for m := Month(spent.Month(s.Now(), by.Location())); m >= begins; m = m.plus(-1) {
		all = append(all, ListedStatement{Summary: Summary{Month: m, Status: Open}})
	}
	return all, nil
}
