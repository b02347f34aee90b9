package email

import (
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// freeMail are providers with whom everyone can have an address, and freeMailNames
// those of them that have domains in many countries.
var (
	freeMail = []string{
		"126.com", "163.com", "fastmail.fm", "free.fr", "hey.com", "hushmail.com", "icloud.com", "inbox.ru",
		"laposte.net", "libero.it", "mac.com", "mail.com", "mail.ru", "mailbox.org", "mailinator.com", "me.com",
		"naver.com", "orange.fr", "pm.me", "posteo.de", "proton.me", "qq.com", "rediffmail.com", "sina.com",
		"t-online.de", "tuta.com", "tuta.io", "web.de", "ya.ru", "zoho.com",
	}
	freeMailNames = []string{
		"aol", "fastmail", "gmail", "gmx", "googlemail", "hotmail", "live", "msn", "outlook", "protonmail",
		"rocketmail", "tutanota", "yahoo", "yandex", "ymail", "zohomail",
	}
)

// Shared reports whether the pattern's addresses belong to people of no one
// organization: a free-mail provider's, or all below a public suffix such as
// co.uk (https://publicsuffix.org).
func (p DomainPattern) Shared() bool {
	domain := strings.TrimPrefix(string(p), "*.")
	suffix, registry := publicsuffix.PublicSuffix(domain)
	if suffix == domain {
		return true
	}
	registered, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil || slices.Contains(freeMail, registered) {
		return true
	}
	name := strings.TrimSuffix(registered, "."+suffix)
	return registry && ofCountries(suffix) && slices.Contains(freeMailNames, name)
}

// ofCountries reports whether a registry's suffix is com, net, or below the
// top-level domain of a country: under others, anyone may have registered a
// provider's name.
func ofCountries(suffix string) bool {
	top := suffix[strings.LastIndexByte(suffix, '.')+1:]
	return len(top) == 2 || suffix == "com" || suffix == "net"
}
