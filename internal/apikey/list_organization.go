package apikey

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"roster/internal/access"
	"roster/internal/calendar"
	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/page"
	"roster/internal/table"
)

type (
	// Scope is of whom keys are listed: organization, of everyone.
	Scope string
	// State is which of an organization's keys are listed: orphaned or idle.
	State string
	// IdleDays is after how many days without use a key is idle: 1 to 3650; 90 where it
	// is not said.
	IdleDays int
)

const (
	OrganizationScope Scope = "organization"

	// Orphaned keys depend on someone who is gone; see member.Relied.
	Orphaned State = "orphaned"
	// Idle keys have had no usage for a while; see View.LastUsedAt.
	Idle State = "idle"

	defaultIdleDays = 90
	maxIdleDays     = 3650
)

func (s *Scope) UnmarshalText(b []byte) error {
	if Scope(b) != OrganizationScope {
		return errors.New("is not organization")
	}
	*s = OrganizationScope
	return nil
}

func (s *State) UnmarshalText(b []byte) error {
	switch given := State(b); given {
	case Orphaned, Idle:
		*s = given
		return nil
	}
	return errors.New("is neither orphaned nor idle")
}

func (d *IdleDays) UnmarshalText(b []byte) error {
	n, err := strconv.Atoi(string(b))
	if err != nil || n < 1 || n > maxIdleDays {
		return fmt.Errorf("is not a number from 1 to %d", maxIdleDays)
	}
	*d = IdleDays(n)
	return nil
}

// since is the beginning of the day on which, or since when, a key that is not idle was
// used.
func (d IdleDays) since(now time.Time, zone *time.Location) time.Time {
	if d == 0 {
		d = defaultIdleDays
	}
	year, month, day := now.In(zone).Date()
	return calendar.DayBegins(year, month, day-int(d), zone)
}

// readings is how often a page is filled up where entries lead to what does not belong
// there: then it is short rather than slow.
const readings = 20

// listing is one of the lists of an organization's keys.
type listing struct {
	*env.Env
	org   id.Organization
	order member.KeyOrder
	state State
	// days and before say since when idle keys were not used.
	days   IdleDays
	before time.Time
}

func (s Service) listing(by access.Actor, in ListRequest) listing {
	l := listing{Env: s.Env, org: by.Organization(), order: member.KeysByCreation, state: in.State}
	switch in.State {
	case Orphaned:
		l.order = member.KeysByPerson
	case Idle:
		l.order, l.days, l.before = member.KeysByUse, in.IdleDays, in.IdleDays.since(s.Now(), by.Location())
	}
	return l
}

func (l listing) query() table.Query {
	q := table.Query{PK: member.KeyPartition(l.org, l.order), Settled: true}
	if l.state == Idle {
		q.To = member.KeyInUse(l.before)
	}
	return q
}

// read reads the keys of the page that is asked for, and the cursor to the next; empty
// at the end.
func (l listing) read(ctx context.Context, asked page.Request) (rows []View, next string, err error) {
	q := l.query()
	binding := fmt.Sprintf("%q", []string{q.PK, string(l.state), strconv.Itoa(int(l.days))})
	if q.Start, err = page.Start(ctx, l.Env, binding, asked.Cursor); err != nil {
		return nil, "", err
	}
	rows = []View{}
	for range readings {
		q.Limit = asked.Limit.Rows() - len(rows)
		read, err := l.Table.Query(ctx, q)
		if err != nil {
			return nil, "", err
		}
		entries, err := table.DecodeAll[table.Key](read.Items)
		if err != nil {
			return nil, "", err
		}
		shown, relied, err := l.shown(ctx, entries)
		if err != nil {
			return nil, "", err
		}
		rows = append(rows, shown...)
		q.Start = read.Next
		if q.Start != nil && l.state == Orphaned {
			// Nothing is orphaned by an active person: the list goes on with the next one.
			if person, _ := entries[len(entries)-1].Entry(); relied.Stands(id.User(person)) {
				q.Start = table.AfterPlace(q.PK, person)
			}
		}
		if q.Start == nil || len(rows) == asked.Limit.Rows() {
			break
		}
	}
	next, err = page.Cursor(ctx, l.Env, binding, q.Start)
	return rows, next, err
}

// shown are the keys to which entries lead, of those that still stand there and are in
// the state; and how the people stand on whom orphaned keys depend.
func (l listing) shown(ctx context.Context, entries []table.Key) (rows []View, relied member.Relied, err error) {
	owners := map[id.User]**member.Member{}
	var reads []table.Read
	for _, entry := range entries {
		_, reference := entry.Entry()
		if user := id.Key(reference).User(); owners[user] == nil {
			owners[user] = new(*member.Member)
			reads = append(reads, member.Read(l.org, user, owners[user]))
		}
	}
	if err := l.Table.GetSettled(ctx, reads...); err != nil || len(entries) == 0 {
		return nil, relied, err
	}
	if relied, err = l.relied(ctx, entries, owners); err != nil {
		return nil, relied, err
	}
	for _, entry := range entries {
		place, reference := entry.Entry()
		key := id.Key(reference)
		m := *owners[key.User()]
		if m == nil {
			continue
		}
		record, ok := m.Keys[key]
		if !ok || !slices.Contains(m.KeyEntries(key, record), entry) || l.state != "" && record.Expired(l.Now()) {
			continue
		}
		v := view(m.ID, key, record)
		switch l.state {
		case Idle:
			if !member.LastUse(record).Before(l.before) {
				continue
			}
		case Orphaned:
			v.OrphanedBy = relied.OrphanedBy(*m, record)
			// A key stands once for each of them, and is shown with the first.
			if len(v.OrphanedBy) == 0 || string(v.OrphanedBy[0]) != place {
				continue
			}
		}
		rows = append(rows, v)
	}
	return rows, relied, nil
}

// relied reads how those stand on whom the keys depend.
func (l listing) relied(ctx context.Context, entries []table.Key, owners map[id.User]**member.Member) (member.Relied, error) {
	if l.state != Orphaned {
		return member.Relied{}, nil
	}
	var people []id.User
	for _, entry := range entries {
		place, reference := entry.Entry()
		people = append(people, id.User(place))
		if m := *owners[id.Key(reference).User()]; m != nil {
			people = append(people, m.DependsOn(m.Keys[id.Key(reference)])...)
		}
	}
	return member.ReadRelied(ctx, l.Table, l.org, l.Now(), people...)
}
