package apikey

import (
	"context"
	"maps"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/table"
)

// RevokeRequest names a key.
type RevokeRequest struct {
	Key id.Key `path:"key_id" json:"-"`
}

// RevokedAnswer shows what the key was.
type RevokedAnswer struct {
	Key View `json:"key"`
}

// RevokeKey ends a key: the next call with it is refused.
func (s Service) RevokeKey(ctx context.Context, by access.Actor, in RevokeRequest) (out RevokedAnswer, err error) {
	user, err := owner(by, in.Key.User())
	if err != nil {
		return RevokedAnswer{}, err
	}
	err = table.Retry(ctx, func() error {
		read, err := member.Get(ctx, s.Table, by.Organization(), user)
		if err != nil {
			return err
		}
		if read == nil {
			return ErrNotFound
		}
		if err := changeable(by, *read); err != nil {
			return err
		}
		record, ok := read.Keys[in.Key]
		if !ok {
			return ErrNotFound
		}
		m, now := *read, s.Now()
		m.Keys = maps.Clone(read.Keys)
		delete(m.Keys, in.Key)
		writes := append(member.Save(read, m, now), audit.Record(now, m.Organization, audit.Event{
			Action: "key.revoked", Actor: audit.Member(by), Target: string(in.Key),
			Before: map[string]any{"user_id": user, "name": record.Name},
		}))
		out, err = api.Commit(ctx, s.Table, RevokedAnswer{view(user, in.Key, record)}, writes...)
		return err
	})
	return out, err
}
