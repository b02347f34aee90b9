package access

import (
	"crypto/subtle"
	"time"

	"roster/internal/id"
)

// KeyRecord is an API key as its member's item holds it.
type KeyRecord struct {
	Name   string `dynamodbav:"name"`
	Digest []byte `dynamodbav:"digest"`
	// Hint is the end of the secret, by which people tell keys apart.
	Hint string `dynamodbav:"hint"`
	// CreatedBy is who had the secret shown: the member, or who made the key for
	// them.
	CreatedBy id.User   `dynamodbav:"created_by"`
	CreatedAt time.Time `dynamodbav:"created_at"`
	ExpiresAt time.Time `dynamodbav:"expires_at,omitempty"`
}

// Admits reports whether a presented text is this key, and the key is live.
func (k KeyRecord) Admits(text KeyText, now time.Time) bool {
	return subtle.ConstantTimeCompare(k.Digest, text.Digest[:]) == 1 && !k.Expired(now)
}

// Expired reports whether the key has ended by itself.
func (k KeyRecord) Expired(now time.Time) bool {
	return !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt)
}
