package envelope_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"roster/internal/envelope"
	"roster/internal/secret"
)

var of = envelope.Context{"organization": "org_1", "connection": "con_1"}

// sealer seals with a secret of these values, the current one first.
func sealer(values ...string) *envelope.Sealer {
	for i, v := range values {
		values[i] = v + strings.Repeat(".", 32)
	}
	return envelope.New(envelope.Secret(func(context.Context) (*secret.Keys, error) { return secret.Derive(values...) }))
}

func TestWhatIsSealedOpensInItsContextAlone(t *testing.T) {
	t.Parallel()
	s := sealer("one")
	rapid.Check(t, func(rt *rapid.T) {
		plain := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(rt, "plain")
		sealed, err := s.Seal(t.Context(), plain, of)
		if err != nil {
			rt.Fatal(err)
		}
		opened, err := s.Open(t.Context(), sealed, of)
		if err != nil || !bytes.Equal(opened, plain) {
			rt.Fatalf("%q opens as %q, %v", plain, opened, err)
		}
		for name, other := range map[string]envelope.Context{
			"another organization": {"organization": "org_2", "connection": "con_1"},
			"another connection":   {"organization": "org_1", "connection": "con_2"},
			"a person":             {"user": "org_1", "connection": "con_1"},
			"none":                 {},
		} {
			if _, err := s.Open(t.Context(), sealed, other); !errors.Is(err, envelope.ErrSealed) {
				rt.Fatalf("for %s: %v", name, err)
			}
		}
	})
}

func TestWhatWasTamperedWithDoesNotOpen(t *testing.T) {
	t.Parallel()
	s := sealer("one")
	sealed, err := s.Seal(t.Context(), []byte("sk-the-credential"), of)
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed.Text {
		tampered := envelope.Sealed{DataKey: sealed.DataKey, Text: bytes.Clone(sealed.Text)}
		tampered.Text[i] ^= 1
		if _, err := s.Open(t.Context(), tampered, of); !errors.Is(err, envelope.ErrSealed) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	other, err := s.Seal(t.Context(), []byte("sk-the-credential"), of)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(other.Text, sealed.Text) || bytes.Equal(other.DataKey, sealed.DataKey) {
		t.Error("two texts share a data key or nonce")
	}
	sealed.DataKey = other.DataKey
	if _, err := s.Open(t.Context(), sealed, of); !errors.Is(err, envelope.ErrSealed) {
		t.Errorf("with the data key of another text: %v", err)
	}
}

func TestARotatedSecretOpensWhatItSealed(t *testing.T) {
	t.Parallel()
	sealed, err := sealer("one").Seal(t.Context(), []byte("x"), of)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sealer("two", "one").Open(t.Context(), sealed, of); err != nil {
		t.Error(err)
	}
	if _, err := sealer("three", "two").Open(t.Context(), sealed, of); !errors.Is(err, envelope.ErrSealed) {
		t.Errorf("after two rotations: %v", err)
	}
}
