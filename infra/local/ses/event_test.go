package ses_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"roster/infra/local/ses"
)

func TestSimulator(t *testing.T) {
	t.Parallel()
	const at = "@simulator.amazonses.com"
	for to, want := range map[string][]string{
		"ada@example.com":      {"Email Sent", "Email Delivered"},
		"success" + at:         {"Email Sent", "Email Delivered"},
		"ooto" + at:            {"Email Sent", "Email Delivered"},
		"Bounce" + at:          {"Email Sent", "Email Bounced General"},
		"bounce+x" + at:        {"Email Sent", "Email Bounced General"},
		"nobody" + at:          {"Email Sent", "Email Bounced General"},
		"suppressionlist" + at: {"Email Sent", "Email Bounced Suppressed"},
		"complaint+1" + at:     {"Email Sent", "Email Delivered", "Email Complaint Received abuse"},
	} {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			cfg := config("")
			events := collect(&cfg)
			_, client := open(t, cfg)
			in := mailTo(to)
			in.EmailTags = []types.MessageTag{{Name: new("outbox"), Value: new("obx_1")}}
			id := send(t, client, in)
			var got []string
			for range want {
				e := next(t, events)
				got = append(got, strings.TrimSpace(e.DetailType+" "+e.Detail.Bounce.BounceSubType+e.Detail.Complaint.ComplaintFeedbackType))
				checkEnvelope(t, e, id, to)
			}
			if !slices.Equal(got, want) {
				t.Errorf("events %q, want %q", got, want)
			}
		})
	}
}

func checkEnvelope(t *testing.T, e event, id, to string) {
	t.Helper()
	m := e.Detail.Mail
	if e.Source != "aws.ses" || e.Time != "2026-11-22T07:55:00Z" || !slices.Equal(e.Resources, []string{"arn:aws:ses:us-east-1:000000000000:configuration-set/roster"}) ||
		m.MessageID != id || m.Source != sender || m.Timestamp != "2026-11-22T07:55:00.123Z" || !slices.Equal(m.Destination, []string{to}) ||
		!slices.Equal(m.Tags["outbox"], []string{"obx_1"}) || !slices.Equal(m.Tags["ses:configuration-set"], []string{"roster"}) {
		t.Errorf("event: %+v", e)
	}
	concerned := e.Detail.Delivery.Recipients
	for _, r := range e.Detail.Bounce.BouncedRecipients {
		concerned = append(concerned, r.EmailAddress)
	}
	for _, r := range e.Detail.Complaint.ComplainedRecipients {
		concerned = append(concerned, r.EmailAddress)
	}
	if e.Detail.EventType != "Send" && !slices.Equal(concerned, []string{to}) {
		t.Errorf("%s concerns %q", e.DetailType, concerned)
	}
}

func TestSuppressionAfterBounce(t *testing.T) {
	t.Parallel()
	cfg := config(t.TempDir())
	events := collect(&cfg)
	server, client := open(t, cfg)
	const kim = "bounce+kim@simulator.amazonses.com"
	id := send(t, client, mailTo(kim))
	entry, err := client.GetSuppressedDestination(t.Context(), &sesv2.GetSuppressedDestinationInput{EmailAddress: new(strings.ToUpper(kim))})
	if err != nil {
		t.Fatal(err)
	}
	if d := entry.SuppressedDestination; d.Reason != types.SuppressionListReasonBounce || *d.EmailAddress != kim ||
		*d.Attributes.MessageId != id || !d.LastUpdateTime.Equal(start) {
		t.Errorf("entry: %+v", d)
	}
	next(t, events)
	next(t, events)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}

	_, client = open(t, cfg)
	send(t, client, mailTo("ada@example.com", kim))
	for _, want := range []string{"Send", "Delivery", "Bounce"} {
		e := next(t, events)
		if e.Detail.EventType != want || want == "Bounce" && e.Detail.Bounce.BounceSubType != "OnAccountSuppressionList" {
			t.Errorf("after the bounce: %+v, want %s", e.Detail, want)
		}
	}
	// The simulator's own address stays usable.
	send(t, client, mailTo("bounce@simulator.amazonses.com"))
	_, err = client.GetSuppressedDestination(t.Context(), &sesv2.GetSuppressedDestinationInput{EmailAddress: new("bounce@simulator.amazonses.com")})
	if !is[*types.NotFoundException](err) {
		t.Errorf("the simulator's address is suppressed: %v", err)
	}
}

func TestSuppressionList(t *testing.T) {
	t.Parallel()
	server, client := open(t, config(""))
	put := func(address string, reason types.SuppressionListReason) error {
		_, err := client.PutSuppressedDestination(t.Context(), &sesv2.PutSuppressedDestinationInput{EmailAddress: &address, Reason: reason})
		return err
	}
	for address, reason := range map[string]types.SuppressionListReason{
		"a/b@example.com": types.SuppressionListReasonBounce,
		"b@example.com":   types.SuppressionListReasonComplaint,
		"c@example.com":   types.SuppressionListReasonBounce,
	} {
		if err := put(address, reason); err != nil {
			t.Fatal(err)
		}
	}
	if err := put("no address", types.SuppressionListReasonBounce); !is[*types.BadRequestException](err) {
		t.Errorf("malformed address: %v", err)
	}
	if err := put("d@example.com", "WHIM"); !is[*types.BadRequestException](err) {
		t.Errorf("unknown reason: %v", err)
	}
	var listed []string
	pages := sesv2.NewListSuppressedDestinationsPaginator(client, &sesv2.ListSuppressedDestinationsInput{PageSize: new(int32(2))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.SuppressedDestinationSummaries {
			listed = append(listed, *s.EmailAddress)
		}
	}
	if !slices.Equal(listed, []string{"a/b@example.com", "b@example.com", "c@example.com"}) {
		t.Errorf("listed %q", listed)
	}
	complaints, err := client.ListSuppressedDestinations(t.Context(), &sesv2.ListSuppressedDestinationsInput{
		Reasons: []types.SuppressionListReason{types.SuppressionListReasonComplaint},
	})
	if err != nil || len(complaints.SuppressedDestinationSummaries) != 1 {
		t.Errorf("complaints: %+v, %v", complaints, err)
	}
	later, err := client.ListSuppressedDestinations(t.Context(), &sesv2.ListSuppressedDestinationsInput{StartDate: new(start.AddDate(0, 0, 1))})
	if err != nil || len(later.SuppressedDestinationSummaries) != 0 {
		t.Errorf("of tomorrow: %+v, %v", later, err)
	}

	remove := &sesv2.DeleteSuppressedDestinationInput{EmailAddress: new("A/b@example.com")}
	if _, err := client.DeleteSuppressedDestination(t.Context(), remove); err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteSuppressedDestination(t.Context(), remove); !is[*types.NotFoundException](err) {
		t.Errorf("second delete: %v", err)
	}
	send(t, client, mailTo("a/b@example.com", "b@example.com"))
	got := server.Mails("")[0].Recipients
	if got[0].Outcome != ses.Delivered || got[1].Outcome != ses.Suppressed {
		t.Errorf("outcomes: %+v", got)
	}
}

func TestPublishRetries(t *testing.T) {
	t.Parallel()
	cfg := config("")
	attempts := make(chan string, 10)
	failures := 2
	cfg.Publish = func(_ context.Context, event []byte) error {
		attempts <- string(event)
		if failures > 0 {
			failures--
			return errors.New("not now")
		}
		return nil
	}
	_, client := open(t, cfg)
	send(t, client, mailTo("ada@example.com"))
	first, second, third, fourth := <-attempts, <-attempts, <-attempts, <-attempts
	if first != second || second != third || third == fourth || !strings.Contains(fourth, "Email Delivered") {
		t.Errorf("attempts:\n%s\n%s\n%s\n%s", first, second, third, fourth)
	}
}
