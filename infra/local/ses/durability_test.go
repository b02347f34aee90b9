package ses_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"roster/infra/local/ses"
)

func TestMailsSurviveATornLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, client := open(t, config(dir))
	first := send(t, client, mailTo("ada@example.com"))
	second := send(t, client, mailTo("ada@example.com"))
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	appendTo(t, filepath.Join(dir, "mail.jsonl"), `{"id":"torn","recipients":[{"addr`)

	server, client = open(t, config(dir))
	third := send(t, client, mailTo("ada@example.com"))
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	server, _ = open(t, config(dir))
	got := server.Mails("ada@example.com")
	if len(got) != 3 || got[0].ID != third || got[1].ID != second || got[2].ID != first {
		t.Errorf("mails after the crash: %+v", got)
	}
	if got[0].HTML != "<p>rich</p>" || !got[0].SentAt.Equal(start) {
		t.Errorf("mail read back: %+v", got[0])
	}
}

func TestDamagedFileIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	appendTo(t, filepath.Join(dir, "mail.jsonl"), "no JSON\n{}\n")
	if server, err := ses.New(config(dir)); err == nil {
		_ = server.Close()
		t.Error("a damaged record in the middle was passed over")
	}
}

func TestEventsGoOnAfterARestart(t *testing.T) {
	t.Parallel()
	cfg := config(t.TempDir())
	var published []string
	stuck := make(chan struct{})
	cfg.Publish = func(ctx context.Context, event []byte) error {
		if len(published) == 3 {
			select {
			case <-stuck:
			default:
				close(stuck)
			}
			return errors.New("down")
		}
		published = append(published, string(event))
		return nil
	}
	server, client := open(t, cfg)
	var ids []string
	for range 3 {
		ids = append(ids, send(t, client, mailTo("ada@example.com")))
	}
	<-stuck
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}

	events := collect(&cfg)
	_, client = open(t, cfg)
	ids = append(ids, send(t, client, mailTo("ada@example.com")))
	for i, want := range []struct {
		id, eventType string
	}{
		{ids[1], "Delivery"}, {ids[2], "Send"}, {ids[2], "Delivery"}, {ids[3], "Send"}, {ids[3], "Delivery"},
	} {
		if e := next(t, events); e.Detail.Mail.MessageID != want.id || e.Detail.EventType != want.eventType {
			t.Errorf("event %d after the restart: %s of %s, want %+v", i, e.Detail.EventType, e.Detail.Mail.MessageID, want)
		}
	}
}

func TestEventsWithoutCursorComeAgain(t *testing.T) {
	t.Parallel()
	cfg := config(t.TempDir())
	events := collect(&cfg)
	server, client := open(t, cfg)
	send(t, client, mailTo("ada@example.com"))
	before := []event{next(t, events), next(t, events)}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(cfg.Dir, "events.cursor")); err != nil {
		t.Fatal(err)
	}
	open(t, cfg)
	for _, want := range before {
		if got := next(t, events); got.ID != want.ID || got.DetailType != want.DetailType {
			t.Errorf("repeat of %s %s came as %s %s", want.DetailType, want.ID, got.DetailType, got.ID)
		}
	}
}

func appendTo(t *testing.T, path, data string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(data); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
