package main

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func settingsOf(context map[string]any) (settings, error) {
	return newSettings(func(key string) any { return context[key] })
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	got, err := settingsOf(nil)
	if diff := cmp.Diff(settings{Name: "Roster"}, got); diff != "" || err != nil {
		t.Errorf("error %v; settings (-want +got):\n%s", err, diff)
	}
}

func TestDerivedSettings(t *testing.T) {
	t.Parallel()
	got, err := settingsOf(map[string]any{
		"mailDomain": "acme.example", "domainName": "api.acme.example", "certificateArn": customContext["certificateArn"],
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := `"Roster" <no-reply@acme.example>`; got.MailFrom != want {
		t.Errorf("sender %q, want %q", got.MailFrom, want)
	}
	if want := "https://api.acme.example"; got.PublicURL != want {
		t.Errorf("public URL %q, want %q", got.PublicURL, want)
	}
}

func TestWrongSettingsAreRefusedInOneLine(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]map[string]any{
		"signup":         {"signup": "opne"},
		"name":           {"name": "my roster"},
		"publicUrl":      {"publicUrl": "http://roster.example"},
		"alarmEmail":     {"alarmEmail": "ops"},
		"mailDomain":     {"mailDomain": "Acme.Example"},
		"mailFrom":       {"mailFrom": "no-reply"},
		"certificateArn": {"certificateArn": "abc", "domainName": "api.acme.example"},
		"domainName":     {"domainName": "https://api.acme.example", "certificateArn": customContext["certificateArn"]},
		// An address elsewhere, also one that only ends like the domain.
		"mailFrom=\"no-reply@notacme.example\"":  {"mailDomain": "acme.example", "mailFrom": "no-reply@notacme.example"},
		"publicUrl=\"https://a.example/roster\"": {"publicUrl": "https://a.example/roster"},
		"domainName and certificateArn":          {"domainName": "api.acme.example"},
		"signup=\"true\"":                        {"signup": true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := settingsOf(wrong)
			if err == nil {
				t.Fatalf("%v was accepted", wrong)
			}
			if line := err.Error(); !strings.Contains(line, "context "+name) || strings.Contains(line, "\n") {
				t.Errorf("error %q, want one line that names %s", line, name)
			}
		})
	}
}

func TestAllWrongSettingsAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	context := maps.Clone(customContext)
	context["signup"], context["alarmEmail"] = "yes", "ops"
	_, err := settingsOf(context)
	if err == nil || !strings.Contains(err.Error(), "signup") || !strings.Contains(err.Error(), "alarmEmail") {
		t.Errorf("error %v, want both mistakes", err)
	}
}
