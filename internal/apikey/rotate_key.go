package apikey

import (
	"context"
	"fmt"
	"time"

	"roster/internal/access"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/member"
)

// RotateRequest gives a key a new secret.
type RotateRequest struct {
	Key id.Key `path:"key_id" json:"-"`
	// GraceSeconds is how long the secret of now stays valid, up to 7 days; 0, not at
	// all. An older secret ends at once.
	GraceSeconds Grace `json:"grace_seconds,omitzero"`
}

// Grace is a time in seconds.
type Grace int

// MaxGraceSeconds is 7 days.
const MaxGraceSeconds = 7 * 24 * 60 * 60

func (in RotateRequest) Validate() []fault.Field {
	if in.GraceSeconds < 0 || in.GraceSeconds > MaxGraceSeconds {
		return []fault.Field{{Pointer: "/grace_seconds", Reason: fmt.Sprintf("is not from 0 to %d", MaxGraceSeconds)}}
	}
	return nil
}

// RotateKey replaces a key's secret; its id, and what refers to that, stay.
func (s Service) RotateKey(ctx context.Context, by access.Actor, in RotateRequest) (CreatedAnswer, error) {
	user := in.Key.User()
	text, digest := access.NewKeyText(by.Organization(), user, in.Key)
	return change(ctx, s, by, in.Key, audit.KeyRotated, func(m member.Member, k access.KeyRecord) (access.KeyRecord, error) {
		secret := access.Secret{Digest: digest[:], CreatedBy: by.Holder(), Cap: m.CapFor(by)}
		return k.Rotated(secret, hint(text), time.Duration(in.GraceSeconds)*time.Second, s.Now()), nil
	}, func(k access.KeyRecord) CreatedAnswer { return CreatedAnswer{Created{view(user, in.Key, k), text}} })
}
