package member

import (
	"slices"
	"time"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/table"
)

// The lists of members. Two are indexes of the table: everyone who is or asks to
// be a member by address, and each status but active. All others are made of
// entries (table.ListEntry) that package arrange keeps: an entry has nothing but
// its place and the id of its member or invitation, whose item is read when a page
// is shown. Which entries there should be, an item itself tells: where it has
// changed since, the entry is not shown.

// listOrder is by what a list is sorted.
type listOrder string

const (
	byAddress    listOrder = "address"
	byName       listOrder = "name"
	byWord       listOrder = "word" // every word with which a name begins or goes on
	byCreation   listOrder = "created"
	byLastActive listOrder = "active"
	bySpend      listOrder = "spend" // kept by package spent
)

// listScope is of whom a list is.
type listScope struct {
	// Status is all but removed where it is empty.
	Status Status
	// Role, Team or Kind; not two of them.
	Role string
	Team id.Team
	Kind Kind
}

// lists are those that are kept of each order.
var lists = map[listOrder]struct{ byStatus, byRole, byTeam, byKind bool }{
	byAddress:    {byStatus: true, byRole: true, byTeam: true, byKind: true},
	byWord:       {byStatus: true, byRole: true, byTeam: true, byKind: true},
	byName:       {byStatus: true},
	byCreation:   {byStatus: true},
	byLastActive: {},
}

// partition is that of the list in an order.
func (s listScope) partition(org id.Organization, order listOrder) string {
	status := s.Status
	if status == "" {
		status = "all"
	}
	name := string(order) + "#" + string(status)
	switch { // a role's name may hold anything, so it stands last
	case s.Team != "":
		name += "#team#" + string(s.Team)
	case s.Kind != "":
		name += "#kind#" + string(s.Kind)
	case s.Role != "":
		name += "#role#" + s.Role
	}
	return table.ListPartition(org, name)
}

// indexed reports whether the list in the order of addresses is an index.
func (s listScope) indexed() bool {
	return s.Role == "" && s.Team == "" && s.Kind == "" && s.Status != access.Active
}

// kept reports whether there are entries of the list in an order.
func (s listScope) kept(order listOrder) bool {
	by := lists[order]
	return (s.Status == "" || by.byStatus) && (s.Role == "" || by.byRole) && (s.Team == "" || by.byTeam) &&
		(s.Kind == "" || by.byKind) && (order != byAddress || !s.indexed())
}

// scopes are those to which a member belongs.
func (m Member) scopes() []listScope {
	narrow := []listScope{{}, {Role: m.Role}, {Kind: m.shownKind()}}
	for team := range m.Teams {
		narrow = append(narrow, listScope{Team: team})
	}
	var all []listScope
	for _, s := range narrow {
		if m.Status != access.Removed {
			all = append(all, s)
		}
		s.Status = m.Status
		all = append(all, s)
	}
	return all
}

// places are where a member stands in an order.
func (m Member) places(order listOrder) []string {
	switch order {
	case byAddress:
		return []string{m.sortKey()}
	case byName:
		return []string{fold(m.DisplayName())}
	case byWord:
		return beginnings(fold(string(m.Name)))
	case byCreation:
		return []string{instant(m.CreatedAt)}
	case byLastActive:
		if m.Status == access.Active || m.Status == access.Suspended {
			return []string{instant(m.LastActiveAt)}
		}
	}
	return nil
}

// instant writes a time so that times sort; the zero one is empty, and comes first.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// entries are those that a member, or an open invitation, should have.
func (m Member) entries() []table.Key {
	if m.Kind == Invited && m.Status != access.Pending {
		return nil
	}
	var all []table.Key
	for _, scope := range m.scopes() {
		for order := range lists {
			if !scope.kept(order) {
				continue
			}
			for _, place := range m.places(order) {
				all = append(all, table.ListEntry(scope.partition(m.Organization, order), place, m.reference()))
			}
		}
	}
	return append(all, m.heldEntries()...)
}

// reference is by what entries name the member.
func (m Member) reference() string {
	if m.Kind == Invited {
		return string(m.Invitation)
	}
	return string(m.ID)
}

// Referenced is the key of the item that an entry's reference names.
func Referenced(org id.Organization, reference string) table.Key {
	var (
		invitation id.Invitation
		key        id.Key
	)
	if key.UnmarshalText([]byte(reference)) == nil {
		return table.Member(org, key.User())
	}
	if invitation.UnmarshalText([]byte(reference)) == nil {
		return table.Invitation(org, invitation.AddressHash())
	}
	return table.Member(org, id.User(reference))
}

// Partitions are those of an organization's lists, but of teams and of what people
// hold: of everyone, of these roles, of each kind, and of keys.
func Partitions(org id.Organization, roles []string) []string {
	scopes := []listScope{{}, {Kind: Person}, {Kind: ServiceAccount}}
	for _, role := range roles {
		scopes = append(scopes, listScope{Role: role})
	}
	all := []string{servicesPartition(org)}
	for _, status := range []Status{"", access.Pending, access.Active, access.Suspended, access.Removed} {
		for _, scope := range scopes {
			scope.Status = status
			for order := range lists {
				if scope.kept(order) {
					all = append(all, scope.partition(org, order))
				}
			}
		}
	}
	for _, order := range keyOrders {
		all = append(all, KeyPartition(org, order))
	}
	slices.Sort(all)
	return all
}

// Entries are the entries that an item should have in the lists: none, if it is
// neither a member nor an invitation, or is absent.
func Entries(key table.Key, item table.Item) ([]table.Key, error) {
	org, user, isMember := key.Member()
	if isMember && key != table.Member(org, user) {
		return nil, nil
	}
	if !isMember {
		var isInvitation bool
		if org, _, isInvitation = key.Invitation(); !isInvitation {
			return nil, nil
		}
	}
	if item == nil {
		return nil, nil
	}
	m, err := table.Decode[Member](item)
	if err != nil {
		return nil, err
	}
	m.Organization = org // the key of an invitation is not a member's
	all := m.entries()
	for key, record := range m.Keys {
		all = append(all, m.KeyEntries(key, record)...)
	}
	return all, nil
}
