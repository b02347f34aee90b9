package email_test

import (
	"testing"

	"roster/internal/email"
)

func TestFreeMailOfEveryCountryIsShared(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[email.DomainPattern]bool{
		"hotmail.es": true, "hotmail.com.br": true, "yahoo.com.br": true, "yahoo.co.in": true, "outlook.jp": true,
		"live.nl": true, "live.co.za": true, "gmx.net": true, "gmx.co.uk": true, "yandex.kz": true, "yandex.com.tr": true,
		"*.yahoo.com.br": true, "mail.live.nl": true, "msn.com": true, "ymail.com": true, "ya.ru": true,
		"live.example-company.com": false, "yahoo.acme.com": false, "*.outlook.acme.co.uk": false,
		"live.events": false, "gmx.engineering": false, "alive.nl": false, "live-acme.nl": false,
		"yahoo.github.io": false, "live.blogspot.com": false,
	} {
		if got := pattern.Shared(); got != want {
			t.Errorf("%s: shared %t, want %t", pattern, got, want)
		}
	}
}

func TestSharedDomains(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[email.DomainPattern]bool{
		"gmail.com": true, "outlook.com": true, "*.gmail.com": true, "mail.yahoo.co.uk": true,
		"co.uk": true, "*.co.uk": true, "github.io": true,
		"acme.com": false, "*.acme.co.uk": false, "acme-research.edu": false, "notgmail.com": false, "gmail.com.acme.org": false,
	} {
		if got := pattern.Shared(); got != want {
			t.Errorf("%s: shared %t, want %t", pattern, got, want)
		}
	}
}
