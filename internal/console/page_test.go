package console_test

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"roster/internal/console"
	"roster/internal/rostertest"
	"roster/internal/route"
)

var (
	inline  = regexp.MustCompile(`(?s)<(script|style)>(.*?)</(?:script|style)>`)
	foreign = regexp.MustCompile(`(?i)(?:src|href|action|url)\s*[=(]\s*["']?(?:https?:)?//`)
)

func TestPagesAreCompleteInThemselves(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, console.Endpoints)
	for _, path := range []string{"/", "/invite", "/verify", "/reset", "/docs"} {
		page := r.Must(t, 200, "GET "+path, "", nil)
		if got := page.Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
			t.Errorf("%s: content type %q", path, got)
		}
		for name, want := range map[string]string{
			"Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
		} {
			if got := page.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		policy := page.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy lacks %s: %s", path, want, policy)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy is lax: %s", path, policy)
		}
		for _, element := range inline.FindAllSubmatch(page.Raw, -1) {
			sum := sha256.Sum256(element[2])
			if !strings.Contains(policy, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
				t.Errorf("%s: the policy does not know the page's own %s", path, element[1])
			}
		}
		if found := foreign.Find(page.Raw); found != nil {
			t.Errorf("%s loads from elsewhere: %s", path, found)
		}
	}
}

func TestReferenceShowsEveryRoute(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, console.Endpoints)
	page := string(r.Must(t, 200, "GET /docs", "", nil).Raw)
	for _, of := range route.All {
		if !strings.Contains(page, `<article id="`+string(of.ID)+`">`) {
			t.Errorf("%s is missing", of.ID)
		}
	}
	for _, want := range []string{
		`curl &#34;$ROSTER/auth/login&#34;`, `-H &#34;Authorization: Bearer $TOKEN&#34;`,
		`/api/organizations/$ORG_ID/members/$USER_ID`, "last_owner", "Idempotency-Key",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the reference lacks %s", want)
		}
	}
	if strings.Contains(page, "<script") {
		t.Error("the reference needs no script")
	}
}

func TestOpenAPIDocumentIsServed(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, console.Endpoints)
	document := r.Must(t, 200, "GET /openapi.json", "", nil)
	if got := document.String("openapi"); got != "3.1.1" {
		t.Errorf("version %q", got)
	}
}
