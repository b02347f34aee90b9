package apikey

import (
	"context"
	"maps"
	"reflect"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/spending"
	"roster/internal/spent"
	"roster/internal/table"
)

// decision is what becomes of a member's live key.
type decision func(member.Member, access.KeyRecord) (access.KeyRecord, error)

// change reads a key, decides, and commits the outcome with its audit event; show
// makes the answer. Where nothing changes, nothing is written.
func change[Out any](ctx context.Context, s Service, by access.Actor, key id.Key, action audit.Action, decide decision, show func(access.KeyRecord) Out) (out Out, err error) {
	user, err := owner(by, key.User())
	if err != nil {
		return out, err
	}
	if by.Restricted() {
		return out, ErrRestricted
	}
	err = table.Retry(ctx, func() error {
		read, record, err := s.read(ctx, by, key)
		if err != nil {
			return err
		}
		now := s.Now()
		if record.Expired(now) {
			return ErrExpired
		}
		next, err := decide(read, record)
		if err != nil {
			return err
		}
		if reflect.DeepEqual(record, next) {
			out = show(record)
			return nil
		}
		m := read
		m.Keys = with(read.Keys, key, next)
		writes, err := saved(by, now, changed{read, m})
		if err != nil {
			return err
		}
		if !spending.First(record.Limits).Same(spending.First(next.Limits)) {
			writes = append(writes, spent.Fence(m.Organization, user, spent.Month(now, by.Location()), read.Version+1))
		}
		before, after := audit.Changes(recorded(user, key, record), recorded(user, key, next))
		writes = append(writes, audit.Record(now, m.Organization, audit.Event{
			Action: action, Actor: audit.Member(by), Target: string(key), Before: before, After: after,
		}))
		out, err = api.Commit(ctx, s.Table, show(next), writes...)
		return err
	})
	return out, err
}

// read gets a key whose member the caller may act on.
func (s Service) read(ctx context.Context, by access.Actor, key id.Key) (member.Member, access.KeyRecord, error) {
	m, err := member.Get(ctx, s.Table, by.Organization(), key.User())
	if err != nil {
		return member.Member{}, access.KeyRecord{}, err
	}
	if m == nil {
		return member.Member{}, access.KeyRecord{}, ErrNotFound
	}
	if err := member.Lapse(ctx, s.Env, m); err != nil {
		return member.Member{}, access.KeyRecord{}, err
	}
	if err := changeable(by, *m); err != nil {
		return member.Member{}, access.KeyRecord{}, err
	}
	record, ok := m.Keys[key]
	if !ok {
		return member.Member{}, access.KeyRecord{}, ErrNotFound
	}
	return *m, record, nil
}

// with is the keys with one more, or another.
func with(keys map[id.Key]access.KeyRecord, key id.Key, record access.KeyRecord) map[id.Key]access.KeyRecord {
	all := make(map[id.Key]access.KeyRecord, len(keys)+1)
	maps.Copy(all, keys)
	all[key] = record
	return all
}

// recorded is what an audit event shows of a key, by the API's names.
func recorded(user id.User, key id.Key, k access.KeyRecord) map[string]any {
	v := view(user, key, k)
	return map[string]any{
		"user_id": v.UserID, "name": v.Name, "created_by": v.CreatedBy, "hint": v.Hint, "expires_at": text(v.ExpiresAt),
		"rotated_at": text(v.RotatedAt), "previous_valid_until": text(v.PreviousValidUntil), "allowed_models": v.AllowedModels,
		"limits": spending.First(k.Limits).Recorded(),
	}
}

// text is a time as audit events show it; nil for none.
func text(at *time.Time) any {
	if at == nil {
		return nil
	}
	return at.UTC().Format(time.RFC3339Nano)
}
