package member

import (
	"maps"
	"slices"
	"time"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/table"
)

// The lists of an organization's keys. They are made of entries as those of members
// are (see lists), which lead to the keys in their members' items.

// KeyOrder is by what a list of keys is sorted.
type KeyOrder string

const (
	KeysByCreation KeyOrder = "created"
	// KeysByUse are sorted by the day of their last use, or of their making.
	KeysByUse KeyOrder = "used"
	// KeysByPerson stand once for each of the people on whom they depend.
	KeysByPerson KeyOrder = "person"
)

var keyOrders = []KeyOrder{KeysByCreation, KeysByUse, KeysByPerson}

// KeyPartition is that of the list of keys in an order.
func KeyPartition(org id.Organization, order KeyOrder) string {
	return table.ListPartition(org, "keys#"+string(order))
}

// KeyInUse is where a key that was last used at a time stands in KeysByUse.
func KeyInUse(at time.Time) string { return instant(at) }

// LastUse is when a key was last used, or made.
func LastUse(k access.KeyRecord) time.Time {
	if k.UsedAt.Before(k.CreatedAt) {
		return k.CreatedAt
	}
	return k.UsedAt
}

// DependsOn are the people besides the member on whom one of their keys depends, in
// order: who had its secret shown, or one before it that is kept, and who answers for a
// service account. Relied tells whether the key is orphaned.
func (m Member) DependsOn(k access.KeyRecord) []id.User {
	people := m.makers(k)
	if m.Responsible != "" && m.Responsible != m.ID {
		people[m.Responsible] = true
	}
	return slices.Sorted(maps.Keys(people))
}

// KeyEntry is that of a key at a place of a list.
func KeyEntry(org id.Organization, order KeyOrder, place string, key id.Key) table.Key {
	return table.ListEntry(KeyPartition(org, order), place, string(key))
}

// KeyEntries are those that a member's key should have.
func (m Member) KeyEntries(key id.Key, k access.KeyRecord) []table.Key {
	all := []table.Key{
		KeyEntry(m.Organization, KeysByCreation, instant(k.CreatedAt), key),
		KeyEntry(m.Organization, KeysByUse, KeyInUse(LastUse(k)), key),
	}
	for _, person := range m.DependsOn(k) {
		all = append(all, KeyEntry(m.Organization, KeysByPerson, string(person), key))
	}
	return all
}
