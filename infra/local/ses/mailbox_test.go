package ses_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func get(t *testing.T, h http.Handler, query string) (*http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/_local/mail"+query, nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

// elements returns the attributes of all elements of a name.
func elements(t *testing.T, page, name string) []map[string]string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var found []map[string]string
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			attributes := map[string]string{}
			for _, a := range n.Attr {
				attributes[a.Key] = a.Val
			}
			found = append(found, attributes)
		}
	}
	return found
}

func TestMailboxPageIsSafe(t *testing.T) {
	t.Parallel()
	server, client := open(t, config(""))
	const hostile = `"'></iframe></pre><script>alert(1)</script>`
	in := mailTo("ada@example.com")
	in.Content.Simple.Subject = text("Hi " + hostile)
	in.Content.Simple.Body.Text = text(hostile)
	in.Content.Simple.Body.Html = text("<h1>Hi</h1>" + hostile)
	header("X-Hostile", hostile)(in)
	send(t, client, in)

	res, page := get(t, server.MailboxPage(), "?to="+url.QueryEscape("ADA@example.com"))
	if res.StatusCode != http.StatusOK || !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("answer: %v", res)
	}
	if scripts := elements(t, page, "script"); len(scripts) != 0 {
		t.Errorf("the page has scripts: %v", scripts)
	}
	frames := elements(t, page, "iframe")
	if len(frames) != 1 {
		t.Fatalf("%d frames, want the mail's one", len(frames))
	}
	if f := frames[0]; f["sandbox"] != "allow-popups allow-popups-to-escape-sandbox" ||
		!strings.HasPrefix(f["srcdoc"], `<!doctype html><base target="_blank">`) || !strings.Contains(f["srcdoc"], "<h1>Hi</h1>"+hostile) {
		t.Errorf("frame: %q", f)
	}
	if _, page := get(t, server.MailboxPage(), "?to="+url.QueryEscape(hostile)); len(elements(t, page, "script")) != 0 {
		t.Error("the filter is not escaped")
	}
}

func TestMailboxPageChooses(t *testing.T) {
	t.Parallel()
	server, client := open(t, config(""))
	subject := func(s, to string) string {
		in := mailTo(to)
		in.Content.Simple.Subject = text(s)
		return send(t, client, in)
	}
	older := subject("The older", "ada@example.com")
	subject("The newer", "ada@example.com")
	subject("Another's", "bob@example.com")

	title := func(query string) (int, string) {
		res, page := get(t, server.MailboxPage(), query)
		_, rest, _ := strings.Cut(page, "<title>")
		title, _, _ := strings.Cut(rest, " – ")
		return res.StatusCode, title
	}
	for query, want := range map[string]string{
		"":                                  "Another&#39;s",
		"?to=ada@example.com":               "The newer",
		"?to=ada%40example.com&id=" + older: "The older",
	} {
		if status, got := title(query); got != want || status != http.StatusOK {
			t.Errorf("%s opens %q (%d), want %q", query, got, status, want)
		}
	}
	if status, _ := title("?id=unknown"); status != http.StatusNotFound {
		t.Errorf("unknown mail: %d", status)
	}
	_, page := get(t, server.MailboxPage(), "?to=ada@example.com")
	if strings.Contains(page, "Another") || strings.Index(page, "The newer") > strings.Index(page, "The older") {
		t.Error("the list is not filtered, or not newest first")
	}
	if _, page := get(t, server.MailboxPage(), "?to=eve@example.com"); !strings.Contains(page, "No mail to eve@example.com yet") {
		t.Error("an empty mailbox does not say so")
	}
}

func TestMailboxJSON(t *testing.T) {
	t.Parallel()
	server, client := open(t, config(""))
	if _, body := get(t, server.MailboxJSON(), ""); !strings.Contains(body, `"mails":[]`) {
		t.Errorf("empty mailbox: %s", body)
	}
	send(t, client, mailTo("bob@example.com"))
	older := send(t, client, mailTo("ada@example.com"))
	newer := send(t, client, mailTo("ada@example.com"))
	res, body := get(t, server.MailboxJSON(), "?to=Ada@Example.COM")
	var got struct {
		Total int
		Mails []struct {
			ID, To, Subject, Text, HTML string
			Headers                     map[string]string
			SentAt                      string `json:"sent_at"`
		}
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Total != 2 || len(got.Mails) != 2 || got.Mails[0].ID != newer || got.Mails[1].ID != older {
		t.Fatalf("mails: %+v", got)
	}
	m := got.Mails[0]
	if m.To != "ada@example.com" || m.Subject != "Grüße" || m.Text != "plain" || m.HTML != "<p>rich</p>" ||
		m.Headers["From"] != sender || m.SentAt != "2026-11-22T07:55:00.123Z" || res.Header.Get("Content-Type") != "application/json" {
		t.Errorf("mail: %+v", m)
	}
}
