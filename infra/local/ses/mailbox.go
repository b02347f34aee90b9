package ses

import (
	"bytes"
	_ "embed"
	"html/template"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	maxListed = 200 // on the page
	maxJSON   = 500 // in the JSON list
)

// mailboxPolicy lets nothing in from outside and no script run. A srcdoc frame
// inherits it, and mails are styled inline, hence unsafe-inline for styles.
const mailboxPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

var (
	//go:embed mailbox.html
	mailboxHTML     string
	mailboxTemplate = template.Must(template.New("mailbox").Parse(mailboxHTML))
)

// mailbox is what the page shows.
type mailbox struct {
	To    string // filter, as typed
	Mails []mailRow
	Total int
	Open  *openMail
	// Chosen: the open mail was asked for, rather than merely the newest.
	Chosen bool
}

type mailRow struct {
	Mail
	Query   template.URL // "?…": shows this mail
	Current bool
}

type openMail struct {
	Mail
	// Document is the mail's HTML; its links open in a new tab.
	Document string
	Fields   []eventHeader
}

// MailboxPage shows the mails: the list, newest first, filtered by ?to=, and
// the mail chosen by ?id=, or else the newest. It works without JavaScript and
// loads nothing.
func (s *Server) MailboxPage() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := strings.TrimSpace(r.FormValue("to"))
		box := newMailbox(s.Mails(to), to, r.FormValue("id"))
		status := http.StatusOK
		if r.FormValue("id") != "" && box.Open == nil {
			status = http.StatusNotFound
		}
		var page bytes.Buffer
		if err := mailboxTemplate.Execute(&page, box); err != nil {
			slog.ErrorContext(r.Context(), "mailbox page", "error", err)
			http.Error(w, "The mailbox cannot be shown.", http.StatusInternalServerError)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", mailboxPolicy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_, _ = page.WriteTo(w)
	})
}

func newMailbox(mails []Mail, to, id string) mailbox {
	box := mailbox{To: to, Total: len(mails), Chosen: id != ""}
	open := slices.IndexFunc(mails, func(m Mail) bool { return id == "" || m.ID == id })
	if open >= 0 {
		box.Open = newOpenMail(mails[open])
	}
	for i, m := range mails[:min(len(mails), maxListed)] {
		query := url.Values{"id": {m.ID}}
		if to != "" {
			query.Set("to", to)
		}
		box.Mails = append(box.Mails, mailRow{m, template.URL("?" + query.Encode()), i == open})
	}
	return box
}

func newOpenMail(m Mail) *openMail {
	o := &openMail{Mail: m}
	if m.HTML != "" {
		o.Document = `<!doctype html><base target="_blank">` + m.HTML
	}
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		o.Fields = append(o.Fields, eventHeader{name, m.Headers[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Tags)) {
		o.Fields = append(o.Fields, eventHeader{"tag " + name, m.Tags[name]})
	}
	return o
}

// Label says the outcome in words, or "" where it is the ordinary one.
func (r Recipient) Label() string {
	switch r.Outcome {
	case Bounced:
		return "bounced"
	case Complained:
		return "marked as spam"
	case Suppressed, SuppressedGlobally:
		return "suppressed"
	}
	return ""
}

// MailboxJSON lists the mails to ?to=, or all, newest first:
// {"total":n,"mails":[…]}, at most 500 of them, each a [Mail].
func (s *Server) MailboxJSON() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mails := s.Mails(strings.TrimSpace(r.FormValue("to")))
		writeJSON(w, http.StatusOK, map[string]any{
			"total": len(mails),
			"mails": mails[:min(len(mails), maxJSON)],
		})
	})
}
