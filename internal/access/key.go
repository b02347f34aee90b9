package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strings"

	"roster/internal/id"
)

// KeyPrefix begins every API key, so that secret scanners and people know one;
// TestKeyPrefix every test key.
const (
	KeyPrefix     = "rk_"
	TestKeyPrefix = KeyPrefix + "test_"
)

// A key's text is its prefix and base64url of: organization (16 bytes), user (16),
// key (16), secret (32), CRC-32 of these (4). It leads to the member's items
// without an index; the checksum turns typing errors away without a read.
const (
	keyNamed  = 3 * 16
	keyLength = keyNamed + 32 + 4
)

// KeyText is what an API key says. That it is live is for the member's item to tell.
type KeyText struct {
	Organization id.Organization
	User         id.User
	Key          id.Key
	// Digest is the SHA-256 of the whole text.
	Digest [sha256.Size]byte
}

// NewKeyText makes the text of a new key.
func NewKeyText(org id.Organization, user id.User, key id.Key) (text string, digest [sha256.Size]byte) {
	o, u, k := id.Bytes(org), id.Bytes(user), key.Bytes()
	b := make([]byte, keyNamed+32, keyLength)
	copy(b, o[:])
	copy(b[16:], u[:])
	copy(b[32:], k[:])
	rand.Read(b[keyNamed:])
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	text = keyPrefix(key.Test()) + base64.RawURLEncoding.EncodeToString(b)
	return text, sha256.Sum256([]byte(text))
}

func keyPrefix(test bool) string {
	if test {
		return TestKeyPrefix
	}
	return KeyPrefix
}

// ReadKeyText reads a key's text.
func ReadKeyText(text string) (KeyText, bool) {
	test := strings.HasPrefix(text, TestKeyPrefix)
	encoded, ok := strings.CutPrefix(text, keyPrefix(test))
	if !ok || len(encoded) != base64.RawURLEncoding.EncodedLen(keyLength) {
		return KeyText{}, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	// The decoder skips line breaks, so the length of the text does not tell that of b.
	if err != nil || len(b) != keyLength || crc32.ChecksumIEEE(b[:keyLength-4]) != binary.BigEndian.Uint32(b[keyLength-4:]) {
		return KeyText{}, false
	}
	user := id.UserOf([16]byte(b[16:32]))
	key := id.KeyOf([16]byte(b[32:48]), user)
	if test {
		key = key.ForTests()
	}
	return KeyText{
		Organization: id.OrganizationOf([16]byte(b[:16])),
		User:         user,
		Key:          key,
		Digest:       sha256.Sum256([]byte(text)),
	}, true
}
