package notify_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"roster/infra/local/ses"
	"roster/internal/boot"
	"roster/internal/email"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/mailer"
	"roster/internal/notify"
	"roster/internal/outbox"
	"roster/internal/rostertest"
	"roster/internal/table"
)

func TestNewMailIsSentAtOnce(t *testing.T) {
	t.Parallel()
	d := deploy(t, direct)
	d.enqueue(t, outbox.Mail{To: "ada@example.com", Kind: mail.VerifyAddress, Data: mail.Data{
		Recipient: "Ada", Link: "https://roster.example.com/verify#secret"}})
	d.stream(t, d.waiting(t)...)

	sent := d.ses.Mails("ada@example.com")
	if len(sent) != 1 {
		t.Fatalf("%d mails sent, want 1", len(sent))
	}
	if !strings.Contains(sent[0].Text, "https://roster.example.com/verify#secret") {
		t.Errorf("the mail lacks its link:\n%s", sent[0].Text)
	}
	if got := sent[0].Tags["kind"]; got != "verify_address" {
		t.Errorf("tag kind is %q", got)
	}
	if waiting := d.waiting(t); len(waiting) > 0 {
		t.Errorf("%d mails wait still", len(waiting))
	}
}

func TestInvitationShowsThatItsMailIsSent(t *testing.T) {
	t.Parallel()
	d := deploy(t, direct)
	renewed := d.invite(t, "ada@example.com", 2)
	outdated := renewed
	outdated.Generation = 1

	d.enqueue(t, invitationMail("ada@example.com", outdated))
	d.stream(t, d.waiting(t)...)
	if got := d.delivery(t, renewed); got != outbox.Queued {
		t.Errorf("the mail before the renewal made the invitation %s", got)
	}
	d.enqueue(t, invitationMail("ada@example.com", renewed))
	d.stream(t, d.waiting(t)...)
	if got := d.delivery(t, renewed); got != outbox.Sent {
		t.Errorf("the invitation is %s, want sent", got)
	}
	if waiting := d.waiting(t); len(waiting) > 0 {
		t.Errorf("%d mails wait still", len(waiting))
	}
}

func TestMailOfARevokedInvitationEnds(t *testing.T) {
	t.Parallel()
	d := deploy(t, direct)
	d.enqueue(t, invitationMail("ada@example.com", outbox.InvitationRef{
		Organization: id.NewOrganization(d.Now()), ID: id.NewInvitation(d.Now(), "ada@example.com")}))
	d.stream(t, d.waiting(t)...)
	if waiting := d.waiting(t); len(waiting) > 0 {
		t.Errorf("%d mails wait still", len(waiting))
	}
}

func TestStreamAndSweepsAtOnceSendEachMailOnce(t *testing.T) {
	t.Parallel()
	d := deploy(t, direct)
	const mails, senders = 12, 4
	for range mails {
		d.enqueue(t, outbox.Mail{To: "ada@example.com", Kind: mail.Unsuspended, Data: mail.Data{Organization: "Acme"}})
	}
	waiting := d.waiting(t)
	var senderGroup sync.WaitGroup
	for range senders {
		senderGroup.Go(func() { d.stream(t, waiting...) })
		senderGroup.Go(func() { d.sweep(t) })
	}
	senderGroup.Wait()

	count := map[string]int{}
	for _, m := range d.ses.Mails("") {
		count[m.Tags["mail"]]++
	}
	for _, item := range waiting {
		if count[item.ID] != 1 {
			t.Errorf("mail %s was sent %d times", item.ID, count[item.ID])
		}
	}
}

func TestRefusedForNowIsTriedLater(t *testing.T) {
	t.Parallel()
	d := deploy(t, direct)
	invitation := d.invite(t, "ada@example.com", 1)
	d.enqueue(t, invitationMail("ada@example.com", invitation))
	d.ses.RefuseSends(&ses.Error{Code: "SendingPausedException", Message: "paused"})
	d.stream(t, d.waiting(t)...)

	wait := time.Minute
	for range 8 {
		item := d.waiting(t)[0]
		if got := item.NotBefore.Sub(d.Now()); got != wait {
			t.Errorf("after %d attempts the next is in %v, want %v", item.Attempts, got, wait)
		}
		attempts := item.Attempts
		d.Advance(wait - time.Second)
		d.sweep(t)
		if got := d.waiting(t)[0].Attempts; got != attempts {
			t.Errorf("tried before its time")
		}
		d.Advance(time.Second)
		d.sweep(t)
		wait = min(2*wait, time.Hour)
	}
	if got := d.delivery(t, invitation); got != outbox.Queued {
		t.Errorf("the invitation is %s, want queued", got)
	}
	d.ses.RefuseSends(nil)
	d.Advance(wait)
	d.sweep(t)
	if sent := d.ses.Mails("ada@example.com"); len(sent) != 1 {
		t.Errorf("%d mails sent, want 1", len(sent))
	}
	if got := d.delivery(t, invitation); got != outbox.Sent {
		t.Errorf("the invitation is %s, want sent", got)
	}
}

func TestMailsThatCannotSucceedEnd(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		refusal string
		after   time.Duration
	}{
		{"rejected by SES", "MessageRejected", 0},
		{"never accepted", "SendingPausedException", 6 * 24 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, direct)
			var log bytes.Buffer
			d.Log = slog.New(slog.NewJSONHandler(&log, nil))
			invitation := d.invite(t, "ada@example.com", 1)
			d.enqueue(t, invitationMail("ada@example.com", invitation))
			d.ses.RefuseSends(&ses.Error{Code: test.refusal, Message: "no mail for ada@example.com"})
			d.Advance(test.after)
			d.sweep(t)
			if waiting := d.waiting(t); len(waiting) > 0 {
				t.Errorf("%d mails wait still", len(waiting))
			}
			if got := d.delivery(t, invitation); got != outbox.Failed {
				t.Errorf("the invitation is %s, want failed", got)
			}
			if logged := log.String(); !strings.Contains(logged, test.refusal) || strings.Contains(logged, "ada@") {
				t.Errorf("the log must give the cause without the address:\n%s", logged)
			}
		})
	}
}

// TestNothingIsLostInACrash ends the process before and after each of its
// requests, to the table and to SES.
func TestNothingIsLostInACrash(t *testing.T) {
	t.Parallel()
	for _, applied := range []bool{false, true} {
		for at := 1; ; at++ {
			fuse := &fuse{applied: applied}
			d := deploy(t, fuse.transport)
			invitation := d.invite(t, "ada@example.com", 1)
			d.enqueue(t, invitationMail("ada@example.com", invitation))
			item := d.waiting(t)[0]

			ctx, die := context.WithCancel(t.Context())
			fuse.arm(at, die)
			_, err := d.service.Stream(ctx, records(item))
			blown := fuse.disarm()
			if err != nil {
				t.Fatal(err)
			}
			if !blown {
				if at < 4 {
					t.Fatalf("only %d requests were seen", at-1)
				}
				die()
				break
			}
			d.Advance(lease)
			d.sweep(t)
			if sent := d.ses.Mails("ada@example.com"); len(sent) == 0 {
				t.Errorf("request %d, applied %t: the mail is lost", at, applied)
			}
			if waiting := d.waiting(t); len(waiting) > 0 {
				t.Errorf("request %d, applied %t: the mail waits still", at, applied)
			}
			if got := d.delivery(t, invitation); got != outbox.Sent {
				t.Errorf("request %d, applied %t: the invitation is %s", at, applied, got)
			}
		}
	}
}

// lease is longer than a sender keeps a claimed mail, or lets one wait that failed once.
const lease = time.Minute

func TestWithoutTimeNothingIsBegun(t *testing.T) {
	t.Parallel()
	d := deploy(t, direct)
	d.enqueue(t, outbox.Mail{To: "ada@example.com", Kind: mail.Unsuspended, Data: mail.Data{Organization: "Acme"}})
	waiting := d.waiting(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()

	if err := d.service.Sweep(ctx, events.EventBridgeEvent{}); err != nil {
		t.Error(err)
	}
	out, err := d.service.Stream(ctx, records(waiting...))
	if err != nil {
		t.Error(err)
	}
	if len(out.BatchItemFailures) != 1 || out.BatchItemFailures[0].ItemIdentifier != waiting[0].ID {
		t.Errorf("reported %v, want the one record", out.BatchItemFailures)
	}
	if sent := d.ses.Mails(""); len(sent) > 0 {
		t.Errorf("%d mails were sent", len(sent))
	}
	if got := d.waiting(t); got[0].Attempts != 0 {
		t.Errorf("%d attempts", got[0].Attempts)
	}
}

func TestStreamReportsWhatTheTableRefused(t *testing.T) {
	t.Parallel()
	fuse := &fuse{}
	d := deploy(t, fuse.transport)
	d.enqueue(t, outbox.Mail{To: "ada@example.com", Kind: mail.Unsuspended, Data: mail.Data{Organization: "Acme"}})
	waiting := d.waiting(t)
	ctx, die := context.WithCancel(t.Context())
	fuse.arm(2, die) // the claim
	d.Log = slog.New(slog.DiscardHandler)
	out, err := d.service.Stream(ctx, records(waiting...))
	if err != nil || len(out.BatchItemFailures) != 1 {
		t.Errorf("got %v, %v; want one failure", out, err)
	}
}

func TestStreamIgnoresOtherRecords(t *testing.T) {
	t.Parallel()
	d := deploy(t, direct)
	d.enqueue(t, outbox.Mail{To: "ada@example.com", Kind: mail.Unsuspended, Data: mail.Data{Organization: "Acme"}})
	event := records(d.waiting(t)...)
	event.Records[0].EventName = "MODIFY"
	event.Records = append(event.Records, events.DynamoDBEventRecord{EventName: "INSERT", Change: events.DynamoDBStreamRecord{
		Keys: map[string]events.DynamoDBAttributeValue{
			"pk": events.NewStringAttribute("U#usr_1"), "sk": events.NewStringAttribute("U")},
	}}, events.DynamoDBEventRecord{EventName: "INSERT"})
	out, err := d.service.Stream(t.Context(), event)
	if err != nil || len(out.BatchItemFailures) > 0 {
		t.Errorf("got %v, %v", out, err)
	}
	if sent := d.ses.Mails(""); len(sent) > 0 {
		t.Errorf("%d mails were sent", len(sent))
	}
}

// deployment is a table, an SES account and the sender between them.
type deployment struct {
	*rostertest.Roster
	ses     *ses.Server
	service notify.Service
}

func direct(next http.RoundTripper) http.RoundTripper { return next }

func deploy(t *testing.T, transport func(http.RoundTripper) http.RoundTripper) deployment {
	t.Helper()
	d := deployment{Roster: rostertest.NewWith(t, transport)}
	d.Log = slog.New(slog.DiscardHandler)
	var err error
	d.ses, err = ses.New(ses.Config{Identities: []string{"example.com"}, ConfigurationSet: "roster", Now: d.Now})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(d.ses.API())
	t.Cleanup(func() { server.Close(); d.ses.Close() })
	d.service = notify.Service{Env: d.Env, Mail: mailer.NewSender(sesv2.New(sesv2.Options{
		Region:       "eu-central-1",
		BaseEndpoint: &server.URL,
		Credentials:  aws.AnonymousCredentials{},
		Retryer:      aws.NopRetryer{},
		HTTPClient:   &http.Client{Transport: boot.BufferedBody{Next: transport(http.DefaultTransport)}},
	}), "Roster <no-reply@example.com>", "roster")}
	return d
}

func (d deployment) enqueue(t *testing.T, m outbox.Mail) {
	t.Helper()
	write, err := outbox.Enqueue(t.Context(), d.Env, m)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Table.Transact(t.Context(), write); err != nil {
		t.Fatal(err)
	}
}

func (d deployment) waiting(t *testing.T) []outbox.Item {
	t.Helper()
	items, err := outbox.Waiting(t.Context(), d.Env)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// stream is safe to call from any goroutine.
func (d deployment) stream(t *testing.T, items ...outbox.Item) {
	out, err := d.service.Stream(t.Context(), records(items...))
	if err != nil || len(out.BatchItemFailures) > 0 {
		t.Errorf("stream: %v, %v", out, err)
	}
}

// sweep is safe to call from any goroutine.
func (d deployment) sweep(t *testing.T) {
	if err := d.service.Sweep(t.Context(), events.EventBridgeEvent{}); err != nil {
		t.Errorf("sweep: %v", err)
	}
}

// records are the stream's for new items; their sequence numbers are the items' ids.
func records(items ...outbox.Item) events.DynamoDBEvent {
	var event events.DynamoDBEvent
	for _, item := range items {
		key := table.Outbox(item.Shard, item.ID)
		event.Records = append(event.Records, events.DynamoDBEventRecord{
			EventName: "INSERT",
			Change: events.DynamoDBStreamRecord{SequenceNumber: item.ID, Keys: map[string]events.DynamoDBAttributeValue{
				"pk": events.NewStringAttribute(key.PK), "sk": events.NewStringAttribute(key.SK)}},
		})
	}
	return event
}

// invitation is what the mail's fate needs of an invitation's item.
type invitation struct {
	ID         id.Invitation   `dynamodbav:"id"`
	Generation int             `dynamodbav:"generation"`
	Delivery   outbox.Delivery `dynamodbav:"delivery"`
}

func (d deployment) invite(t *testing.T, to email.Address, generation int) outbox.InvitationRef {
	t.Helper()
	ref := outbox.InvitationRef{
		Organization: id.NewOrganization(d.Now()), ID: id.NewInvitation(d.Now(), string(to)), Generation: generation,
	}
	err := d.Table.Transact(t.Context(), table.Write{
		Key: table.Invitation(ref.Organization, ref.ID.AddressHash()),
		Put: invitation{ref.ID, generation, outbox.Queued},
	})
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func (d deployment) delivery(t *testing.T, ref outbox.InvitationRef) outbox.Delivery {
	t.Helper()
	var i *invitation
	if err := d.Table.Get(t.Context(), table.Into(table.Invitation(ref.Organization, ref.ID.AddressHash()), &i)); err != nil {
		t.Fatal(err)
	}
	return i.Delivery
}

func invitationMail(to email.Address, ref outbox.InvitationRef) outbox.Mail {
	return outbox.Mail{To: to, Kind: mail.Invitation, Invitation: &ref, Data: mail.Data{
		Organization: "Acme", Actor: "Bob", Role: "member", Link: "https://roster.example.com/invite#secret",
		ExpiresAt: time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)}}
}

// fuse ends a process, by its context, at its n-th request: before the request
// is sent, or when it is applied but not answered.
type fuse struct {
	applied bool

	mu    sync.Mutex
	left  int
	die   func()
	blown bool
}

var errCrash = errors.New("the process is gone")

func (f *fuse) arm(request int, die func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left, f.die, f.blown = request, die, false
}

func (f *fuse) disarm() (blown bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.die = nil
	return f.blown
}

func (f *fuse) transport(next http.RoundTripper) http.RoundTripper {
	return rostertest.RoundTrip(func(r *http.Request) (*http.Response, error) {
		if !f.burn() {
			return next.RoundTrip(r)
		}
		if f.applied {
			answer, err := next.RoundTrip(r.WithContext(context.WithoutCancel(r.Context())))
			if err != nil {
				return nil, err
			}
			answer.Body.Close()
		}
		f.die()
		return nil, errCrash
	})
}

func (f *fuse) burn() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.die == nil {
		return false
	}
	f.left--
	f.blown = f.blown || f.left == 0
	return f.left == 0
}
