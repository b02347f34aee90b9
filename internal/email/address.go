// Package email reads addresses into the one form in which they compare.
package email

import (
	"errors"
	"net/mail"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Address is a normalised address: the domain in its ASCII form, everything in
// lower case. Two people never share one: before the @ other scripts are refused,
// not folded, and a domain becomes what a mail to it would be delivered to.
type Address string

var (
	errForm  = errors.New("is not an e-mail address")
	errLong  = errors.New("is longer than 254 characters")
	errASCII = errors.New("has characters outside ASCII before the @")
)

// maxLength is that of a path in SMTP: RFC 5321, section 4.5.3.1.3, less its brackets.
const maxLength = 254

// domains maps as idna.Lookup does, and holds labels and names to their lengths.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true),
	idna.Transitional(false), idna.VerifyDNSLength(true))

// Parse normalises an address. Plus tags and dots are kept: they may be other mailboxes.
func Parse(s string) (Address, error) {
	s = strings.Trim(s, " \t\r\n")
	if len(s) > maxLength {
		return "", errLong
	}
	local, domain, ok := cutLast(s, "@")
	if !ok || local == "" || domain == "" {
		return "", errForm
	}
	for i := range len(local) {
		switch c := local[i]; {
		case c >= 0x80:
			return "", errASCII
		case c <= ' ' || c == 0x7f || strings.IndexByte(`"(),:;<>@[\]`, c) >= 0:
			return "", errForm
		}
	}
	domain, err := domains.ToASCII(domain)
	if err != nil || !strings.Contains(domain, ".") || !utf8.ValidString(s) {
		return "", errForm
	}
	address := LowerASCII(local) + "@" + LowerASCII(domain)
	if len(address) > maxLength || len(local) > 64 { // RFC 5321, section 4.5.3.1.1
		return "", errLong
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Name != "" || parsed.Address != address {
		return "", errForm
	}
	return Address(address), nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// LowerASCII leaves other scripts alone: strings.ToLower maps the Kelvin sign to k.
func LowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// UnmarshalText reads an address from JSON or a query.
func (a *Address) UnmarshalText(b []byte) error {
	parsed, err := Parse(string(b))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// Domain returns what stands after the @.
func (a Address) Domain() string {
	_, domain, _ := cutLast(string(a), "@")
	return domain
}

// DomainPattern is a domain for auto-approval: "acme.com" is that domain alone,
// "*.acme.com" its subdomains alone.
type DomainPattern string

var errDomain = errors.New(`is not a domain such as acme.com or *.acme.com`)

// UnmarshalText normalises a pattern as Parse does an address's domain.
func (p *DomainPattern) UnmarshalText(b []byte) error {
	domain, wild := strings.CutPrefix(strings.Trim(string(b), " "), "*.")
	a, err := Parse("a@" + domain)
	if err != nil {
		return errDomain
	}
	*p = DomainPattern(a.Domain())
	if wild {
		*p = "*." + *p
	}
	return nil
}

// Matches reports whether an address is of the domain.
func (p DomainPattern) Matches(a Address) bool {
	if parent, wild := strings.CutPrefix(string(p), "*."); wild {
		return strings.HasSuffix(a.Domain(), "."+parent)
	}
	return a.Domain() == string(p)
}
