// Package secret derives every key that a deployment needs from one secret:
// the key that signs access tokens, the one that authenticates refresh tokens,
// and the one that seals cursors, stored answers and tokens in waiting mails.
//
// A secret has a current and, while it is being rotated, a previous value.
// What the previous one made stays valid as long as it is given.
package secret

import (
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"

	"golang.org/x/crypto/chacha20poly1305"
)

// Keys are the keys of a deployment, the current generation first.
type Keys struct {
	generations []generation
}

type generation struct {
	signing ed25519.PrivateKey
	refresh []byte
	seal    cipher.AEAD
}

// Derive makes the keys from the secret's values, the current one first. Each
// value must hold at least 32 bytes.
func Derive(values ...string) (*Keys, error) {
	k := new(Keys)
	for _, value := range values {
		if len(value) < 32 {
			return nil, errors.New("secret: a value needs at least 32 bytes")
		}
		derive := func(purpose string) []byte {
			key, err := hkdf.Key(sha256.New, []byte(value), nil, "roster/"+purpose, 32)
			if err != nil {
				panic(err) // only for lengths that SHA-256 cannot give
			}
			return key
		}
		seal, err := chacha20poly1305.NewX(derive("seal"))
		if err != nil {
			return nil, err
		}
		k.generations = append(k.generations, generation{
			signing: ed25519.NewKeyFromSeed(derive("access token")),
			refresh: derive("refresh token"),
			seal:    seal,
		})
	}
	if len(k.generations) == 0 {
		return nil, errors.New("secret: no value")
	}
	return k, nil
}

// Signing returns the key that signs access tokens.
func (k *Keys) Signing() ed25519.PrivateKey { return k.generations[0].signing }

// Verifying returns the public keys whose access tokens are valid.
func (k *Keys) Verifying() []ed25519.PublicKey {
	all := make([]ed25519.PublicKey, len(k.generations))
	for i, g := range k.generations {
		all[i] = g.signing.Public().(ed25519.PublicKey)
	}
	return all
}

// MAC authenticates a message with the current refresh-token key (HMAC-SHA-256).
func (k *Keys) MAC(message []byte) []byte { return mac(k.generations[0].refresh, message) }

// CheckMAC reports whether sum is the MAC of message by any live key.
func (k *Keys) CheckMAC(message, sum []byte) bool {
	valid := false
	for _, g := range k.generations {
		valid = hmac.Equal(mac(g.refresh, message), sum) || valid
	}
	return valid
}

func mac(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}

var errSealed = errors.New("secret: not sealed by this deployment for this use")

// Seal encrypts and authenticates plain (XChaCha20-Poly1305). It opens only for
// the same use: a cursor's filters, an outbox item's id.
func (k *Keys) Seal(plain []byte, use string) string {
	aead := k.generations[0].seal
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	rand.Read(nonce)
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, []byte(use)))
}

// Open is the inverse of Seal.
func (k *Keys) Open(sealed, use string) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return nil, errSealed
	}
	for _, g := range k.generations {
		n := g.seal.NonceSize()
		if len(b) < n {
			return nil, errSealed
		}
		if plain, err := g.seal.Open(nil, b[:n], b[n:], []byte(use)); err == nil {
			return plain, nil
		}
	}
	return nil, errSealed
}

// Token is 256 random bits in base64url: a secret that leads somewhere once.
func Token() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// Digest is the SHA-256 by which a token is stored.
func Digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
