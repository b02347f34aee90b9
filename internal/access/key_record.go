package access

import (
	"crypto/subtle"
	"time"

	"roster/internal/id"
	"roster/internal/model"
	"roster/internal/permission"
	"roster/internal/spending"
)

// KeyRecord is an API key as its member's item holds it.
type KeyRecord struct {
	Name   string `dynamodbav:"name"`
	Digest []byte `dynamodbav:"digest"`
	// Hint is the end of the secret, by which people tell keys apart.
	Hint string `dynamodbav:"hint"`
	// CreatedBy is who had the secret shown: the member, or who made the key for
	// them.
	CreatedBy id.User `dynamodbav:"created_by"`
	// Cap bounds the secret that someone else than the member had shown.
	Cap       *Cap      `dynamodbav:"cap,omitempty"`
	CreatedAt time.Time `dynamodbav:"created_at"`
	ExpiresAt time.Time `dynamodbav:"expires_at,omitempty"`
	// UsedAt is the beginning of the last day, in the organization's time zone, of usage
	// that was reported through or for the key; see member.KeyUsed.
	UsedAt time.Time `dynamodbav:"used_at,unixtime,omitempty"`
	// RotatedAt is when the secret was last replaced.
	RotatedAt time.Time `dynamodbav:"rotated_at,omitempty"`
	// Previous is the secret before that, where it was left time.
	Previous *Previous `dynamodbav:"previous,omitempty"`
	// AllowedModels bounds what the key may call.
	AllowedModels model.List `dynamodbav:"allowed_models,omitempty"`
	// Limits are what may be spent through the key, besides what its member may.
	Limits *spending.Chosen `dynamodbav:"limits,omitempty"`
}

// Secret is one of the texts by which a key is presented: who had it shown, and
// what it is worth at most.
type Secret struct {
	Digest    []byte  `dynamodbav:"digest"`
	CreatedBy id.User `dynamodbav:"created_by"`
	Cap       *Cap    `dynamodbav:"cap,omitempty"`
}

// Previous is a secret that ends by itself.
type Previous struct {
	Secret
	Until time.Time `dynamodbav:"until"`
}

// Cap is what a member could do when someone else made a key for them, as far as
// the maker could do it too. The key does no more, whatever the member may do
// later: its maker has it in hand.
type Cap struct {
	Permissions permission.Set `dynamodbav:"permissions"`
	// Owner: both were owners.
	Owner bool `dynamodbav:"owner,omitempty"`
}

// Bound returns what is left of a member's permissions; all where there is no cap.
func (c *Cap) Bound(of permission.Set) permission.Set {
	if c == nil {
		return of
	}
	return of & c.Permissions
}

// Lifted returns the cap of a key whose maker gives the member further
// permissions.
func (c *Cap) Lifted(by permission.Set, owner bool) *Cap {
	if c == nil {
		return nil
	}
	return &Cap{Permissions: c.Permissions | by, Owner: c.Owner || owner}
}

// Current is the secret that was shown last.
func (k KeyRecord) Current() Secret { return Secret{k.Digest, k.CreatedBy, k.Cap} }

// Admits returns which of the key's secrets a presented text is; none, if it is
// none, or the key or the secret has ended.
func (k KeyRecord) Admits(text KeyText, now time.Time) (Secret, bool) {
	secret, ok := k.secret(text.Digest[:], now)
	return secret, ok && !k.Expired(now)
}

func (k KeyRecord) secret(digest []byte, now time.Time) (Secret, bool) {
	switch {
	case subtle.ConstantTimeCompare(k.Digest, digest) == 1:
		return k.Current(), true
	case k.Previous != nil && now.Before(k.Previous.Until) && subtle.ConstantTimeCompare(k.Previous.Digest, digest) == 1:
		return k.Previous.Secret, true
	}
	return Secret{}, false
}

// Rotated is the key with a new secret. The one before stays valid for the grace, and
// any older one ends.
func (k KeyRecord) Rotated(to Secret, hint string, grace time.Duration, now time.Time) KeyRecord {
	before := k.Current()
	k.Digest, k.CreatedBy, k.Cap = to.Digest, to.CreatedBy, to.Cap
	k.Hint, k.RotatedAt, k.Previous = hint, now, nil
	if grace > 0 {
		k.Previous = &Previous{before, now.Add(grace)}
	}
	return k
}

// Expired reports whether the key has ended by itself.
func (k KeyRecord) Expired(now time.Time) bool {
	return !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt)
}
