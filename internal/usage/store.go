package usage

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/spending"
	"roster/internal/spent"
	"roster/internal/table"
)

// person is what usage reads of a member.
type person struct {
	Email    string          `dynamodbav:"email"`
	Name     string          `dynamodbav:"name"`
	Role     string          `dynamodbav:"role"`
	Status   access.Status   `dynamodbav:"status"`
	Teams    teams           `dynamodbav:"teams"`
	Metadata member.Metadata `dynamodbav:"metadata"`
	// MetadataSince is when it was changed last.
	MetadataSince time.Time        `dynamodbav:"metadata_since,unixtime"`
	Offer         *spending.Chosen `dynamodbav:"offer"`
	Terms         struct {
		Limits *spending.Chosen `dynamodbav:"limits"`
	} `dynamodbav:"terms"`
	Keys map[id.Key]limitedKey `dynamodbav:"keys"`
}

// limitedKey is what usage reads of a key.
type limitedKey struct {
	Name   string           `dynamodbav:"name"`
	Limits *spending.Chosen `dynamodbav:"limits"`
}

// teams are those that a member is in.
type teams map[id.Team]access.TeamRole

// month is a member's month, as the organization's time zone has it: "2026-11"; that
// of their test keys is one by itself.
type month struct {
	user id.User
	name string
	test bool
}

// key is that of the item with the month's counters.
func (m month) key(org id.Organization) table.Key {
	if m.test {
		return table.TestMonth(org, m.user, m.name)
	}
	return table.MemberMonth(org, m.user, m.name)
}

// usersPartition is the partition of the state index with the users of a month.
func usersPartition(org id.Organization, month string, test bool) string {
	if test {
		return spent.TestUsersPartition(org, month)
	}
	return spent.UsersPartition(org, month)
}

// state is what was read of members and of their months. What was absent has its
// zero value: a member without a status never was one.
type state struct {
	people  map[id.User]*person
	tallies map[month]*tally
}

// readState reads members and months, 100 items in a round trip.
func readState(ctx context.Context, t *table.Table, org id.Organization, months []month) (state, error) {
	people := wanted[id.User, person]{}
	tallies := wanted[month, tally]{}
	var reads []table.Read
	for _, m := range months {
		reads = people.add(reads, m.user, table.Member(org, m.user))
		reads = tallies.add(reads, m, m.key(org))
	}
	if err := t.Get(ctx, reads...); err != nil {
		return state{}, err
	}
	return state{people.found(), tallies.found()}, nil
}

// readMonth reads a month's counters, unless they came with how their member stands.
func readMonth(ctx context.Context, t *table.Table, org id.Organization, s access.Standing, of month) (*tally, error) {
	if item, read := s.Month(of.name); read && of.user == s.User() && !of.test {
		return counters(item)
	}
	var item table.Item
	if err := t.Get(ctx, table.Raw(of.key(org), &item)); err != nil {
		return nil, err
	}
	return counters(item)
}

// wanted are items of one kind to be read, each once, by what they are of.
type wanted[Of comparable, T any] map[Of]**T

func (w wanted[Of, T]) add(reads []table.Read, of Of, key table.Key) []table.Read {
	if w[of] != nil {
		return reads
	}
	w[of] = new(*T)
	return append(reads, table.Into(key, w[of]))
}

func (w wanted[Of, T]) found() map[Of]*T {
	all := make(map[Of]*T, len(w))
	for of, item := range w {
		all[of] = *item
		if *item == nil {
			all[of] = new(T)
		}
	}
	return all
}

// usersOf lists who has counters in a month. The index follows within moments of
// a member's first event of the month.
func usersOf(ctx context.Context, t *table.Table, org id.Organization, month string, test bool) ([]id.User, error) {
	items, err := t.QueryAll(ctx, table.Query{Index: table.StateIndex, PK: usersPartition(org, month, test)})
	if err != nil {
		return nil, err
	}
	rows, err := table.DecodeAll[table.Row](items)
	if err != nil {
		return nil, err
	}
	users := make([]id.User, len(rows))
	for i, row := range rows {
		users[i] = id.User(row.StateSK)
	}
	return users, nil
}
