package invitation

import (
	"bytes"
	"testing"
	"time"

	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/secret"
	"roster/internal/table"
)

func FuzzReadToken(f *testing.F) {
	org := id.NewOrganization(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))
	hash := id.AddressHash("bob@example.com")
	for _, l := range []link{shown, mailed} {
		f.Add(newToken(org, hash, l))
	}
	f.Add("ri_")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		read, err := readToken(field.Token(text))
		if err != nil {
			return
		}
		if read.link != shown && read.link != mailed {
			t.Errorf("link %q", read.link)
		}
		var checked id.Organization
		if err := checked.UnmarshalText([]byte(read.organization)); err != nil {
			t.Errorf("organization %q", read.organization)
		}
		if key := table.Invitation(read.organization, read.addressHash); !id.IsAddressHash(read.addressHash) || len(key.PK) != 50 {
			t.Errorf("leads to %q", key.PK)
		}
		if !bytes.Equal(read.digest, secret.Digest(text)) {
			t.Error("another digest than that of the text")
		}
	})
}

func TestTokenLeadsToItsLinkAlone(t *testing.T) {
	t.Parallel()
	org := id.NewOrganization(time.Now())
	hash := id.AddressHash("bob@example.com")
	l := links{newToken(org, hash, shown), newToken(org, hash, mailed)}
	i := &Invitation{Shown: secret.Digest(l.shown), Mailed: [][]byte{secret.Digest(l.mailed)}}
	for text, want := range map[string]bool{l.shown: true, l.mailed: true, newToken(org, hash, shown): false, newToken(org, hash, mailed): false} {
		read, err := readToken(field.Token(text))
		if err != nil {
			t.Fatal(err)
		}
		if read.organization != org || read.addressHash != hash || read.leadsTo(i) != want || read.leadsTo(nil) {
			t.Errorf("%+v leads there: %v", read, !want)
		}
	}
}
