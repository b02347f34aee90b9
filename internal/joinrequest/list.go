package joinrequest

import (
	"context"

	"roster/internal/access"
	"roster/internal/env"
	"roster/internal/member"
	"roster/internal/page"
	"roster/internal/table"
	"roster/internal/user"
)

// ListRequest asks for a page of pending requests.
type ListRequest struct{ page.Request }

// ListAnswer is a page of pending requests, by address.
type ListAnswer struct {
	JoinRequests []View `json:"join_requests"`
	// NextCursor leads to the next page; absent on the last.
	NextCursor string `json:"next_cursor,omitzero"`
}

// List lists who asks to join the caller's organization, and whether they proved
// to hold their address.
func (s Service) List(ctx context.Context, by access.Actor, in ListRequest) (ListAnswer, error) {
	members, next, err := page.Read[member.Member](ctx, s.Env, in.Request, table.Query{
		Index: table.StateIndex, PK: member.StatePartition(by.Organization(), access.Pending),
		Filter: "#kind = :kind", Values: table.V{"kind": member.Person},
	})
	if err != nil {
		return ListAnswer{}, err
	}
	accounts, err := accountsOf(ctx, s.Env, members)
	if err != nil {
		return ListAnswer{}, err
	}
	out := ListAnswer{JoinRequests: make([]View, len(members)), NextCursor: next}
	for i, m := range members {
		v := pending(m)
		v.Verified = new(accounts[i] != nil && accounts[i].Verified)
		v.Returning = m.Request.Returning
		out.JoinRequests[i] = v
	}
	return out, nil
}

func accountsOf(ctx context.Context, e *env.Env, members []member.Member) ([]*user.User, error) {
	accounts := make([]*user.User, len(members))
	reads := make([]table.Read, len(members))
	for i, m := range members {
		reads[i] = user.Read(m.ID, &accounts[i])
	}
	if len(reads) == 0 {
		return nil, nil
	}
	return accounts, e.Table.Get(ctx, reads...)
}
