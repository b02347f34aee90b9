package access_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/permission"
)

func TestKeyTextRoundTrip(t *testing.T) {
	t.Parallel()
	bytes := rapid.SliceOfN(rapid.Byte(), 16, 16)
	rapid.Check(t, func(t *rapid.T) {
		org := id.OrganizationOf([16]byte(bytes.Draw(t, "org")))
		user := id.UserOf([16]byte(bytes.Draw(t, "user")))
		key, length := id.KeyOf([16]byte(bytes.Draw(t, "key")), user), 115
		if rapid.Bool().Draw(t, "test") {
			key, length = key.ForTests(), 120
		}
		text, digest := access.NewKeyText(org, user, key)
		want := access.KeyText{Organization: org, User: user, Key: key, Digest: digest}
		if got, ok := access.ReadKeyText(text); !ok || got != want {
			t.Fatalf("%s is read as %+v, want %+v", text, got, want)
		}
		if len(text) != length || digest != sha256.Sum256([]byte(text)) {
			t.Fatalf("%s has %d characters, digest % x", text, len(text), digest)
		}
		if again, _ := access.NewKeyText(org, user, key); again == text {
			t.Fatal("two keys have one secret")
		}
		changed := []byte(text)
		i := rapid.IntRange(0, len(changed)-1).Draw(t, "place")
		changed[i] = rapid.Byte().Filter(func(b byte) bool { return b != changed[i] }).Draw(t, "byte")
		if _, ok := access.ReadKeyText(string(changed)); ok {
			t.Fatalf("%q is read, which is mistyped at %d", changed, i)
		}
	})
}

func TestMalformedKeyTexts(t *testing.T) {
	t.Parallel()
	now := time.Now()
	user := id.NewUser(now)
	text, _ := access.NewKeyText(id.NewOrganization(now), user, id.NewKey(now, user))
	body := strings.TrimPrefix(text, access.KeyPrefix)
	for name, malformed := range map[string]string{
		"empty":               "",
		"prefix alone":        access.KeyPrefix,
		"no prefix":           body,
		"other prefix":        "sk_" + body,
		"capital prefix":      "RK_" + body,
		"two prefixes":        access.KeyPrefix + text,
		"cut":                 text[:len(text)-1],
		"longer":              text + "A",
		"padded":              text + "==",
		"space behind":        text + " ",
		"line break within":   text[:60] + "\n" + text[61:],
		"line breaks for end": text[:len(text)-16] + strings.Repeat("\r\n", 8),
		"line breaks alone":   access.KeyPrefix + strings.Repeat("\n", len(body)),
		"one byte left":       text[:len(text)-4] + "\n\n\n\n",
		"standard alphabet":   access.KeyPrefix + strings.Repeat("+", len(body)),
		"other script":        access.KeyPrefix + strings.Repeat("é", len(body)/2),
		"zeros":               access.KeyPrefix + base64.RawURLEncoding.EncodeToString(make([]byte, 84))[:111] + "B",
		"a megabyte":          access.KeyPrefix + strings.Repeat("A", 1<<20),
	} {
		if got, ok := access.ReadKeyText(malformed); ok || got != (access.KeyText{}) {
			t.Errorf("%s is read as %+v", name, got)
		}
	}
}

func FuzzReadKeyText(f *testing.F) {
	user := id.UserOf([16]byte{2})
	text, _ := access.NewKeyText(id.OrganizationOf([16]byte{1}), user, id.KeyOf([16]byte{3}, user))
	f.Add(text)
	f.Add(text[:99] + strings.Repeat("\n", 16))
	f.Add(access.KeyPrefix + strings.Repeat("A", 112))
	f.Fuzz(func(t *testing.T, text string) {
		if k, ok := access.ReadKeyText(text); ok {
			if id.OrganizationOf(id.Bytes(k.Organization)) != k.Organization || k.Digest != sha256.Sum256([]byte(text)) {
				t.Errorf("%q is read as %+v", text, k)
			}
		}
	})
}

func TestAdmits(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	org, user := id.NewOrganization(now), id.NewUser(now)
	key := id.NewKey(now, user)
	text, digest := access.NewKeyText(org, user, key)
	other, _ := access.NewKeyText(org, user, key)
	presented, _ := access.ReadKeyText(text)
	foreign, _ := access.ReadKeyText(other)
	own := access.KeyRecord{Digest: digest[:], CreatedBy: user}
	rotated := access.KeyRecord{Digest: foreign.Digest[:], CreatedBy: "usr_new", Previous: &access.Previous{
		Secret: access.Secret{Digest: digest[:], CreatedBy: user, Cap: &access.Cap{Permissions: permission.Of(permission.KeysOwn)}},
		Until:  now.Add(time.Second),
	}}
	ended := rotated
	ended.ExpiresAt = now
	for _, tt := range []struct {
		name   string
		record access.KeyRecord
		text   access.KeyText
		at     time.Time
		want   bool
		by     id.User
	}{
		{"live", own, presented, now, true, user},
		{"the last moment", access.KeyRecord{Digest: digest[:], ExpiresAt: now.Add(1)}, presented, now, true, ""},
		{"expired", access.KeyRecord{Digest: digest[:], ExpiresAt: now}, presented, now, false, ""},
		{"other secret", own, foreign, now, false, ""},
		{"no record", access.KeyRecord{}, presented, now, false, ""},
		{"no record, no text", access.KeyRecord{}, access.KeyText{}, now, false, ""},
		{"cut digest", access.KeyRecord{Digest: digest[:31]}, presented, now, false, ""},
		{"the new secret", rotated, foreign, now.Add(time.Hour), true, "usr_new"},
		{"the old secret's last moment", rotated, presented, now.Add(time.Second - 1), true, user},
		{"the old secret's end", rotated, presented, now.Add(time.Second), false, ""},
		{"the old secret of an expired key", ended, presented, now, false, ""},
		{"the new secret of an expired key", ended, foreign, now, false, ""},
	} {
		got, ok := tt.record.Admits(tt.text, tt.at)
		if ok != tt.want || ok && got.CreatedBy != tt.by {
			t.Errorf("%s: %t, %+v", tt.name, ok, got)
		}
		if capped := ok && tt.record.Previous != nil && tt.by == user; capped != (ok && got.Cap != nil) {
			t.Errorf("%s: bounded by %v", tt.name, got.Cap)
		}
	}
}

// Whatever a member's role becomes, a cap lets through what is in both, and grows
// by what its maker gives alone.
func TestACapNeverRisesByItself(t *testing.T) {
	t.Parallel()
	sets := rapid.Map(rapid.Uint64Range(0, 1<<len(permission.All)-1), func(n uint64) permission.Set { return permission.Set(n) })
	rapid.Check(t, func(t *rapid.T) {
		capped := &access.Cap{Permissions: sets.Draw(t, "cap"), Owner: rapid.Bool().Draw(t, "owner")}
		later, given := sets.Draw(t, "later"), sets.Draw(t, "given")
		if got := capped.Bound(later); !later.Covers(got) || !capped.Permissions.Covers(got) || !got.Covers(later&capped.Permissions) {
			t.Fatalf("%b of %b under %b", got, later, capped.Permissions)
		}
		lifted := capped.Lifted(given, false)
		if !lifted.Permissions.Covers(capped.Permissions|given) || !(capped.Permissions | given).Covers(lifted.Permissions) || lifted.Owner != capped.Owner {
			t.Fatalf("%+v lifted by %b is %+v", capped, given, lifted)
		}
		var none *access.Cap
		if none.Bound(later) != later || none.Lifted(given, true) != nil {
			t.Fatal("a key without a cap is bounded")
		}
	})
}
