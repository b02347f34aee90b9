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
		read, record, err := s.read(ctx, by, in.Key)
		if err != nil {
			return err
		}
		now := s.Now()
		writes := append(member.Save(&read, without(read, in.Key), now), audit.Record(now, read.Organization, audit.Event{
			Action: audit.KeyRevoked, Actor: audit.Member(by), Target: string(in.Key),
			Before: map[string]any{"user_id": user, "name": record.Name},
		}))
		out, err = api.Commit(ctx, s.Table, RevokedAnswer{view(user, in.Key, record)}, writes...)
		return err
	})
	return out, err
}

// without is the member with a key less.
func without(m member.Member, key id.Key) member.Member {
	m.Keys = maps.Clone(m.Keys)
	delete(m.Keys, key)
	return m
}
