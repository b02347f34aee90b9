package secret_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"roster/internal/secret"
)

const (
	first  = "the first secret of this deployment, long enough"
	second = "the second secret of this deployment, long enough"
)

func derive(t *testing.T, values ...string) *secret.Keys {
	t.Helper()
	k, err := secret.Derive(values...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestDeriveRefuses(t *testing.T) {
	t.Parallel()
	for _, values := range [][]string{nil, {}, {""}, {strings.Repeat("x", 31)}, {first, ""}, {first, "short"}} {
		if k, err := secret.Derive(values...); err == nil || k != nil {
			t.Errorf("%q makes keys", values)
		} else if len(values) > 0 && values[0] != "" && strings.Contains(err.Error(), values[0]) {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
	derive(t, strings.Repeat("x", 32))
}

func TestWhatTheSecretMadeOutlivesItsRotation(t *testing.T) {
	t.Parallel()
	before, during, after := derive(t, first), derive(t, second, first), derive(t, second)
	message := []byte("message")
	sealed := before.Seal(message, "use")

	if plain, err := during.Open(sealed, "use"); err != nil || !bytes.Equal(plain, message) {
		t.Errorf("sealed before the rotation: %q, %v", plain, err)
	}
	if !during.CheckMAC(message, before.MAC(message)) {
		t.Error("authenticated before the rotation, now refused")
	}
	if !slices.ContainsFunc(during.Verifying(), func(p ed25519.PublicKey) bool { return p.Equal(before.Signing().Public()) }) {
		t.Error("signed before the rotation, now refused")
	}

	if plain, err := before.Open(during.Seal(message, "use"), "use"); err == nil {
		t.Errorf("a new seal opens with the old secret: %q", plain)
	}
	if !bytes.Equal(during.MAC(message), after.MAC(message)) || !during.Signing().Equal(after.Signing()) {
		t.Error("the previous secret still makes things")
	}
	if _, err := after.Open(sealed, "use"); err == nil {
		t.Error("a seal outlives its secret")
	}
	if after.CheckMAC(message, before.MAC(message)) {
		t.Error("an authentication outlives its secret")
	}
}

func TestKeysOfPurposesDiffer(t *testing.T) {
	t.Parallel()
	k := derive(t, first)
	if got := len(k.Verifying()); got != 1 {
		t.Fatalf("%d public keys", got)
	}
	if bytes.Equal(k.Signing().Seed(), []byte(first)[:32]) {
		t.Error("the secret itself signs")
	}
	if !derive(t, first).Signing().Equal(k.Signing()) {
		t.Error("two functions derive different keys")
	}
}

func TestCheckMACRefuses(t *testing.T) {
	t.Parallel()
	k := derive(t, first, second)
	message := []byte("message")
	sum := k.MAC(message)
	for name, wrong := range map[string][]byte{
		"nothing": nil, "cut": sum[:31], "longer": append(slices.Clone(sum), 0), "zeros": make([]byte, 32),
	} {
		if k.CheckMAC(message, wrong) {
			t.Errorf("%s passes", name)
		}
	}
	if k.CheckMAC([]byte("messagf"), sum) {
		t.Error("another message passes")
	}
}

func TestSealRoundTripAndBinding(t *testing.T) {
	t.Parallel()
	k := derive(t, first)
	rapid.Check(t, func(t *rapid.T) {
		plain, use := rapid.SliceOf(rapid.Byte()).Draw(t, "plain"), rapid.String().Draw(t, "use")
		sealed := k.Seal(plain, use)
		if got, err := k.Open(sealed, use); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%q, %v", got, err)
		}
		if other := rapid.String().Draw(t, "other"); other != use {
			if _, err := k.Open(sealed, other); err == nil {
				t.Fatalf("sealed for %q, opens for %q", use, other)
			}
		}
		if k.Seal(plain, use) == sealed {
			t.Fatal("a nonce is used twice")
		}
	})
}

func TestOpenRefusesTampering(t *testing.T) {
	t.Parallel()
	k := derive(t, first)
	sealed := k.Seal([]byte("a token"), "use")
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		raw[i] ^= 1
		if plain, err := k.Open(base64.RawURLEncoding.EncodeToString(raw), "use"); err == nil {
			t.Errorf("byte %d changed, and it opens: %q", i, plain)
		}
		raw[i] ^= 1
	}
	for _, junk := range []string{"", "A", "====", "ä", sealed[:10], sealed[:len(sealed)/2], sealed + "AAAA", strings.Repeat("A", 1<<20)} {
		if plain, err := k.Open(junk, "use"); err == nil || plain != nil {
			t.Errorf("%.20q opens", junk)
		}
	}
}

func FuzzOpen(f *testing.F) {
	k, err := secret.Derive(first, second)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("")
	f.Add("AAAA")
	f.Add(strings.Repeat("A", 60))
	f.Fuzz(func(t *testing.T, sealed string) {
		if plain, err := k.Open(sealed, "use"); err == nil {
			t.Errorf("%q opens as %q", sealed, plain)
		}
	})
}

func TestTokens(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		token := secret.Token()
		if len(token) != 43 || seen[token] || strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Fatalf("token %q", token)
		}
		seen[token] = true
		if digest := secret.Digest(token); len(digest) != 32 || bytes.Contains(digest, []byte(token[:8])) {
			t.Fatalf("digest % x", digest)
		}
	}
}
