package apikey

import (
	"context"
	"maps"
	"slices"

	"roster/internal/access"
	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/table"
)

// Views shows a member's keys, the oldest first, or those of which someone else had the
// secret shown.
func Views(m member.Member, madeBy id.User) []View {
	views := make([]View, 0, len(m.Keys))
	for _, key := range slices.Sorted(maps.Keys(m.Keys)) {
		if k := m.Keys[key]; madeBy == "" || made(k, madeBy) {
			views = append(views, view(m.ID, key, k))
		}
	}
	return views
}

// made reports whether someone had a secret of the key shown.
func made(k access.KeyRecord, by id.User) bool {
	return k.CreatedBy == by || k.Previous != nil && k.Previous.CreatedBy == by
}

// MayRevokeMade refuses a caller to revoke a member's keys.
func MayRevokeMade(by access.Actor, of member.Member) error { return changeable(by, of) }

// RevokeMade ends the secrets that a maker had shown of a member's keys: the key, or,
// where it was rotated by someone else since, the previous secret alone. It returns how
// many keys it changed.
func (s Service) RevokeMade(ctx context.Context, by access.Actor, of, maker id.User) (changed int, err error) {
	err = table.Retry(ctx, func() error {
		read, err := member.Get(ctx, s.Table, by.Organization(), of)
		if err != nil || read == nil {
			return err
		}
		if err := changeable(by, *read); err != nil {
			return err
		}
		now, m := s.Now(), *read
		m.Keys = maps.Clone(read.Keys)
		var events []table.Write
		for _, key := range slices.Sorted(maps.Keys(read.Keys)) {
			k := read.Keys[key]
			if !made(k, maker) {
				continue
			}
			event := audit.Event{
				Action: audit.KeyRevoked, Actor: audit.Member(by), Target: string(key),
				Before: map[string]any{"user_id": of, "name": k.Name, "created_by": k.CreatedBy},
			}
			delete(m.Keys, key)
			if k.CreatedBy != maker {
				ended := k
				ended.Previous = nil
				m.Keys[key] = ended
				event.Action = audit.KeyUpdated
				event.Before, event.After = audit.Changes(recorded(of, key, k), recorded(of, key, ended))
			}
			events = append(events, audit.Record(now, m.Organization, event))
		}
		if changed = len(events); changed == 0 {
			return nil
		}
		return s.Table.Transact(ctx, append(member.Save(read, m, now), events...)...)
	})
	return changed, err
}
