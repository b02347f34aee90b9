package policy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"roster/internal/email"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/policy"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func TestTwoFactorBindsOnceItsGraceIsOver(t *testing.T) {
	t.Parallel()
	p := policy.Policy{TwoFactorSince: now, GraceDays: 7}
	for _, tt := range []struct {
		name string
		p    policy.Policy
		has  bool
		at   time.Time
		want error
	}{
		{"not required", policy.Policy{}, false, now, nil},
		{"a moment before", p, false, now.AddDate(0, 0, 7).Add(-1), nil},
		{"from then on", p, false, now.AddDate(0, 0, 7), policy.ErrTwoFactor},
		{"who has it", p, true, now.AddDate(1, 0, 0), nil},
		{"without a grace", policy.Policy{TwoFactorSince: now}, false, now, policy.ErrTwoFactor},
	} {
		if got := tt.p.Act(tt.has, tt.at); !errors.Is(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestTermsAreAcceptedByVersion(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		url      field.URL
		counted  int
		version  int
		accepted int
		refused  bool
	}{
		{"no policy", "", 3, 0, 0, false},
		{"one from before versions were counted", "https://acme.example/policy", 0, 1, 0, true},
		{"it is accepted", "https://acme.example/policy", 0, 1, 1, false},
		{"a new version", "https://acme.example/policy", 4, 4, 3, true},
		{"the current one", "https://acme.example/policy", 4, 4, 4, false},
		{"a newer one than the caller has read", "https://acme.example/policy", 4, 4, 5, false},
	} {
		terms := policy.TermsAt(tt.url, tt.counted)
		if terms.Version != tt.version || terms.URL != tt.url {
			t.Errorf("%s: %+v", tt.name, terms)
		}
		err := terms.Act(tt.accepted)
		refusal, _ := errors.AsType[*fault.Error](err)
		if (err != nil) != tt.refused || tt.refused && (refusal.Code != "policy_not_accepted" || refusal.Members["policy_url"] != tt.url || refusal.Members["policy_version"] != tt.version) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestSessionsAreJudgedByAgeRestAndPassword(t *testing.T) {
	t.Parallel()
	fresh := policy.Login{At: now, PasswordLength: 8}
	for _, tt := range []struct {
		name string
		p    policy.Policy
		l    policy.Login
		want error
	}{
		{"no policy", policy.Policy{}, policy.Login{At: now.AddDate(-1, 0, 0), Rested: 1e6 * time.Hour, PasswordLength: 8}, nil},
		{"just young enough", policy.Policy{SessionHours: 8}, policy.Login{At: now.Add(1 - 8*time.Hour), PasswordLength: 8}, nil},
		{"too old", policy.Policy{SessionHours: 8}, policy.Login{At: now.Add(-8 * time.Hour), PasswordLength: 8}, policy.ErrSessionOld},
		{"rested just so long", policy.Policy{IdleMinutes: 15}, policy.Login{At: now, Rested: 15 * time.Minute, PasswordLength: 8}, nil},
		{"rested too long", policy.Policy{IdleMinutes: 15}, policy.Login{At: now, Rested: 15*time.Minute + 1, PasswordLength: 8}, policy.ErrSessionIdle},
		{"a long password", policy.Policy{PasswordMinLength: 12}, policy.Login{At: now, PasswordLength: 12}, nil},
		{"a short one", policy.Policy{PasswordMinLength: 12}, policy.Login{At: now, PasswordLength: 11}, policy.ErrPassword},
		{"logging in again helps before a new password does", policy.Policy{PasswordMinLength: 12, SessionHours: 1},
			policy.Login{At: now.Add(-time.Hour), PasswordLength: 11}, policy.ErrSessionOld},
		{"fresh", policy.Policy{SessionHours: 1, IdleMinutes: 15, PasswordMinLength: 8}, fresh, nil},
	} {
		if got := tt.p.Enter(tt.l, now); !errors.Is(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestAddressesJoinByTheirDomain(t *testing.T) {
	t.Parallel()
	p := policy.Policy{EmailDomains: []email.DomainPattern{"acme.com", "*.acme.com"}}
	for address, want := range map[email.Address]error{
		"a@acme.com": nil, "a@eu.acme.com": nil, "a@acme.com.evil.example": policy.ErrDomain, "a@notacme.com": policy.ErrDomain, "": policy.ErrDomain,
	} {
		if got := p.Join(address); !errors.Is(got, want) {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
	if err := (policy.Policy{}).Join("a@anywhere.example"); err != nil {
		t.Error(err)
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	ada := policy.PasswordFor("Ada Lovelace", "ada.l@engines.example")
	strict := ada.In("Analytical Engines", policy.Policy{PasswordMinLength: 14}).In("Lax", policy.Policy{PasswordMinLength: 10})
	for _, tt := range []struct {
		rule     policy.PasswordRule
		password string
		want     string
	}{
		{ada, "newpassword123", ""},
		{ada, "correct horse battery staple", ""},
		{ada, "lovelace is my name", ""},
		{ada, "Straße-42-größer", ""},
		{ada, "short", "is shorter than 8 characters"},
		{ada, "password", "tried first"},
		{ada, "Password2026!", "tried first"},
		{ada, "P@ssw0rd", "tried first"},
		{ada, "Qwertz1234", "tried first"},
		{ada, "aaaaaaaaaaaa", "tried first"},
		{ada, "12345678", "tried first"},
		{ada, "87654321", "tried first"},
		{ada, "Lovelace1!", "made of your name"},
		{ada, "engines.2026", "made of your name"},
		{ada, "roster-1234", "made of your name"},
		{ada, "analytical-1", ""},
		{strict, "analytical-1234", "made of your name"},
		{strict, "thirteen-char", "is shorter than 14 characters"},
		{strict, "fourteen-chars", ""},
		{strict, "größer-als-14!", ""},
	} {
		err := tt.rule.Check(field.Password(tt.password))
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%q: %v, want %q", tt.password, err, tt.want)
		}
	}
	if err := ada.Check("lax-password-x"); err != nil {
		t.Errorf("an organization's name is remembered of another rule: %v", err)
	}
}
