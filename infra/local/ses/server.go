// Package ses answers the operations of the SES API v2 that Roster uses, on
// one machine: it validates mail as SES does, keeps it instead of delivering
// it, plays SES's mailbox simulator and suppression list, publishes the same
// events, and shows the mails on a page.
package ses

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Config is what a [Server] needs to know.
type Config struct {
	// Dir keeps mails, suppression list and event cursor; "" keeps them in
	// memory only.
	Dir string
	// Identities are the verified senders: addresses ("roster@acme.com"), or
	// domains ("acme.com"), which verify their subdomains too.
	Identities []string
	// ConfigurationSet is the one that exists. It is also the default of every
	// identity, so that a mail that names none publishes its events.
	ConfigurationSet string
	// MaxSendRate is the account's recipients per second; 0 is no limit.
	MaxSendRate float64
	// Publish takes one EventBridge event as JSON. It gets every event at
	// least once, in order, and again after an error. Nil publishes nothing.
	Publish func(ctx context.Context, event []byte) error
	// Now is the clock; nil is [time.Now].
	Now func() time.Time
}

// Server is a local SES account with its mailbox. It is safe for concurrent
// use.
type Server struct {
	cfg       Config
	publisher *publisher

	mu           sync.Mutex
	mails        []Mail // oldest first
	suppressed   suppressionList
	mailJournal  *journal
	suppressions *journal
	refusal      *Error
}

const (
	// unlimitedSendRate is what GetAccount tells where no rate is set.
	unlimitedSendRate = 1000
	quotaWindow       = 24 * time.Hour
)

// New opens the account kept in cfg.Dir, or starts an empty one, and goes on
// publishing the events that an earlier process left undelivered.
func New(cfg Config) (*Server, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Server{cfg: cfg, suppressed: suppressionList{}}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, s.closeJournals())
	}
	publisher, err := startPublisher(cfg.Dir, cfg.Publish, s.mailAt, s.mails)
	if err != nil {
		return nil, errors.Join(err, s.closeJournals())
	}
	s.publisher = publisher
	return s, nil
}

func (s *Server) load() (err error) {
	if s.cfg.Dir == "" {
		return nil
	}
	// Mails hold log-in links: nobody else on the machine may read them.
	if err := os.MkdirAll(s.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("ses: %w", err)
	}
	s.mailJournal, err = openJournal(filepath.Join(s.cfg.Dir, "mail.jsonl"), func(m Mail) {
		s.mails = append(s.mails, m)
	})
	if err != nil {
		return err
	}
	s.suppressions, err = openJournal(filepath.Join(s.cfg.Dir, "suppression.jsonl"), s.suppressed.apply)
	return err
}

// Close stops publishing and closes the files. What is not yet published is
// published by the next [New] on the same folder.
func (s *Server) Close() error {
	s.publisher.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closeJournals()
}

func (s *Server) closeJournals() error {
	return errors.Join(s.mailJournal.close(), s.suppressions.close())
}

// RefuseSends answers every later send with err, as SES does for an account
// that is throttled, paused or suspended; nil ends it.
func (s *Server) RefuseSends(err *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = err
}

// Mails returns the mails to an address, or all of them for "", newest first.
// Addresses compare case-insensitively in ASCII.
func (s *Server) Mails(to string) []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []Mail{}
	for _, m := range slices.Backward(s.mails) {
		if to == "" || m.isTo(to) {
			found = append(found, m)
		}
	}
	return found
}

func (s *Server) mailAt(i int) (Mail, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i >= len(s.mails) {
		return Mail{}, false
	}
	return s.mails[i], true
}

// accept takes a valid mail: it is durable when accept returns its message id.
func (s *Server) accept(m Mail) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now().UTC()
	if err := s.admit(m, now); err != nil {
		return "", err
	}
	m.ID = messageID(now, rand.Reader)
	m.SentAt = now
	if m.ConfigurationSet == "" {
		m.ConfigurationSet = s.cfg.ConfigurationSet
	}
	m.Headers["Message-ID"] = "<" + m.ID + "@email.amazonses.com>"
	m.Headers["Date"] = now.Format(time.RFC1123Z)
	for i, r := range m.Recipients {
		m.Recipients[i].Outcome = outcomeOf(r.Address, s.suppressed.has(r.Address))
	}
	if err := s.mailJournal.append(m); err != nil {
		return "", err
	}
	s.mails = append(s.mails, m)
	s.publisher.wake()
	if err := s.suppressFailed(m); err != nil {
		// The mail is accepted: an error would make the sender repeat it.
		slog.Error("local SES: suppression list", "mail", m.ID, "error", err)
	}
	return m.ID, nil
}

// admit applies what depends on the account rather than on the mail.
func (s *Server) admit(m Mail, now time.Time) error {
	if s.refusal != nil {
		return s.refusal
	}
	if m.ConfigurationSet != "" && m.ConfigurationSet != s.cfg.ConfigurationSet {
		return notFound("Configuration set <%s> does not exist.", m.ConfigurationSet)
	}
	if !isVerified(m.sender, s.cfg.Identities) {
		return &Error{"MessageRejected", "Email address is not verified. The following identities " +
			"failed the check in region " + region + ": " + m.From}
	}
	last := s.sentWithin(time.Second, now)
	if s.cfg.MaxSendRate > 0 && float64(last+len(m.Recipients)) > max(s.cfg.MaxSendRate, 1) {
		return &Error{"TooManyRequestsException", "Maximum sending rate exceeded."}
	}
	return nil
}

// sentWithin counts recipients, as SES counts its quotas.
func (s *Server) sentWithin(d time.Duration, now time.Time) int {
	n := 0
	for _, m := range slices.Backward(s.mails) {
		if age := now.Sub(m.SentAt); age >= d {
			break
		} else if age >= 0 {
			n += len(m.Recipients)
		}
	}
	return n
}

// API returns the SESv2 endpoint (REST-JSON). Signatures are not checked.
func (s *Server) API() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /v2/email/outbound-emails", operation(s.sendEmail))
	mux.Handle("POST /v2/email/outbound-bulk-emails", operation(s.sendBulkEmail))
	mux.Handle("GET /v2/email/account", operation(s.getAccount))
	mux.Handle("GET /v2/email/suppression/addresses", operation(s.listSuppressed))
	mux.Handle("PUT /v2/email/suppression/addresses", operation(s.putSuppressed))
	mux.Handle("GET /v2/email/suppression/addresses/{address}", operation(s.getSuppressed))
	mux.Handle("DELETE /v2/email/suppression/addresses/{address}", operation(s.deleteSuppressed))
	mux.Handle("/", operation(func(r *http.Request) (any, error) {
		return nil, notFound("Operation %s %s is not answered here.", r.Method, r.URL.Path)
	}))
	return mux
}
