package apikey

import (
	"context"
	"maps"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/model"
	"roster/internal/table"
)

// CreateRequest makes a key.
type CreateRequest struct {
	Name field.Label `json:"name" required:"true"`
	// User is whose key it is to be; the caller's where it is not said.
	User id.User `json:"user_id,omitzero"`
	// ExpiresAt is at most 10 years ahead; never where it is not said.
	ExpiresAt field.Time `json:"expires_at,omitzero"`
	// AllowedModels are those that the key may call; all that its member may, where
	// it is not said.
	AllowedModels model.List `json:"allowed_models,omitzero"`
	// Test makes a key for a sandbox: it may authorize and report usage, which no
	// limit, bill or report counts, and nothing else. What a key is, it stays.
	Test bool `json:"test,omitzero"`
}

func (in CreateRequest) Validate() []fault.Field { return listFaults(in.AllowedModels) }

// CreatedAnswer shows a new key, and this once its secret.
type CreatedAnswer struct {
	Key Created `json:"key"`
}

// Created is a key with its secret.
type Created struct {
	View
	Secret string `json:"secret"`
}

// MaxYears is how far ahead a key may expire.
const MaxYears = 10

var (
	errPast = fault.InvalidField("/expires_at", "is not in the future")
	errFar  = fault.InvalidField("/expires_at", "is more than 10 years ahead")
)

// CreateKey gives the caller, or a member that they administer, a key.
func (s Service) CreateKey(ctx context.Context, by access.Actor, in CreateRequest) (out CreatedAnswer, err error) {
	now := s.Now()
	expires := in.ExpiresAt.Time()
	if err := mayExpire(expires, now); err != nil {
		return CreatedAnswer{}, err
	}
	user, err := owner(by, in.User)
	if err != nil {
		return CreatedAnswer{}, err
	}
	if by.Restricted() {
		return CreatedAnswer{}, ErrRestricted
	}
	key := newKey(now, user, in.Test)
	text, digest := access.NewKeyText(by.Organization(), user, key)
	record := access.KeyRecord{
		Name: string(in.Name), Digest: digest[:], Hint: hint(text),
		CreatedBy: by.Holder(), CreatedAt: now, ExpiresAt: expires, AllowedModels: in.AllowedModels,
	}
	err = table.Retry(ctx, func() error {
		read, err := member.Get(ctx, s.Table, by.Organization(), user)
		if err != nil {
			return err
		}
		if read == nil {
			return member.ErrNotFound
		}
		if err := member.Lapse(ctx, s.Env, read); err != nil {
			return err
		}
		if err := changeable(by, *read); err != nil {
			return err
		}
		record.Cap = read.CapFor(by)
		m, err := add(*read, key, record, now)
		if err != nil {
			return err
		}
		writes, err := saved(by, now, changed{*read, m})
		if err != nil {
			return err
		}
		writes = append(writes, audit.Record(now, m.Organization, audit.Event{
			Action: audit.KeyCreated, Actor: audit.Member(by), Target: string(key),
			After: recorded(user, key, record),
		}))
		out, err = api.Commit(ctx, s.Table, CreatedAnswer{Created{view(user, key, record), text}}, writes...)
		return err
	})
	return out, err
}

// newKey is the id of a new key.
func newKey(now time.Time, user id.User, test bool) id.Key {
	if test {
		return id.NewTestKey(now, user)
	}
	return id.NewKey(now, user)
}

// changed is a member as they were read, and as they are to be.
type changed struct{ read, m member.Member }

// saved is the Writes of members with a new secret. They fail where the caller's
// credential was ended since the call began: it must not outlive itself in a key.
func saved(by access.Actor, now time.Time, all ...changed) (writes []table.Write, err error) {
	stays := []table.Write{by.Stays()}
	for _, c := range all {
		writes = append(writes, member.Save(&c.read, c.m, now)...)
		if by.Key() != "" && by.User() == c.m.ID {
			// A transaction takes one operation on an item, and this one is as it was read.
			stays, err = nil, by.StaysIn(c.read.Keys, now)
		}
	}
	return append(writes, stays...), err
}

// mayExpire refuses an end in the past, or too far ahead; the zero time is none.
func mayExpire(at, now time.Time) error {
	switch {
	case at.IsZero():
		return nil
	case !at.After(now):
		return errPast
	case at.After(now.AddDate(MaxYears, 0, 0)):
		return errFar
	}
	return nil
}

// add gives an active member a key, and forgets the expired ones.
func add(m member.Member, key id.Key, record access.KeyRecord, now time.Time) (member.Member, error) {
	if m.Status != access.Active {
		return m, member.ErrStatus
	}
	keys := with(m.Keys, key, record)
	maps.DeleteFunc(keys, func(_ id.Key, k access.KeyRecord) bool { return k.Expired(now) })
	if len(keys) > MaxKeys {
		return m, ErrTooMany
	}
	m.Keys = keys
	return m, nil
}
