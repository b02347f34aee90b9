package id_test

import (
	"encoding"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/id"
)

const ulid = "01JD9Z3V4T5W6X7Y8Z9ABCDEFG"

// readers read a text as each kind of id, and give it back.
var readers = map[string]func(string) (string, error){
	"org_" + ulid:                      read[id.Organization],
	"usr_" + ulid:                      read[id.User],
	"key_" + ulid + ulid:               read[id.Key],
	"ses_" + ulid:                      read[id.Session],
	"inv_" + ulid + "0123456789ABCDEF": read[id.Invitation],
	"jrq_" + ulid + ulid:               read[id.JoinRequest],
}

func read[T ~string, P interface {
	*T
	encoding.TextUnmarshaler
}](in string) (string, error) {
	var v T
	err := P(&v).UnmarshalText([]byte(in))
	return string(v), err
}

func TestEveryKindReadsItsOwnAlone(t *testing.T) {
	t.Parallel()
	for own, read := range readers {
		for text := range readers {
			got, err := read(text)
			if text == own && (err != nil || got != own) {
				t.Errorf("%s is read as %q, %v", own, got, err)
			}
			if text != own && (err == nil || got != "") {
				t.Errorf("%s is read as an id like %s", text, own)
			}
		}
	}
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	for own, read := range readers {
		body := own[4:]
		for _, malformed := range []string{
			"", own[:4], body, own[:len(own)-1], own + "0", own + "\n", " " + own,
			strings.ToLower(own), own[:3] + "-" + body, strings.ToUpper(own[:4]) + body,
			own[:4] + "8" + body[1:], own[:4] + "Z" + body[1:], // more than 128 bits
			own[:len(own)-1] + "I", own[:len(own)-1] + "L", own[:len(own)-1] + "O", own[:len(own)-1] + "U",
			own[:10] + "#" + own[11:], own[:10] + "/" + own[11:], own[:10] + "\x00" + own[11:], own[:10] + "é" + own[12:],
			own[:len(own)-1] + "\xff",
		} {
			if got, err := read(malformed); err == nil || got != "" {
				t.Errorf("%q is read as %q", malformed, got)
			}
		}
	}
	if _, err := read[id.JoinRequest]("jrq_" + ulid + "8" + ulid[1:]); err == nil {
		t.Error("the user of a join request has more than 128 bits")
	}
}

func TestNewIDsRoundTripAndSortByTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.UnixMilli(rapid.Int64Range(0, 1<<45).Draw(t, "ms"))
		user := id.NewUser(now)
		for name, text := range map[string]string{
			"org": string(id.NewOrganization(now)), "usr": string(user), "key": string(id.NewKey(now, user)),
			"ses": string(id.NewSession(now)), "inv": string(id.NewInvitation(now, "ada@example.com")),
			"jrq": string(id.NewJoinRequest(now, user)),
		} {
			for own, read := range readers {
				if strings.HasPrefix(own, name) {
					if got, err := read(text); err != nil || got != text {
						t.Fatalf("%s: %v", text, err)
					}
				}
			}
		}
		if later := id.NewUser(now.Add(time.Millisecond)); later <= user {
			t.Fatalf("%s is later than %s and sorts before it", later, user)
		}
		if again := id.NewUser(now); again == user {
			t.Fatal("two ids are one")
		}
	})
}

func TestSuffixesLeadToTheirItems(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	invitation := id.NewInvitation(now, "ada@example.com")
	if got, want := invitation.AddressHash(), id.AddressHash("ada@example.com"); got != want {
		t.Errorf("%s leads to %s, want %s", invitation, got, want)
	}
	if id.AddressHash("ada@example.com") == id.AddressHash("eve@example.com") {
		t.Error("two addresses share a hash")
	}
	// Part of stored keys: it must never change.
	if got := id.AddressHash("ada@example.com"); got != "PQY8BSAQAQWY1M1G" {
		t.Errorf("the hash of an address is now %s", got)
	}
	user := id.NewUser(now)
	if got := id.NewJoinRequest(now, user).User(); got != user {
		t.Errorf("the request is of %s, want %s", got, user)
	}
}

func TestBytesRoundTrip(t *testing.T) {
	t.Parallel()
	bytes := rapid.SliceOfN(rapid.Byte(), 16, 16)
	rapid.Check(t, func(t *rapid.T) {
		b, user := [16]byte(bytes.Draw(t, "bytes")), id.UserOf([16]byte(bytes.Draw(t, "user")))
		if id.Bytes(id.OrganizationOf(b)) != b || id.Bytes(id.UserOf(b)) != b ||
			id.KeyOf(b, user).Bytes() != b || id.KeyOf(b, user).User() != user || id.Bytes(id.SessionOf(b)) != b {
			t.Fatalf("% x does not survive", b)
		}
		if _, err := read[id.Key](string(id.KeyOf(b, user))); err != nil {
			t.Fatalf("%s cannot be read", id.KeyOf(b, user))
		}
	})
}

func TestATestKeyIsTold(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	user := id.NewUser(now)
	live, test := id.NewKey(now, user), id.NewTestKey(now, user)
	for _, key := range []id.Key{live, test, live.ForTests(), test.ForTests()} {
		if got, err := read[id.Key](string(key)); err != nil || got != string(key) || key.User() != user || id.KeyOf(key.Bytes(), user).ForTests() != key.ForTests() {
			t.Errorf("%s does not survive: %v", key, err)
		}
	}
	if live.Test() || !test.Test() || live.ForTests().Bytes() != live.Bytes() || test.ForTests() != test {
		t.Errorf("%s, %s", live, test)
	}
	for _, malformed := range []string{"key_test_", "key_test" + ulid + ulid, "key_test_" + ulid, "key_test_test_" + ulid + ulid, "usr_test_" + ulid} {
		if got, err := read[id.Key](malformed); err == nil {
			t.Errorf("%s is read as %s", malformed, got)
		}
	}
}

// What could be read never panics later.
func FuzzRead(f *testing.F) {
	for own := range readers {
		f.Add(own)
	}
	f.Add("org_8ZZZZZZZZZZZZZZZZZZZZZZZZZ")
	f.Add("usr_7ZZZZZZZZZZZZZZZZZZZZZZZZZ")
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range readers {
			if got, err := read(text); err == nil && got != text || err != nil && got != "" {
				t.Errorf("%q is read as %q, %v", text, got, err)
			}
		}
		var (
			user       id.User
			invitation id.Invitation
			request    id.JoinRequest
		)
		if user.UnmarshalText([]byte(text)) == nil && id.UserOf(id.Bytes(user)) != user {
			t.Errorf("%s does not survive", user)
		}
		if invitation.UnmarshalText([]byte(text)) == nil && len(invitation.AddressHash()) != 16 {
			t.Errorf("%s leads to %q", invitation, invitation.AddressHash())
		}
		if request.UnmarshalText([]byte(text)) == nil {
			user = request.User()
			id.Bytes(user)
		}
	})
}
