package mailer_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"roster/internal/mail"
	"roster/internal/mailer"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const link = "https://roster.example/join?token=5Dk-x_9&org=org_01"

// samples holds a full mail of each kind.
func samples() map[mail.Kind]mail.Data {
	expires := time.Date(2025, 12, 1, 15, 30, 0, 0, time.FixedZone("CET", 3600))
	return map[mail.Kind]mail.Data{
		mail.VerifyAddress: {Recipient: "Ada Lovelace", Organization: "Acme Research", Link: link, ExpiresAt: expires},
		mail.Invitation: {Recipient: "Ada Lovelace", Organization: "Acme Research", Actor: "Grace Hopper", Role: "developer",
			Message: "Welcome to our AI services platform!\n\nAsk me anything & have fun.", Link: link, ExpiresAt: expires,
			GuidelinesURL: "https://acme.example/guidelines", PolicyURL: "https://acme.example/policy"},
		mail.InvitationLogin: {Recipient: "Ada Lovelace", Organization: "Acme Research", Link: link, ExpiresAt: expires},
		mail.Welcome: {Recipient: "Ada Lovelace", Organization: "Acme Research", Role: "member",
			WelcomeMessage: "Good to have you.\nStart with the sandbox.", GuidelinesURL: "https://acme.example/guidelines",
			PolicyURL: "https://acme.example/policy", Link: "https://roster.example/"},
		mail.RoleChanged: {Recipient: "Ada Lovelace", Organization: "Acme Research", Actor: "grace@acme.example",
			PreviousRole: "member", Role: "admin"},
		mail.Suspended:            {Recipient: "Ada Lovelace", Organization: "Acme Research", Reason: "Unusual usage patterns"},
		mail.Unsuspended:          {Recipient: "Ada Lovelace", Organization: "Acme Research"},
		mail.Removed:              {Recipient: "Ada Lovelace", Organization: "Acme Research", Reason: "Contract ended"},
		mail.MembershipEnding:     {Recipient: "Grace Hopper", Organization: "Acme Research", Member: "Ada Lovelace", ExpiresAt: expires},
		mail.Rejected:             {Recipient: "Ada Lovelace", Organization: "Acme Research", Reason: "Not affiliated with organization"},
		mail.PasswordReset:        {Recipient: "Ada Lovelace", Link: link, ExpiresAt: expires},
		mail.PasswordChanged:      {Recipient: "Ada Lovelace", Link: link},
		mail.TwoFactorEnabled:     {Recipient: "Ada Lovelace", Link: link},
		mail.TwoFactorDisabled:    {Recipient: "Ada Lovelace", Link: link},
		mail.OrganizationDeleting: {Recipient: "Ada Lovelace", Organization: "Acme Research", Actor: "Grace Hopper", ExpiresAt: expires},
		mail.TwoFactorRequired:    {Recipient: "Ada Lovelace", Organization: "Acme Research", ExpiresAt: expires},
		mail.OwnershipTransferred: {Recipient: "Ada Lovelace", Organization: "Acme Research", Actor: "Grace Hopper", Member: "Joan Clarke"},
		mail.LimitApproaching: {Recipient: "Ada Lovelace", Organization: "Acme Research", Window: "monthly", Limit: "200 USD",
			Amount: "160.05 USD", Percent: "80", ExpiresAt: expires},
		mail.LimitReached: {Recipient: "Grace Hopper", Organization: "Acme Research", Member: "Ada Lovelace", Key: "ci", Window: "daily",
			Limit: "25 USD", Amount: "25.000000001 USD", ExpiresAt: expires},
		mail.LimitRequested: {Recipient: "Grace Hopper", Organization: "Acme Research", Member: "Ada Lovelace", MonthlyLimit: "500 USD",
			DailyLimit: "unlimited", ExpiresAt: expires, Reason: "The launch is next week."},
		mail.LimitRequestApproved: {Recipient: "Ada Lovelace", Organization: "Acme Research", Actor: "Grace Hopper", MonthlyLimit: "500 USD", ExpiresAt: expires},
		mail.LimitRequestDeclined: {Recipient: "Ada Lovelace", Organization: "Acme Research", Actor: "Grace Hopper", Reason: "Not this month."},
		mail.OrganizationRestored: {Recipient: "Ada Lovelace", Organization: "Acme Research"},
		mail.BudgetSpent:          {Recipient: "Grace Hopper", Organization: "Acme Research", Month: "November 2026", Percent: "80", Limit: "1000 USD", Amount: "800.5 USD"},
		mail.StatementClosed: {Recipient: "Ada Lovelace", Organization: "Acme Research", Month: "November 2026",
			Amount: "1234.567891234 USD", Link: "https://roster.example/"},
	}
}

func TestEveryTemplateHasASample(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("templates/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var written []mail.Kind
	for _, path := range paths {
		written = append(written, mail.Kind(strings.TrimSuffix(filepath.Base(path), ".txt")))
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(samples())), written); diff != "" {
		t.Errorf("samples (-) and templates (+) differ:\n%s", diff)
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for kind, data := range samples() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			m := render(t, kind, data)
			got := txtar.Format(&txtar.Archive{Files: []txtar.File{
				{Name: "subject", Data: []byte(m.Subject)},
				{Name: "text", Data: []byte(m.Text)},
				{Name: "html", Data: []byte(m.HTML)},
			}})
			path := filepath.Join("testdata", string(kind)+".txtar")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		})
	}
}

func TestMissingFields(t *testing.T) {
	t.Parallel()
	without := map[string]func(*mail.Data){
		"organization": func(d *mail.Data) { d.Organization = "" },
		"actor":        func(d *mail.Data) { d.Actor = "" },
		"member":       func(d *mail.Data) { d.Member = "" },
		"role":         func(d *mail.Data) { d.Role = "" },
		"previous":     func(d *mail.Data) { d.PreviousRole = "" },
		"link":         func(d *mail.Data) { d.Link = "" },
		"script link":  func(d *mail.Data) { d.Link = "javascript:alert(1)" },
		"broken link":  func(d *mail.Data) { d.Link = link + "\nhttps://evil.example" },
		"spaced link":  func(d *mail.Data) { d.Link = link + " https://evil.example" },
		"blank actor":  func(d *mail.Data) { d.Actor = " \t\r\n\u202e" },
		"expiry":       func(d *mail.Data) { d.ExpiresAt = time.Time{} },
		"month":        func(d *mail.Data) { d.Month = "" },
		"amount":       func(d *mail.Data) { d.Amount = "" },
		"window":       func(d *mail.Data) { d.Window = "" },
		"limit":        func(d *mail.Data) { d.Limit = "" },
		"percent":      func(d *mail.Data) { d.Percent = "" },
	}
	needed := map[mail.Kind][]string{
		mail.VerifyAddress:        {"link", "script link", "broken link", "spaced link"},
		mail.Invitation:           {"organization", "actor", "blank actor", "role", "link", "script link", "broken link", "spaced link", "expiry"},
		mail.InvitationLogin:      {"organization", "link", "script link", "broken link", "spaced link"},
		mail.Welcome:              {"organization", "role"},
		mail.RoleChanged:          {"organization", "actor", "blank actor", "role", "previous"},
		mail.Suspended:            {"organization"},
		mail.Unsuspended:          {"organization"},
		mail.Removed:              {"organization"},
		mail.MembershipEnding:     {"organization", "expiry"},
		mail.Rejected:             {"organization"},
		mail.PasswordReset:        {"link", "script link", "broken link", "spaced link"},
		mail.PasswordChanged:      {"link", "script link", "broken link", "spaced link"},
		mail.TwoFactorEnabled:     {"link", "script link", "broken link", "spaced link"},
		mail.TwoFactorDisabled:    {"link", "script link", "broken link", "spaced link"},
		mail.OrganizationDeleting: {"organization", "actor", "blank actor", "expiry"},
		mail.OrganizationRestored: {"organization"},
		mail.TwoFactorRequired:    {"organization", "expiry"},
		mail.OwnershipTransferred: {"organization", "actor", "blank actor", "member"},
		mail.BudgetSpent:          {"organization", "month", "percent", "limit", "amount"},
		mail.StatementClosed:      {"organization", "month", "amount"},
		mail.LimitApproaching:     {"organization", "window", "limit", "amount", "percent", "expiry"},
		mail.LimitRequested:       {"organization", "member"},
		mail.LimitRequestApproved: {"organization", "actor", "blank actor"},
		mail.LimitRequestDeclined: {"organization", "actor", "blank actor"},
		mail.LimitReached:         {"organization", "window", "limit", "amount", "expiry"},
	}
	for kind, data := range samples() {
		for name, remove := range without {
			incomplete := data
			remove(&incomplete)
			_, err := mailer.Render(kind, incomplete)
			if want := slices.Contains(needed[kind], name); (err != nil) != want {
				t.Errorf("%s, %s: got error %v, want one: %t", kind, name, err, want)
			}
			if err != nil && !mailer.Permanent(err) {
				t.Errorf("%s, %s: %v is not permanent", kind, name, err)
			}
		}
	}
}

// A mail shows nothing of the fields that are not set.
func TestOptionalFields(t *testing.T) {
	t.Parallel()
	for kind, data := range samples() {
		data.Recipient, data.Message, data.Reason, data.WelcomeMessage = "", "\n \n", "\u202e", ""
		data.GuidelinesURL, data.PolicyURL = "ftp://files.example", "guidelines.html"
		m := render(t, kind, data)
		if !strings.HasPrefix(m.Text, "Hello,\n\n") || !strings.Contains(m.HTML, ">Hello,<") {
			t.Errorf("%s: greeting without a name:\n%s", kind, m.Text)
		}
		if strings.Contains(m.Text, "\n\n\n") {
			t.Errorf("%s: gap in the text:\n%s", kind, m.Text)
		}
		for _, trace := range []string{"A message from", "reason", "guidelines", "policy", "<blockquote", "<ul"} {
			if strings.Contains(m.Text, trace) || strings.Contains(m.HTML, trace) {
				t.Errorf("%s: mentions %q, which is not set:\n%s", kind, trace, m.Text)
			}
		}
	}
}

func TestUnknownKind(t *testing.T) {
	t.Parallel()
	for _, kind := range []mail.Kind{"", "nonsense", "../layout", "invitation.txt", "Invitation"} {
		_, err := mailer.Render(kind, samples()[mail.Invitation])
		if err == nil {
			t.Errorf("kind %q was rendered", kind)
		}
		if mailer.Permanent(err) {
			t.Errorf("kind %q: a newer deployment may know it, but got permanent: %v", kind, err)
		}
	}
}

// Outbox items outlive a deployment: their form may grow but not change.
func TestDataJSON(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(samples()[mail.Invitation])
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"organization":"Acme Research","recipient":"Ada Lovelace","actor":"Grace Hopper","role":"developer",` +
		`"message":"Welcome to our AI services platform!\n\nAsk me anything \u0026 have fun.",` +
		`"guidelines_url":"https://acme.example/guidelines","policy_url":"https://acme.example/policy",` +
		`"link":"https://roster.example/join?token=5Dk-x_9\u0026org=org_01","expires_at":"2025-12-01T15:30:00+01:00"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	empty, err := json.Marshal(mail.Data{})
	if err != nil || string(empty) != "{}" {
		t.Errorf("empty data: got %s, %v", empty, err)
	}
}

func render(t testing.TB, kind mail.Kind, data mail.Data) mailer.Message {
	t.Helper()
	m, err := mailer.Render(kind, data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
