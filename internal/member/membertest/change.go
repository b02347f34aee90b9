package membertest

import (
	"maps"
	"testing"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/rostertest"
	"roster/internal/table"
)

// Change makes a stored member what to says, whatever the rules.
func Change(t testing.TB, r *rostertest.Roster, org id.Organization, user id.User, to func(*member.Member)) {
	t.Helper()
	read, err := member.Get(t.Context(), r.Table, org, user)
	if err != nil || read == nil {
		t.Fatalf("member %s: %v", user, err)
	}
	m := *read
	to(&m)
	if err := r.Table.Transact(t.Context(), member.Save(read, m, r.Now())...); err != nil {
		t.Fatal(err)
	}
}

// Suspend suspends a stored member.
func Suspend(t testing.TB, r *rostertest.Roster, org id.Organization, user, by id.User) {
	t.Helper()
	Change(t, r, org, user, func(m *member.Member) {
		m.Status, m.Epoch, m.Suspension = access.Suspended, m.Epoch+1, &member.Suspension{By: by}
	})
}

// GiveKey gives a stored member an API key in place of those it has, and returns
// its secret.
func GiveKey(t testing.TB, r *rostertest.Roster, org id.Organization, user id.User) string {
	t.Helper()
	key := id.NewKey(r.Now(), user)
	text, digest := access.NewKeyText(org, user, key)
	Change(t, r, org, user, func(m *member.Member) {
		m.Keys = map[id.Key]access.KeyRecord{key: {Name: "key", Digest: digest[:], CreatedBy: user, CreatedAt: r.Now()}}
	})
	return text
}

// AddTestKey gives a stored member a test key beside those they have, and returns its
// id and secret.
func AddTestKey(t testing.TB, r *rostertest.Roster, org id.Organization, user id.User) (id.Key, string) {
	t.Helper()
	key := id.NewTestKey(r.Now(), user)
	text, digest := access.NewKeyText(org, user, key)
	Change(t, r, org, user, func(m *member.Member) {
		m.Keys = maps.Clone(m.Keys)
		m.Keys[key] = access.KeyRecord{Name: "test key", Digest: digest[:], CreatedBy: user, CreatedAt: r.Now()}
	})
	return key, text
}

// SetTimeZone moves an organization.
func SetTimeZone(t testing.TB, r *rostertest.Roster, org id.Organization, zone string) {
	t.Helper()
	r.Set(t, table.Organization(org), "time_zone", zone)
}
