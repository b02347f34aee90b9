package member

import (
	"context"
	"errors"
	"fmt"
	"time"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/page"
	"roster/internal/permission"
)

// ListRequest asks for a page of members. Search, which has an order of its own,
// and the order of addresses go with status, with role, team or kind, and with both;
// the orders of names and of creation with status; the others stand alone.
type ListRequest struct {
	// Status is all but removed where it is not said.
	Status StatusFilter `query:"status" json:"-"`
	Role   field.Label  `query:"role" json:"-"`
	Team   id.Team      `query:"team" json:"-"`
	// Kind is person, invitations and join requests included, or service.
	Kind KindFilter `query:"kind" json:"-"`
	// Orphaned lists service accounts for which no active person answers, by who did.
	// It goes with kind=service, which it means anyway, alone. Its pages may be short,
	// or empty, and still have a next one.
	Orphaned OrphanedFilter `query:"orphaned" json:"-"`
	Search   Search         `query:"search" json:"-"`
	Sort     Sort           `query:"sort" json:"-"`
	Order    Order          `query:"order" json:"-"`
	page.Request
}

var errNoRoleFilter = fault.InvalidParameter("role", "is not a role of the organization")

// Search is how an address, or a word of a name, begins: without regard to case,
// that of a name also without regard to marks such as the dots of an umlaut.
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

// KindFilter is one kind.
type KindFilter Kind

func (k *KindFilter) UnmarshalText(b []byte) error {
	switch given := KindFilter(b); Kind(given) {
	case Person, ServiceAccount:
		*k = given
		return nil
	}
	return errors.New("is neither person nor service")
}

// OrphanedFilter is true, where it is said.
type OrphanedFilter bool

func (o *OrphanedFilter) UnmarshalText(b []byte) error {
	if string(b) != "true" {
		return errors.New("is not true; leave it away to list all")
	}
	*o = true
	return nil
}

// Sort is by what a list is sorted; the empty one is by address.
type Sort string

// Sorts. By spend, the list has whoever spent something in the current month; by
// last activity, whoever may or might use models: active and suspended members,
// first those who were never active.
const (
	SortEmail      Sort = "email"
	SortName       Sort = "name"
	SortCreated    Sort = "created"
	SortSpend      Sort = "spend"
	SortLastActive Sort = "last_active"
)

func (s *Sort) UnmarshalText(b []byte) error {
	switch given := Sort(b); given {
	case SortEmail, SortName, SortCreated, SortSpend, SortLastActive:
		*s = given
		return nil
	}
	return errors.New("is not one of email, name, created, spend and last_active")
}

// order is by which entries a list of that Sort is read.
func (s Sort) order() listOrder {
	switch s {
	case SortName:
		return byName
	case SortCreated:
		return byCreation
	case SortLastActive:
		return byLastActive
	case SortSpend:
		return bySpend
	}
	return byAddress
}

// Order is the direction of a list; the empty one is ascending, of a list by spend
// descending.
type Order string

const (
	Ascending  Order = "asc"
	Descending Order = "desc"
)

func (o *Order) UnmarshalText(b []byte) error {
	switch given := Order(b); given {
	case Ascending, Descending:
		*o = given
		return nil
	}
	return errors.New("is neither asc nor desc")
}

// Validate refuses what there is no list for.
func (in ListRequest) Validate() []fault.Field {
	var faults []fault.Field
	refuse := func(given bool, parameter, reason string) {
		if given {
			faults = append(faults, fault.Field{Parameter: parameter, Reason: reason})
		}
	}
	kept, sorted := lists[in.Sort.order()], fmt.Sprintf("cannot stand beside sort=%s", in.Sort)
	alternatives := "; it goes with sort=email, and with search"
	refuse(in.Role != "" && in.Team != "", "team", "cannot stand beside role")
	refuse(in.Kind != "" && (in.Role != "" || in.Team != ""), "kind", "cannot stand beside role or team")
	refuse(bool(in.Orphaned) && !in.orphanedAlone(), "orphaned", "stands alone, or beside kind=service")
	refuse(in.Search != "" && in.Sort != "", "sort", "cannot stand beside search, which has an order of its own: by address, then by name")
	refuse(in.Search != "" && in.Order != "", "order", "cannot stand beside search, which has an order of its own: by address, then by name")
	refuse(in.Status != "" && !kept.byStatus, "status", sorted+"; it goes with sort=email, name and created, and with search")
	refuse(in.Role != "" && !kept.byRole, "role", sorted+alternatives)
	refuse(in.Team != "" && !kept.byTeam, "team", sorted+alternatives)
	refuse(in.Kind != "" && !kept.byKind, "kind", sorted+alternatives)
	refuse(in.Order == Ascending && in.Sort == SortSpend, "order", "must be desc beside sort=spend: there is no list of those who spent least")
	return faults
}

// orphanedAlone reports whether nothing but pages is asked of orphaned service accounts.
func (in ListRequest) orphanedAlone() bool {
	kind := in.Kind
	in.Kind, in.Orphaned, in.Request = "", false, page.Request{}
	return in == ListRequest{} && kind != KindFilter(Person)
}

// ListAnswer is a page of members. By address, service accounts stand by their
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

var errOwnTeam = access.ErrPermission.WithDetail("Managers of a team see its members alone: name it as team.").
	With("permission", permission.MembersManage)

// ListMembers lists members, and those who wait to become one. The last page costs
// what the first does, of whomever the list is.
func (s Service) ListMembers(ctx context.Context, by access.Actor, in ListRequest) (ListAnswer, error) {
	if !by.Can(permission.MembersManage) && !by.IsManagerOf(in.Team) {
		return ListAnswer{}, errOwnTeam
	}
	if _, ok := by.Roles().Role(string(in.Role)); in.Role != "" && !ok {
		return ListAnswer{}, errNoRoleFilter
	}
	var (
		members []Member
		next    string
		err     error
	)
	if in.Orphaned {
		members, next, err = s.listOrphaned(ctx, by.Organization(), in.Request)
	} else {
		members, next, err = pages{s.Env, by.Organization(), in.sources(by, s.Now())}.read(ctx, in.Request)
	}
	if err != nil {
		return ListAnswer{}, err
	}
	rows, err := s.complete(ctx, by, members)
	if err != nil {
		return ListAnswer{}, err
	}
	if in.Sort == SortSpend {
		highestFirst(rows)
	}
	return ListAnswer{rows, next}, nil
}

// ListUsers is ListMembers for clients that call members users.
func (s Service) ListUsers(ctx context.Context, by access.Actor, in ListRequest) (UsersAnswer, error) {
	out, err := s.ListMembers(ctx, by, in)
	return UsersAnswer{out.Members, out.NextCursor}, err
}

// sources are what the list is read from, one after the other: what is found by
// address stands before what is found by name, and the members of a role before
// those whose role it took the place of.
func (in ListRequest) sources(by access.Actor, now time.Time) []source {
	org := by.Organization()
	if in.Sort == SortSpend {
		return []source{spenders(org, now, by.Location())}
	}
	scopes := []listScope{{Status: Status(in.Status), Team: in.Team, Kind: Kind(in.Kind)}}
	if in.Role != "" {
		scopes = nil
		for _, role := range sameRole(by.Roles(), string(in.Role)) {
			scopes = append(scopes, listScope{Status: Status(in.Status), Role: role})
		}
	}
	var all []source
	for _, scope := range scopes {
		s := scope.source(org, in.Sort.order(), in.Order == Descending)
		if in.Search != "" {
			s = s.beginning(in.Search.address())
		}
		all = append(all, s)
	}
	if name := fold(string(in.Search)); name != "" {
		for _, scope := range scopes {
			all = append(all, scope.source(org, byWord, false).naming(name, in.Search.address()))
		}
	}
	return all
}
