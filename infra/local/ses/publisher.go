package ses

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	firstBackOff = 50 * time.Millisecond
	maxBackOff   = 30 * time.Second
	// EventBridge retries an event 185 times before it drops it.
	maxRetries = 185
)

// cursor says how far publishing has come: all events of the mails before Mail,
// and the first Events of Mail itself.
type cursor struct {
	Mail   string `json:"mail"`
	Events int    `json:"events"`
}

// publisher hands the events of the mails, one after the other, to publish.
type publisher struct {
	publish func(context.Context, []byte) error
	mailAt  func(i int) (Mail, bool)
	path    string // of the cursor; "" keeps none
	next    int    // index of the mail to go on with
	done    int    // how many of its events are published
	newMail chan struct{}
	cancel  context.CancelFunc
	ended   chan struct{}
}

func startPublisher(dir string, publish func(context.Context, []byte) error, mailAt func(int) (Mail, bool), kept []Mail) (*publisher, error) {
	ctx, cancel := context.WithCancel(context.Background())
	p := &publisher{
		publish: publish, mailAt: mailAt,
		newMail: make(chan struct{}, 1), cancel: cancel, ended: make(chan struct{}),
	}
	if publish == nil {
		close(p.ended)
		return p, nil
	}
	if dir != "" {
		p.path = filepath.Join(dir, "events.cursor")
		if err := p.resume(kept); err != nil {
			cancel()
			return nil, err
		}
	}
	go p.run(ctx)
	return p, nil
}

// resume finds where an earlier process stopped. A cursor on a mail that is
// gone starts over: an event too many is better than one too few.
func (p *publisher) resume(kept []Mail) error {
	data, err := os.ReadFile(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("ses: %w", err)
	}
	var c cursor
	if err := json.Unmarshal(data, &c); err != nil {
		return fmt.Errorf("ses: %s: %w", p.path, err)
	}
	if i := slices.IndexFunc(kept, func(m Mail) bool { return m.ID == c.Mail }); i >= 0 {
		p.next, p.done = i, c.Events
	}
	return nil
}

func (p *publisher) wake() {
	select {
	case p.newMail <- struct{}{}:
	default:
	}
}

func (p *publisher) stop() {
	p.cancel()
	<-p.ended
}

func (p *publisher) run(ctx context.Context) {
	defer close(p.ended)
	for {
		m, ok := p.mailAt(p.next)
		if ok {
			if !p.publishMail(ctx, m) {
				return
			}
			p.next, p.done = p.next+1, 0
			continue
		}
		select {
		case <-p.newMail:
		case <-ctx.Done():
			return
		}
	}
}

// publishMail tells whether it came to the end of the mail's events.
func (p *publisher) publishMail(ctx context.Context, m Mail) bool {
	events, err := eventsOf(m)
	if err != nil {
		slog.ErrorContext(ctx, "local SES: events", "mail", m.ID, "error", err)
	}
	for ; p.done < len(events); p.done++ {
		if !p.deliver(ctx, events[p.done]) {
			return false
		}
		if err := p.save(cursor{m.ID, p.done + 1}); err != nil {
			slog.ErrorContext(ctx, "local SES: event cursor", "error", err)
		}
	}
	return true
}

// deliver tries until publish takes the event; it is false when ctx ended
// first.
func (p *publisher) deliver(ctx context.Context, event []byte) bool {
	backOff := firstBackOff
	for retries := 0; ; retries++ {
		err := p.publish(ctx, event)
		if err == nil {
			return true
		}
		if retries == maxRetries {
			slog.ErrorContext(ctx, "local SES: event dropped", "event", string(event), "error", err)
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(backOff):
		}
		backOff = min(2*backOff, maxBackOff)
	}
}

// save replaces the cursor in one step, so that a crash leaves the old or the
// new one.
func (p *publisher) save(c cursor) error {
	if p.path == "" {
		return nil
	}
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	temporary := p.path + ".new"
	if err := os.WriteFile(temporary, data, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, p.path)
}
