// Package membertest puts organizations and members into a test's table, in any
// state and without the calls that would lead there.
package membertest

import (
	"strings"
	"testing"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/rostertest"
)

// Member is a stored member with the secret of their API key.
type Member struct {
	member.Member
	Secret string
}

// Found stores an organization with one owner.
func Found(t testing.TB, r *rostertest.Roster) Member {
	t.Helper()
	org := organization.New(r.Now(), "Analytical Engines")
	owner := complete(r, member.Member{Organization: org.ID, Role: permission.Owner})
	if err := r.Table.Transact(t.Context(), append(member.CreateFounder(owner.Member, r.Now()), organization.Create(org))...); err != nil {
		t.Fatal(err)
	}
	return owner
}

// Add stores a member. Only the organization and the role are needed; without
// more it is an active person.
func Add(t testing.TB, r *rostertest.Roster, m member.Member) Member {
	t.Helper()
	added := complete(r, m)
	if err := r.Table.Transact(t.Context(), member.Save(nil, added.Member, r.Now())...); err != nil {
		t.Fatal(err)
	}
	return added
}

// complete fills in what is missing, and a key.
func complete(r *rostertest.Roster, m member.Member) Member {
	if m.ID == "" {
		m.ID = id.NewUser(r.Now())
	}
	if m.Kind == "" {
		m.Kind = member.Person
	}
	if m.Status == "" {
		m.Status = access.Active
	}
	if m.Email == "" && m.Kind == member.Person {
		m.Email = email.Address(strings.ToLower(string(m.ID[len(m.ID)-12:])) + "@example.com")
	}
	m.Epoch, m.CreatedAt = 1, r.Now()
	key := id.NewKey(r.Now(), m.ID)
	text, digest := access.NewKeyText(m.Organization, m.ID, key)
	m.Keys = map[id.Key]access.KeyRecord{key: {
		Name: "test", Digest: digest[:], Hint: text[len(text)-4:], CreatedBy: m.ID, CreatedAt: r.Now(),
	}}
	return Member{m, text}
}
