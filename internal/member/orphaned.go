package member

import (
	"context"
	"slices"
	"time"

	"roster/internal/access"
	"roster/internal/id"
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
