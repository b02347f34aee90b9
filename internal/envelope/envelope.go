// Package envelope encrypts credentials: each under a data key of its own, and
// that under a master key. The master key is one of KMS in AWS (package kmskey),
// and derived from the deployment's secret on one machine.
//
// A text opens only in the context in which it was sealed, which is stored nowhere
// beside it: what is moved to another owner or id does not open there.
package envelope

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"

	"github.com/go-json-experiment/json"
)

// Context says what a text belongs to. Nothing in it is secret: KMS logs it.
type Context map[string]string

// Sealed is an encrypted text.
type Sealed struct {
	// DataKey is the data key, as the master key encrypts it.
	DataKey []byte `dynamodbav:"data_key"`
	// Text is a nonce of 12 bytes, and the AES-256-GCM of the plain text with a tag
	// of 16. The context, as JSON with sorted members, is authenticated with it.
	Text []byte `dynamodbav:"text"`
}

// MasterKey makes and opens data keys of 32 bytes, each bound to a context.
type MasterKey interface {
	NewDataKey(context.Context, Context) (plain, sealed []byte, err error)
	// OpenDataKey fails with ErrSealed.
	OpenDataKey(ctx context.Context, sealed []byte, of Context) (plain []byte, err error)
}

// Sealer seals and opens.
type Sealer struct{ master MasterKey }

// New returns a Sealer by a master key.
func New(master MasterKey) *Sealer { return &Sealer{master} }

// Seal encrypts a text.
func (s *Sealer) Seal(ctx context.Context, plain []byte, of Context) (Sealed, error) {
	key, sealed, err := s.master.NewDataKey(ctx, of)
	if err != nil {
		return Sealed{}, err
	}
	defer clear(key)
	aead, err := newAEAD(key)
	if err != nil {
		return Sealed{}, err
	}
	return Sealed{DataKey: sealed, Text: aead.Seal(nil, nil, plain, of.bytes())}, nil
}

// ErrSealed refuses a text that was not sealed by this master key in this context.
var ErrSealed = errors.New("envelope: not sealed with this key in this context")

// Open is the inverse of Seal. No function of Roster calls it, and in AWS none
// may: it is for the gateway that uses the credential (internal/docs/decisions.md).
func (s *Sealer) Open(ctx context.Context, sealed Sealed, of Context) ([]byte, error) {
	key, err := s.master.OpenDataKey(ctx, sealed.DataKey, of)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed.Text, of.bytes())
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// bytes is the context in one form.
func (c Context) bytes() []byte {
	b, err := json.Marshal(c, json.Deterministic(true))
	if err != nil {
		panic(err) // strings of ids always marshal
	}
	return b
}
