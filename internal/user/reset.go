package user

import (
	"crypto/subtle"
	"slices"
	"time"

	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/secret"
)

// ErrReset refuses a link to a new password.
var ErrReset = fault.New(fault.Unauthenticated, "invalid_reset_token",
	"The link to a new password is not valid, was used already, or has expired. Ask for a new one.")

const (
	// ResetTTL is how long a link to a new password works.
	ResetTTL = time.Hour
	// ResetsKept is how many links work at a time: who asks for one does not end that
	// for which the account's holder asked just before.
	ResetsKept = 3
)

// Reset is a mailed link to a new password.
type Reset struct {
	Digest    []byte    `dynamodbav:"digest"`
	ExpiresAt time.Time `dynamodbav:"expires_at"`
}

// resetPrefix begins the token of a link to a new password.
const resetPrefix = "rp_"

// StartReset gives the account a further link's token. The newest ones go on to work.
func (u *User) StartReset(now time.Time) (token string, expires time.Time) {
	token, expires = u.newToken(resetPrefix), now.Add(ResetTTL)
	u.Resets = append([]Reset{{secret.Digest(token), expires}}, u.Resets[:min(len(u.Resets), ResetsKept-1)]...)
	return token, expires
}

// ResetUser returns whose a link's token is.
func ResetUser(token field.Token) (id.User, error) { return tokenUser(resetPrefix, token, ErrReset) }

// CheckReset tells whether the token is that of one of the account's links.
func (u *User) CheckReset(token field.Token, now time.Time) error {
	digest := secret.Digest(string(token))
	if u == nil || !slices.ContainsFunc(u.Resets, func(r Reset) bool {
		return now.Before(r.ExpiresAt) && subtle.ConstantTimeCompare(r.Digest, digest) == 1
	}) {
		return ErrReset
	}
	return nil
}
