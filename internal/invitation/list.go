package invitation

import (
	"context"

	"roster/internal/access"
	"roster/internal/member"
	"roster/internal/page"
	"roster/internal/table"
)

// ListRequest asks for a page of invitations.
type ListRequest struct{ page.Request }

// ListAnswer is a page of open invitations, expired ones included, by address.
type ListAnswer struct {
	Invitations []View `json:"invitations"`
	// NextCursor leads to the next page; absent on the last.
	NextCursor string `json:"next_cursor,omitzero"`
}

// List lists the open invitations. It shows no link.
func (s Service) List(ctx context.Context, by access.Actor, in ListRequest) (ListAnswer, error) {
	open, next, err := page.Read[Invitation](ctx, s.Env, in.Request, table.Query{
		Index: table.StateIndex, PK: member.StatePartition(by.Organization(), access.Pending),
		Filter: "#kind = :kind", Values: table.V{"kind": member.Invited},
	})
	if err != nil {
		return ListAnswer{}, err
	}
	out := ListAnswer{Invitations: make([]View, len(open)), NextCursor: next}
	for n, i := range open {
		out.Invitations[n] = i.view(s.Now())
	}
	return out, nil
}
