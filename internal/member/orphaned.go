package member

import (
	"context"
	"slices"
	"time"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/page"
	"roster/internal/table"
)

// Relied tells of people on whom others rely how they stand at a time. Something is
// orphaned where it relies on someone who is gone: a service account, where no active
// person answers for it; a key, where that is so of its member, or where who had its
// secret shown is no active member any more.
type Relied struct {
	answering map[id.User]Member // as they stand at the time
	now       time.Time
}

// ReadRelied reads how people stand now, whatever relies on them.
func ReadRelied(ctx context.Context, t *table.Table, org id.Organization, now time.Time, people ...id.User) (Relied, error) {
	answering, err := Answering(ctx, t, org, people...)
	for user, m := range answering {
		answering[user] = m.At(now)
	}
	return Relied{answering, now}, err
}

// Stands reports whether someone is an active person: nothing is orphaned by them.
func (r Relied) Stands(user id.User) bool { return r.active(user) && r.answered(user) }

func (r Relied) active(user id.User) bool {
	m, ok := r.answering[user]
	return ok && m.ID == user && m.Status == access.Active
}

// answered reports whether an active person answers for what a user answered for.
func (r Relied) answered(user id.User) bool {
	m, ok := r.answering[user]
	return ok && m.Kind == Person && m.Status == access.Active
}

// Orphaned reports whether a member is an orphaned service account.
func (r Relied) Orphaned(m Member) bool {
	return m.Kind == ServiceAccount && m.present() == nil && !r.answered(m.Responsible)
}

// OrphanedBy are those of DependsOn who are gone, in order; of nobody, the key is not
// orphaned. A previous secret that has run out says nothing any more.
func (r Relied) OrphanedBy(m Member, k access.KeyRecord) []id.User {
	if k.Previous != nil && !r.now.Before(k.Previous.Until) {
		k.Previous = nil
	}
	makers := m.makers(k)
	return slices.DeleteFunc(m.DependsOn(k), func(u id.User) bool {
		return !(makers[u] && !r.active(u) || u == m.Responsible && r.Orphaned(m))
	})
}

// orphaned reads which of the members are orphaned service accounts.
func (s Service) orphaned(ctx context.Context, org id.Organization, members ...Member) (map[id.User]bool, error) {
	var responsible []id.User
	for _, m := range members {
		if m.Kind == ServiceAccount && m.present() == nil {
			responsible = append(responsible, m.Responsible)
		}
	}
	if responsible == nil {
		return nil, nil
	}
	relied, err := ReadRelied(ctx, s.Table, org, s.Now(), responsible...)
	if err != nil {
		return nil, err
	}
	orphaned := map[id.User]bool{}
	for _, m := range members {
		orphaned[m.ID] = relied.Orphaned(m)
	}
	return orphaned, nil
}

// servicesPartition is that of the list of active and suspended service accounts, by
// who answers for them.
func servicesPartition(org id.Organization) string { return table.ListPartition(org, "services") }

// listOrphaned reads a page of the orphaned service accounts, and the cursor to the
// next; empty at the end. Whether one is orphaned depends on its place in the list
// alone: behind what an active person answers for, the list goes on with the next one.
func (s Service) listOrphaned(ctx context.Context, org id.Organization, asked page.Request) (rows []Member, next string, err error) {
	q := table.Query{PK: servicesPartition(org), Settled: true}
	if q.Start, err = page.Start(ctx, s.Env, q.PK, asked.Cursor); err != nil {
		return nil, "", err
	}
	for range readings {
		q.Limit = asked.Limit.Rows() - len(rows)
		read, err := s.Table.Query(ctx, q)
		if err != nil {
			return nil, "", err
		}
		orphans, relied, err := s.orphansAt(ctx, org, read.Items)
		if err != nil {
			return nil, "", err
		}
		rows = append(rows, orphans...)
		if q.Start = read.Next; q.Start == nil {
			break
		}
		last, err := answering(read.Items[len(read.Items)-1])
		if err != nil {
			return nil, "", err
		}
		if relied.answered(last) {
			q.Start = table.AfterPlace(q.PK, string(last))
		}
		if len(rows) == asked.Limit.Rows() {
			break
		}
	}
	next, err = page.Cursor(ctx, s.Env, q.PK, q.Start)
	return rows, next, err
}

// orphansAt reads the orphaned ones of the service accounts to which entries lead, of
// those that still stand there; and how the people stand who answer for them.
func (s Service) orphansAt(ctx context.Context, org id.Organization, entries []table.Item) (orphans []Member, relied Relied, err error) {
	people := make([]id.User, len(entries))
	for i, entry := range entries {
		if people[i], err = answering(entry); err != nil {
			return nil, relied, err
		}
	}
	if relied, err = ReadRelied(ctx, s.Table, org, s.Now(), people...); err != nil {
		return nil, relied, err
	}
	var lost []table.Item
	for i, entry := range entries {
		if !relied.answered(people[i]) {
			lost = append(lost, entry)
		}
	}
	orphans, err = pages{Env: s.Env, org: org}.shown(ctx, source{shows: func(m Member, entry table.Key) bool {
		return relied.Orphaned(m) && slices.Contains(m.entries(), entry)
	}}, lost)
	return orphans, relied, err
}

// answering is who answers for the service account to which an entry leads.
func answering(entry table.Item) (id.User, error) {
	key, err := table.Decode[table.Key](entry)
	person, _ := key.Entry()
	return id.User(person), err
}
