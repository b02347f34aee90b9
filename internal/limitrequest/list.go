package limitrequest

import (
	"context"
	"errors"
	"slices"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/page"
	"roster/internal/permission"
	"roster/internal/table"
)

// ListRequest asks for a page of limit requests.
type ListRequest struct {
	page.Request
	// Status narrows the list; absent, it has all, open ones first where it is of everyone.
	Status Status `query:"status" json:"-"`
	// User narrows the list to a member's requests.
	User id.User `query:"user_id" json:"-"`
}

func (s *Status) UnmarshalText(b []byte) error {
	if !slices.Contains(Statuses, Status(b)) {
		return errors.New("is not one of open, approved and declined")
	}
	*s = Status(b)
	return nil
}

// ListAnswer is a page of limit requests.
type ListAnswer struct {
	LimitRequests []View `json:"limit_requests"`
	// NextCursor leads to the next page; absent on the last.
	NextCursor string `json:"next_cursor,omitzero"`
}

// List lists the requests of everyone for those who manage members, and the caller's own
// for all others.
func (s Service) List(ctx context.Context, by access.Actor, in ListRequest) (ListAnswer, error) {
	manages := by.Can(permission.MembersManage)
	if in.User == "" && !manages {
		in.User = by.User()
	}
	if in.User != "" && in.User != by.User() && !manages {
		return ListAnswer{}, access.ErrPermission.With("permission", permission.MembersManage)
	}
	found, next, err := page.Read[request](ctx, s.Env, in.Request, in.query(by.Organization()))
	if err != nil {
		return ListAnswer{}, err
	}
	out := ListAnswer{LimitRequests: make([]View, len(found)), NextCursor: next}
	for i, r := range found {
		out.LimitRequests[i] = r.view()
	}
	return out, nil
}

func (in ListRequest) query(org id.Organization) table.Query {
	q := table.Query{PK: table.LimitRequests(org), Descending: true}
	if in.User == "" {
		if in.Status != "" {
			q.Prefix = string(in.Status) + "#"
		}
		return q
	}
	q.Index, q.PK = table.ListIndex, table.LimitRequestsOf(org, in.User)
	if in.Status != "" {
		q.Filter, q.Values = "#status = :status", table.V{"status": in.Status}
	}
	return q
}
