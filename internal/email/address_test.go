package email_test

import (
	"net/mail"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"roster/internal/email"
)

func TestParse(t *testing.T) {
	t.Parallel()
	longLocal, longLabel := strings.Repeat("a", 64), strings.Repeat("d", 63)
	for _, tt := range []struct{ name, in, want string }{ // an empty want is a refusal
		{"plain", "ada@example.com", "ada@example.com"},
		{"capitals", "Ada.Lovelace@EXAMPLE.Com", "ada.lovelace@example.com"},
		{"plus tag", "ada+rest@example.com", "ada+rest@example.com"},
		{"space around", " \tada@example.com\r\n", "ada@example.com"},
		{"marks of the local part", "!#$%&'*+/=?^_`{|}~-@example.com", "!#$%&'*+/=?^_`{|}~-@example.com"},
		{"sub-domain", "ada@a.b.example.com", "ada@a.b.example.com"},
		{"longest local part", longLocal + "@example.com", longLocal + "@example.com"},
		{"longest label", "a@" + longLabel + ".com", "a@" + longLabel + ".com"},

		{"international domain", "ada@bücher.example", "ada@xn--bcher-kva.example"},
		{"the same in capitals", "ada@BÜCHER.example", "ada@xn--bcher-kva.example"},
		{"the same decomposed", "ada@bu\u0308cher.example", "ada@xn--bcher-kva.example"},
		{"the same in ASCII", "ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"},
		{"sharp s is a letter of its own", "ada@straße.example", "ada@xn--strae-oqa.example"},
		{"Cyrillic look-alike domain stays another", "ada@\u0430pple.example", "ada@xn--pple-43d.example"},
		{"full-width domain", "ada@ｅｘａｍｐｌｅ.com", "ada@example.com"},
		{"Kelvin sign in the domain", "ada@\u212Aelvin.example", "ada@kelvin.example"},

		{"Kelvin sign", "mi\u212Ae@example.com", ""},
		{"dotless i", "m\u0131ke@example.com", ""},
		{"long s", "a\u017F@example.com", ""},
		{"Cyrillic a", "\u0430da@example.com", ""},
		{"full-width local part", "ａda@example.com", ""},
		{"full-width at", "ada＠example.com", ""},
		{"zero-width space before the at", "ada\u200b@example.com", ""},
		{"no-break space in front", "\u00a0ada@example.com", ""},
		{"zero-width joiner in the domain", "ada@exa\u200dmple.com", ""},
		{"overlong punycode label", "ada@" + strings.Repeat("ü", 60) + ".example", ""},
		{"punycode of nothing", "ada@xn--.example", ""},
		{"punycode of ASCII", "ada@xn--example-.com", ""},
		{"mixed directions", "ada@a\u05d0.example", ""},

		{"empty", "", ""},
		{"space only", " ", ""},
		{"no at", "ada.example.com", ""},
		{"at alone", "@", ""},
		{"no local part", "@example.com", ""},
		{"no domain", "ada@", ""},
		{"two ats", "ada@evil.example@example.com", ""},
		{"no dot", "ada@localhost", ""},
		{"trailing dot", "ada@example.com.", ""},
		{"trailing ideographic dot", "ada@example.com。", ""},
		{"leading dot", "ada@.example.com", ""},
		{"empty label", "ada@example..com", ""},
		{"dot first", ".ada@example.com", ""},
		{"dot last", "ada.@example.com", ""},
		{"two dots", "a..da@example.com", ""},
		{"underscore in the domain", "ada@ex_ample.com", ""},
		{"hyphen first", "ada@-example.com", ""},
		{"address literal", "ada@[192.0.2.1]", ""},
		{"quoted local part", `"ada"@example.com`, ""},
		{"quoted at", `"ada@evil"@example.com`, ""},
		{"display name", "Ada <ada@example.com>", ""},
		{"angle brackets", "<ada@example.com>", ""},
		{"comment", "ada(admin)@example.com", ""},
		{"two addresses", "ada@example.com,eve@evil.example", ""},
		{"two with a semicolon", "ada@example.com;eve@evil.example", ""},
		{"header injection", "ada@example.com\r\nBcc: eve@evil.example", ""},
		{"line break in the local part", "a\r\nda@example.com", ""},
		{"NUL", "ada\x00@example.com", ""},
		{"DEL", "ada\x7f@example.com", ""},
		{"space within", "a da@example.com", ""},
		{"invalid UTF-8 local", "ada\xff@example.com", ""},
		{"invalid UTF-8 domain", "ada@ex\xffample.com", ""},
		{"percent hack is a local part of its own", "ada%evil.example@example.com", "ada%evil.example@example.com"},
		{"local part too long", longLocal + "a@example.com", ""},
		{"label too long", "a@" + longLabel + "d.com", ""},
		{"over 254", longLocal + "@" + strings.Repeat(longLabel+".", 3) + "com", ""},
		{"a megabyte", strings.Repeat("a", 1<<20) + "@example.com", ""},
	} {
		got, err := email.Parse(tt.in)
		switch {
		case tt.want == "" && err == nil:
			t.Errorf("%s: %.80q is read as %q", tt.name, tt.in, got)
		case tt.want != "" && string(got) != tt.want:
			t.Errorf("%s: %.80q is read as %q, %v, want %q", tt.name, tt.in, got, err, tt.want)
		case err != nil && got != "":
			t.Errorf("%s: refused, yet %q", tt.name, got)
		}
	}
}

func TestUnmarshalLeavesARefusedAddressAlone(t *testing.T) {
	t.Parallel()
	a := email.Address("ada@example.com")
	if err := a.UnmarshalText([]byte("not an address")); err == nil || a != "ada@example.com" {
		t.Errorf("%v, %q", err, a)
	}
	if a.Domain() != "example.com" {
		t.Errorf("domain %q", a.Domain())
	}
}

func TestParseIsIdempotent(t *testing.T) {
	t.Parallel()
	text := rapid.StringOfN(rapid.RuneFrom([]rune("aAzZ09.-+@_\"<> \r\nüÜßıſK\u200b\u200dａ。א")), 1, 30, -1)
	rapid.Check(t, func(t *rapid.T) { parsed(t, text.Draw(t, "local")+"@"+text.Draw(t, "domain")+".com") })
}

// parsed checks what holds of every address that Parse makes.
func parsed(t interface{ Fatalf(string, ...any) }, in string) {
	a, err := email.Parse(in)
	if err != nil {
		return
	}
	if again, err := email.Parse(string(a)); err != nil || again != a {
		t.Fatalf("%q is read as %q, which is read as %q, %v", in, a, again, err)
	}
	for i := range len(a) {
		if c := a[i]; c <= ' ' || c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			t.Fatalf("%q is read as %q", in, a)
		}
	}
	if strings.Count(string(a), "@") != 1 || !strings.HasSuffix(string(a), "@"+a.Domain()) || len(a) > 254 {
		t.Fatalf("%q is read as %q", in, a)
	}
	if m, err := mail.ParseAddress(string(a)); err != nil || m.Address != string(a) {
		t.Fatalf("%q is read as %q, which no mail goes to: %v", in, a, err)
	}
	if !email.DomainPattern(a.Domain()).Matches(a) || email.DomainPattern("*."+a.Domain()).Matches(a) {
		t.Fatalf("%q does not match its own domain alone", a)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"ada@example.com", "A@BÜCHER.example", "mi\u212Ae@x.de", "a@xn--bcher-kva.example", "a@b@c.de",
		"\"a b\"@c.de", "A <a@b.de>", "a@b.de.", "a@1.2", "=?utf-8?q?a?=@b.de", "a@\u200bb.de", "a@xn--0.de",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) { parsed(t, in) })
}

func TestDomainPattern(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"acme.com", "acme.com"}, {" ACME.com ", "acme.com"}, {"*.Acme.com", "*.acme.com"},
		{"bücher.example", "xn--bcher-kva.example"}, {"*.bücher.example", "*.xn--bcher-kva.example"},
		{"", ""}, {"*", ""}, {"*.", ""}, {"*.com", ""}, {"com", ""}, {"*.*.acme.com", ""}, {"acme.*", ""},
		{"@acme.com", ""}, {"ada@acme.com", ""}, {".acme.com", ""}, {"acme.com.", ""}, {"*acme.com", ""},
		{"https://acme.com", ""}, {"acme.com/x", ""}, {"acme.com,evil.com", ""}, {"acme.com\nevil.com", ""},
		{strings.Repeat("a.", 1<<19) + "com", ""},
	} {
		var p email.DomainPattern
		if err := p.UnmarshalText([]byte(tt.in)); string(p) != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%.40q is read as %q, %v, want %q", tt.in, p, err, tt.want)
		}
	}
}

func TestDomainPatternMatches(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		address          string
		exact, subdomain bool
	}{
		{"ada@acme.com", true, false},
		{"ADA@ACME.COM", true, false},
		{"ada@eu.acme.com", false, true},
		{"ada@a.b.acme.com", false, true},
		{"ada@evilacme.com", false, false},
		{"ada@evil-acme.com", false, false},
		{"ada@acme.com.evil.com", false, false},
		{"ada@acme.co", false, false},
		{"ada@acme.community", false, false},
		{"acme.com@evil.com", false, false},
		{"ada@\u0430cme.com", false, false}, // Cyrillic a
		{"ada@acme.xn--cm-mja", false, false},
	} {
		a, err := email.Parse(tt.address)
		if err != nil {
			a = email.Address(tt.address)
		}
		if got := email.DomainPattern("acme.com").Matches(a); got != tt.exact {
			t.Errorf("acme.com matches %s: %t", a, got)
		}
		if got := email.DomainPattern("*.acme.com").Matches(a); got != tt.subdomain {
			t.Errorf("*.acme.com matches %s: %t", a, got)
		}
	}
}
