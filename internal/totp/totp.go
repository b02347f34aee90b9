// Package totp makes and checks the codes of authenticator apps: RFC 6238 with
// SHA-1, six digits and steps of thirty seconds, which is what every app knows.
package totp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"time"
)

const (
	// Step is how long a code is shown.
	Step = 30 * time.Second
	// Digits is how long a code is.
	Digits = 6
	// drift is how many steps a clock may be off (RFC 6238, section 5.2, advises one).
	drift = 1
	// secretBytes is the length of SHA-1's output (RFC 4226, section 4, R6).
	secretBytes = 20
)

// Secret is what an app and Roster share.
type Secret []byte

// NewSecret returns a random one.
func NewSecret() Secret {
	s := make(Secret, secretBytes)
	rand.Read(s)
	return s
}

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// String is the form that people type into an app.
func (s Secret) String() string { return encoding.EncodeToString(s) }

// URL is the form that apps read as a QR code.
// https://github.com/google/google-authenticator/wiki/Key-Uri-Format
func (s Secret) URL(issuer, account string) string {
	return "otpauth://totp/" + url.PathEscape(issuer) + ":" + url.PathEscape(account) +
		"?secret=" + s.String() + "&issuer=" + url.QueryEscape(issuer)
}

// StepAt is the number of the step at an instant.
func StepAt(now time.Time) int64 { return now.Unix() / int64(Step/time.Second) }

// Code is the code of a step.
func (s Secret) Code(step int64) string {
	h := hmac.New(sha1.New, s)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := h.Sum(nil)
	offset := sum[len(sum)-1] & 0xf // RFC 4226, section 5.3
	truncated := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", Digits, truncated%1_000_000)
}

// Match returns the step of a code that is valid now and is of a step after the
// one given, the last that was used.
func (s Secret) Match(code string, now time.Time, after int64) (step int64, ok bool) {
	current := StepAt(now)
	for candidate := current - drift; candidate <= current+drift; candidate++ {
		if subtle.ConstantTimeCompare([]byte(s.Code(candidate)), []byte(code)) == 1 && candidate > after {
			return candidate, true
		}
	}
	return 0, false
}
