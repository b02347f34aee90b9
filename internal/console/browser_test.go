package console_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"roster/internal/account"
	"roster/internal/apikey"
	"roster/internal/console"
	"roster/internal/invitation"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/rostertest"
)

// browser is the one of this test process, started by the first test that needs it.
var browser = sync.OnceValue(func() context.Context {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.Flag("headless", "new"), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(profile))
	allocator, _ := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ := chromedp.NewContext(allocator)
	if err := chromedp.Run(ctx); err != nil {
		panic(fmt.Sprintf("no browser (Chromium is needed): %v", err))
	}
	closeBrowser = func() { _ = chromedp.Cancel(ctx) }
	return ctx
})

var (
	profile      string
	closeBrowser = func() {}
)

func TestMain(m *testing.M) {
	var err error
	if profile, err = os.MkdirTemp("", "roster-browser-"); err != nil {
		panic(err)
	}
	code := m.Run()
	closeBrowser()
	// Processes of the browser write for a moment longer.
	for range 100 {
		if os.RemoveAll(profile) == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	os.Exit(code)
}

// site is a deployment and a tab of a browser that looks at it.
type site struct {
	*rostertest.Roster
	url string
	tab context.Context

	mu         sync.Mutex
	complaints []string
}

// visit starts a deployment and a browser. The test fails if the browser
// complains about anything but answers that refuse: a script that fails, or
// something that a page's policy does not let in.
func visit(t *testing.T) *site {
	t.Helper()
	s := &site{Roster: rostertest.New(t, account.Endpoints, invitation.Endpoints, apikey.Endpoints, organization.Endpoints, member.Endpoints, console.Endpoints)}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	s.url = server.URL

	tab, cancel := chromedp.NewContext(browser())
	t.Cleanup(cancel)
	s.tab = tab
	chromedp.ListenTarget(tab, s.listen)
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, complaint := range s.complaints {
			t.Errorf("the browser complains: %s", complaint)
		}
	})
	s.do(t, log.Enable(), runtime.Enable())
	return s
}

func (s *site) listen(event any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch event := event.(type) {
	case *runtime.EventExceptionThrown:
		s.complaints = append(s.complaints, event.ExceptionDetails.Error())
	case *log.EventEntryAdded:
		advice := event.Entry.Level == log.LevelVerbose || event.Entry.Level == log.LevelInfo
		if event.Entry.Source != log.SourceNetwork && !advice {
			s.complaints = append(s.complaints, event.Entry.Text)
		}
	}
}

func (s *site) do(t *testing.T, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(s.tab, actions...); err != nil {
		t.Fatal(err)
	}
}

// open shows a link of the deployment, such as one of a mail.
func (s *site) open(t *testing.T, link string) {
	t.Helper()
	// From an empty page, for a new fragment alone does not load a page anew.
	s.do(t, chromedp.Navigate("about:blank"), chromedp.Navigate(s.url+strings.TrimPrefix(link, s.PublicURL)))
}

// see waits for a heading, and returns all of the text that is shown.
func (s *site) see(t *testing.T, heading string) string {
	t.Helper()
	s.await(t, `//h1[normalize-space()="`+heading+`"]`)
	var text string
	s.do(t, chromedp.Evaluate(`document.querySelector("main").innerText`, &text))
	return text
}

// wait waits until some element shows a text.
func (s *site) wait(t *testing.T, text string) {
	t.Helper()
	s.await(t, `//main//*[contains(text(), "`+text+`")]`)
}

// patience is how long a page may take to show something; then the test fails.
const patience = 30 * time.Second

func (s *site) await(t *testing.T, element string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(s.tab, patience)
	defer cancel()
	if err := chromedp.Run(ctx, chromedp.WaitVisible(element, chromedp.BySearch)); err != nil {
		var text string
		s.do(t, chromedp.Evaluate(`document.body.innerText`, &text))
		t.Fatalf("waiting for %s: %v; the page shows:\n%s", element, err, text)
	}
}

func (s *site) fill(t *testing.T, input, text string) {
	t.Helper()
	s.do(t, chromedp.SetValue(input, text, chromedp.ByQuery))
}

func (s *site) press(t *testing.T, button string) {
	t.Helper()
	s.do(t, chromedp.Click(button, chromedp.ByQuery, chromedp.NodeVisible))
}

// acme founds an organization, and returns its verified owner's token.
func (s *site) acme(t *testing.T) (token, org string) {
	t.Helper()
	registered := s.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "owner@acme.example", "password": "newpassword123", "name": "Olga Owner", "organization": "Acme"})
	s.Must(t, 200, "POST /auth/verify-email", "", map[string]any{"token": s.LastMail(t, "owner@acme.example").LinkToken()})
	return registered.String("access_token"), registered.String("organization", "id")
}

// invite invites an address, and returns the shown link and the mailed one.
func (s *site) invite(t *testing.T, token, org, address, message string) (shown, mailed string) {
	t.Helper()
	s.Advance(time.Second) // the newest mail is told by its time
	invited := s.Must(t, 201, "POST /api/organizations/"+org+"/members/invite", token, map[string]any{
		"email": address, "role": "member", "message": message})
	return invited.String("invitation", "link"), s.LastMail(t, address).Data.Link
}
