package ses

import (
	"net/mail"
	"strings"
	"testing"
)

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{
		"ada@example.com", `"Lovelace, Ada" <ada@example.com>`, "ädä@example.com", "a@b\r\nBcc: c@d.com",
		"a..b@example.com", "ada@[127.0.0.1]", `"a b"@example.com`, "team: ada@example.com;", "ada@example.com (Ada)",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		bare, err := parseAddress(s)
		if err != nil {
			return
		}
		if strings.ContainsFunc(bare, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`<>(),;:"[]\`, r) }) {
			t.Errorf("%q gave the unsafe address %q", s, bare)
		}
		if again, err := parseAddress(bare); err != nil || again != bare {
			t.Errorf("%q gave %q, which gives %q, %v", s, bare, again, err)
		}
		if parsed, err := mail.ParseAddress(bare); err != nil || parsed.Address != bare {
			t.Errorf("%q gave %q, which is not an address: %v", s, bare, err)
		}
		if local, domain, ok := strings.Cut(bare, "@"); !ok || local == "" || !strings.Contains(domain, ".") || len(bare) > maxAddress {
			t.Errorf("%q gave %q", s, bare)
		}
	})
}

func TestLowerASCIILeavesOtherLetters(t *testing.T) {
	t.Parallel()
	if got := lowerASCII("K\u212AÄ"); got != "k\u212AÄ" {
		t.Errorf("got %q", got)
	}
}
