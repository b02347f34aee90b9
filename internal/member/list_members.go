package member

import (
	"context"
	"errors"
	"strings"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/page"
	"roster/internal/table"
)

// ListRequest asks for a page of members.
type ListRequest struct {
	// Status is all but removed where it is not said.
	Status StatusFilter `query:"status" json:"-"`
	Role   field.Label  `query:"role" json:"-"`
	// Search is how the address begins (of a service account: its name).
	Search Search `query:"search" json:"-"`
	page.Request
}

var errNoRoleFilter = fault.InvalidParameter("role", "is not a role of the organization")

// Search is the beginning of an address or name, without regard to case.
type Search string

func (s *Search) UnmarshalText(b []byte) error {
	var l field.Label
	if err := l.UnmarshalText(b); err != nil {
		return err
	}
	*s = Search(l)
	return nil
}

// StatusFilter is one status.
type StatusFilter Status

func (s *StatusFilter) UnmarshalText(b []byte) error {
	switch given := StatusFilter(b); Status(given) {
	case access.Pending, access.Active, access.Suspended, access.Removed:
		*s = given
		return nil
	}
	return errors.New("is not one of pending, active, suspended and removed")
}

// ListAnswer is a page of members, by address; service accounts stand by their
// names.
type ListAnswer struct {
	Members []Row `json:"members"`
	// NextCursor leads to the next page; absent on the last.
	NextCursor string `json:"next_cursor,omitzero"`
}

// UsersAnswer is a ListAnswer under another name.
type UsersAnswer struct {
	Users      []Row  `json:"users"`
	NextCursor string `json:"next_cursor,omitzero"`
}

// ListMembers lists members, and those who wait to become one.
func (s Service) ListMembers(ctx context.Context, by access.Actor, in ListRequest) (ListAnswer, error) {
	if _, ok := by.Roles().Role(string(in.Role)); in.Role != "" && !ok {
		return ListAnswer{}, errNoRoleFilter
	}
	members, next, err := page.Read[Member](ctx, s.Env, in.Request, in.query(by.Organization()))
	if err != nil {
		return ListAnswer{}, err
	}
	out := ListAnswer{Members: make([]Row, len(members)), NextCursor: next}
	for i, m := range members {
		out.Members[i] = m.view()
	}
	return out, nil
}

// ListUsers is ListMembers for clients that call members users.
func (s Service) ListUsers(ctx context.Context, by access.Actor, in ListRequest) (UsersAnswer, error) {
	out, err := s.ListMembers(ctx, by, in)
	return UsersAnswer{out.Members, out.NextCursor}, err
}

// query is that of the list: by status where that has a partition of its own.
func (in ListRequest) query(org id.Organization) table.Query {
	q := table.Query{
		Index: table.ListIndex, PK: ListPartition(org), Prefix: email.LowerASCII(string(in.Search)), Values: table.V{},
	}
	var filters []string
	switch status := Status(in.Status); status {
	case "":
	case access.Active:
		filters, q.Values["status"] = append(filters, "#status = :status"), status
	default:
		q.Index, q.PK = table.StateIndex, StatePartition(org, status)
	}
	if in.Role != "" {
		filters, q.Values["role"] = append(filters, "#role = :role"), in.Role
	}
	q.Filter = strings.Join(filters, " AND ")
	return q
}
