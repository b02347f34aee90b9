package ses

import (
	"net/mail"
	"regexp"
	"strings"
)

// Limits of RFC 5321, section 4.5.3.1; 320 is the longest address that SES
// takes.
const (
	maxAddress = 320
	maxLocal   = 64
	maxDomain  = 255
)

var (
	atext   = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
	dotAtom = regexp.MustCompile(`^` + atext + `(\.` + atext + `)*$`)
	label   = `[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?`
	// SES: UserName@[SubDomain.]Domain.TopLevelDomain
	hostName = regexp.MustCompile(`^(` + label + `\.)+` + label + `$`)
)

// parseAddress returns the bare address of "local@domain" or of
// "Name <local@domain>". SES takes ASCII only: it has no SMTPUTF8, domains are
// in Punycode and names in encoded words (RFC 2047).
func parseAddress(s string) (string, error) {
	if strings.ContainsFunc(s, isNotPrintableASCII) {
		return "", badRequest("Local address contains control or whitespace, or the address is not ASCII.")
	}
	if !strings.Contains(s, "@") {
		return "", badRequest("Missing final '@domain'")
	}
	parsed, err := mail.ParseAddress(s)
	if err != nil {
		return "", badRequest("Illegal address")
	}
	at := strings.LastIndexByte(parsed.Address, '@')
	local, domain := parsed.Address[:at], parsed.Address[at+1:]
	switch {
	case len(parsed.Address) > maxAddress || len(local) > maxLocal || len(domain) > maxDomain:
		return "", badRequest("Address is too long")
	case !dotAtom.MatchString(local):
		return "", badRequest("Local address contains illegal character")
	case !hostName.MatchString(domain):
		return "", badRequest("Domain contains illegal character")
	}
	return parsed.Address, nil
}

func isNotPrintableASCII(r rune) bool { return r < ' ' || r > '~' }

// isVerified tells whether an address, or the domain above it, is among the
// identities.
func isVerified(address string, identities []string) bool {
	address = lowerASCII(address)
	domain := domainOf(address)
	for _, identity := range identities {
		identity = lowerASCII(identity)
		if address == identity || domain == identity || strings.HasSuffix(domain, "."+identity) {
			return true
		}
	}
	return false
}

func domainOf(address string) string {
	return address[strings.LastIndexByte(address, '@')+1:]
}

// lowerASCII leaves other letters alone: Unicode folding would make the Kelvin
// sign an ASCII k.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
