package apikey

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/table"
)

// TransferRequest gives a key to another member.
type TransferRequest struct {
	Key id.Key `path:"key_id" json:"-"`
	// User is whose key it is to be: an active member or service account.
	User id.User `json:"user_id" required:"true"`
}

// TransferredAnswer shows the key under its new id, which names its new member, and
// this once its new secret.
type TransferredAnswer struct {
	Key Created `json:"key"`
	// PreviousID is the id under which the key was known until now.
	PreviousID id.Key `json:"previous_id"`
}

var errOwnKey = fault.InvalidField("/user_id", "is whose key it is")

// TransferKey gives a key to another member: name, expiry and allowed models stay, and
// a test key is one; the secret that was ends at once.
func (s Service) TransferKey(ctx context.Context, by access.Actor, in TransferRequest) (out TransferredAnswer, err error) {
	if in.User == in.Key.User() {
		return TransferredAnswer{}, errOwnKey
	}
	if by.Restricted() {
		return TransferredAnswer{}, ErrRestricted
	}
	key := newKey(s.Now(), in.User, in.Key.Test())
	text, digest := access.NewKeyText(by.Organization(), in.User, key)
	err = table.Retry(ctx, func() error {
		from, record, err := s.read(ctx, by, in.Key)
		if err != nil {
			return err
		}
		to, err := s.receiver(ctx, by, in.User)
		if err != nil {
			return err
		}
		now := s.Now()
		if record.Expired(now) {
			return ErrExpired
		}
		secret := access.Secret{Digest: digest[:], CreatedBy: by.Holder(), Cap: to.CapFor(by)}
		moved := record.Rotated(secret, hint(text), 0, now)
		giver := without(from, in.Key)
		taker, err := add(to, key, moved, now)
		if err != nil {
			return err
		}
		writes, err := saved(by, now, changed{from, giver}, changed{to, taker})
		if err != nil {
			return err
		}
		writes = append(writes, audit.Record(now, from.Organization, audit.Event{
			Action: audit.KeyTransferred, Actor: audit.Member(by), Target: string(in.Key), Also: []string{string(key)},
			Before: map[string]any{"key_id": in.Key, "user_id": from.ID, "name": record.Name},
			After:  map[string]any{"key_id": key, "user_id": to.ID, "name": record.Name, "created_by": moved.CreatedBy},
		}))
		out, err = api.Commit(ctx, s.Table, TransferredAnswer{Created{view(in.User, key, moved), text}, in.Key}, writes...)
		return err
	})
	return out, err
}

// receiver reads a member to whom the caller may give keys.
func (s Service) receiver(ctx context.Context, by access.Actor, user id.User) (member.Member, error) {
	m, err := member.Get(ctx, s.Table, by.Organization(), user)
	if err != nil {
		return member.Member{}, err
	}
	if m == nil {
		return member.Member{}, member.ErrNotFound
	}
	if err := member.Lapse(ctx, s.Env, m); err != nil {
		return member.Member{}, err
	}
	return *m, changeable(by, *m)
}
