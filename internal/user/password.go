package user

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"roster/internal/field"
	"roster/internal/policy"
)

const (
	saltBytes  = 16
	hashBytes  = 32
	argonLanes = 1
)

// hashing is what a new hash costs: OWASP's Password Storage Cheat Sheet, second
// choice of argon2id (19 MiB, 2 passes, 1 lane).
var hashing = Cost{Memory: 19456, Passes: 2}

// Cost is what it takes to hash a password with argon2id.
type Cost struct {
	Memory uint32 // KiB
	Passes uint32
}

// HashAt sets what new hashes cost. It is for tests, which make thousands of accounts:
// for hashes that need to protect nothing.
func HashAt(c Cost) { hashing = c }

// SetPassword gives the account a password.
func (u *User) SetPassword(p field.Password) {
	u.Password, u.PasswordLength = HashPassword(p), min(utf8.RuneCountInString(string(p)), policy.LongestAsked)
}

// ReplacePassword gives the account another password: its sessions and its links to
// a new password end.
func (u *User) ReplacePassword(p field.Password) {
	u.SetPassword(p)
	u.SessionEpoch++
	u.Resets = nil
}

// HashPassword returns the argon2id hash in the PHC string format.
func HashPassword(p field.Password) string {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	hash := argon2.IDKey([]byte(p), salt, hashing.Passes, hashing.Memory, argonLanes, hashBytes)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashing.Memory, hashing.Passes, argonLanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(hash))
}

// nobody is the hash against which the password of an unknown address is
// checked, so that the answer takes as long as for a known one.
var nobody = sync.OnceValue(func() string { return HashPassword("nobody has this password") })

// CheckPassword reports whether p is the account's password. A nil account has
// none, and takes as long to say so.
func (u *User) CheckPassword(p field.Password) bool {
	if u == nil {
		matches(nobody(), p)
		return false
	}
	return matches(u.Password, p)
}

func matches(stored string, p field.Password) bool {
	var (
		version        int
		memory, passes uint32
		lanes          uint8
		encoded        string
	)
	if _, err := fmt.Sscanf(stored, "$argon2id$v=%d$m=%d,t=%d,p=%d$%s", &version, &memory, &passes, &lanes, &encoded); err != nil {
		return false
	}
	salt64, hash64, _ := strings.Cut(encoded, "$")
	salt, saltErr := base64.RawStdEncoding.DecodeString(salt64)
	want, hashErr := base64.RawStdEncoding.DecodeString(hash64)
	if saltErr != nil || hashErr != nil || len(want) == 0 {
		return false
	}
	got := argon2.IDKey([]byte(p), salt, passes, memory, lanes, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1
}
