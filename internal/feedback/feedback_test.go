package feedback_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"pgregory.net/rapid"

	"roster/infra/local/ses"
	"roster/internal/email"
	"roster/internal/feedback"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/mailer"
	"roster/internal/outbox"
	"roster/internal/rostertest"
	"roster/internal/table"
)

func TestInvitationShowsWhatBecameOfItsMail(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		to     email.Address
		events int
		want   outbox.Delivery
	}{
		{"success@simulator.amazonses.com", 2, outbox.Delivered},
		{"bounce@simulator.amazonses.com", 2, outbox.Bounced},
		{"suppressionlist@simulator.amazonses.com", 2, outbox.Bounced},
		{"complaint@simulator.amazonses.com", 3, outbox.Complained},
	} {
		t.Run(string(test.want)+" "+string(test.to), func(t *testing.T) {
			t.Parallel()
			r := rostertest.New(t)
			service := feedback.Service{Env: r.Env}
			invitation := invite(t, r, test.to, 1, outbox.Sent)
			// Whatever comes in whatever order, and again, the last fate stays.
			reports := reportsOf(t, invitationMail(r, test.to, invitation), test.events)
			rapid.Check(t, func(rt *rapid.T) {
				save(t, r, invitation, outbox.Sent)
				order := append(rapid.Permutation(reports).Draw(rt, "order"),
					rapid.SliceOfN(rapid.SampledFrom(reports), 0, 3).Draw(rt, "repeats")...)
				for _, report := range order {
					if err := service.Handle(t.Context(), report); err != nil {
						rt.Fatal(err)
					}
				}
				if got := delivery(t, r, invitation); got != test.want {
					rt.Errorf("the invitation is %s, want %s", got, test.want)
				}
			})
		})
	}
}

func TestOtherReportsChangeNothing(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	service := feedback.Service{Env: r.Env}
	const to = "bounce@simulator.amazonses.com"
	renewed := invite(t, r, to, 2, outbox.Queued)
	outdated := renewed
	outdated.Generation = 1
	revoked := outbox.InvitationRef{
		Organization: id.NewOrganization(r.Now()), ID: id.NewInvitation(r.Now(), to), Generation: 2}

	reports := reportsOf(t, invitationMail(r, to, outdated), 2)
	reports = append(reports, reportsOf(t, invitationMail(r, to, revoked), 2)...)
	reports = append(reports, reportsOf(t, outbox.Item{ID: "out_1", To: to, Kind: mail.Welcome}, 2)...)
	tags, err := json.Marshal(tagsOf(invitationMail(r, to, renewed)))
	if err != nil {
		t.Fatal(err)
	}
	for _, detail := range []string{
		`{"eventType":"DeliveryDelay","mail":{"tags":` + string(tags) + `}}`,
		`{"eventType":"Open","mail":{"tags":` + string(tags) + `}}`,
		`{"eventType":"Bounce","bounce":{"bounceType":"Transient","bounceSubType":"General"},"mail":{"tags":` + string(tags) + `}}`,
		`{}`,
	} {
		reports = append(reports, events.EventBridgeEvent{Detail: json.RawMessage(detail)})
	}
	for _, report := range reports {
		if err := service.Handle(t.Context(), report); err != nil {
			t.Errorf("%s: %v", report.Detail, err)
		}
	}
	if got := delivery(t, r, renewed); got != outbox.Queued {
		t.Errorf("the invitation is %s, want queued", got)
	}
}

func TestAReportThatCannotBeReadFails(t *testing.T) {
	t.Parallel()
	service := feedback.Service{Env: rostertest.New(t).Env}
	if err := service.Handle(t.Context(), events.EventBridgeEvent{Detail: json.RawMessage(`"no object"`)}); err == nil {
		t.Error("no error")
	}
}

// reportsOf returns the events that SES publishes about a mail.
func reportsOf(t *testing.T, item outbox.Item, count int) []events.EventBridgeEvent {
	t.Helper()
	published := make(chan []byte)
	account, err := ses.New(ses.Config{
		Identities: []string{"example.com"}, ConfigurationSet: "roster",
		Publish: func(ctx context.Context, event []byte) error {
			select {
			case published <- event:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(account.API())
	t.Cleanup(func() { server.Close(); account.Close() })
	sender := mailer.NewSender(sesv2.New(sesv2.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: aws.AnonymousCredentials{}, Retryer: aws.NopRetryer{},
	}), "no-reply@example.com", "roster")
	message := mailer.Message{Subject: "Join us", Text: "Hello", HTML: "<p>Hello</p>"}
	if _, err := sender.Send(t.Context(), string(item.To), message, item.Tags()); err != nil {
		t.Fatal(err)
	}
	var reports []events.EventBridgeEvent
	for range count {
		var report events.EventBridgeEvent
		if err := json.Unmarshal(<-published, &report); err != nil {
			t.Fatal(err)
		}
		reports = append(reports, report)
	}
	return reports
}

func invitationMail(r *rostertest.Roster, to email.Address, invitation outbox.InvitationRef) outbox.Item {
	return outbox.Item{ID: id.New("out", r.Now()), To: to, Kind: mail.Invitation, Invitation: &invitation}
}

// tagsOf is how SES writes tags in events.
func tagsOf(item outbox.Item) map[string][]string {
	tags := map[string][]string{}
	for name, value := range item.Tags() {
		tags[name] = []string{value}
	}
	return tags
}

// item is what the mail's fate needs of an invitation's item.
type item struct {
	ID         id.Invitation   `dynamodbav:"id"`
	Generation int             `dynamodbav:"generation"`
	Delivery   outbox.Delivery `dynamodbav:"delivery"`
}

func invite(t *testing.T, r *rostertest.Roster, to email.Address, generation int, fate outbox.Delivery) outbox.InvitationRef {
	t.Helper()
	ref := outbox.InvitationRef{
		Organization: id.NewOrganization(r.Now()), ID: id.NewInvitation(r.Now(), string(to)), Generation: generation}
	save(t, r, ref, fate)
	return ref
}

func save(t *testing.T, r *rostertest.Roster, ref outbox.InvitationRef, fate outbox.Delivery) {
	t.Helper()
	err := r.Table.Transact(t.Context(), table.Write{
		Key: table.Invitation(ref.Organization, ref.ID.AddressHash()), Put: item{ref.ID, ref.Generation, fate}})
	if err != nil {
		t.Fatal(err)
	}
}

func delivery(t *testing.T, r *rostertest.Roster, ref outbox.InvitationRef) outbox.Delivery {
	t.Helper()
	var i *item
	if err := r.Table.Get(t.Context(), table.Into(table.Invitation(ref.Organization, ref.ID.AddressHash()), &i)); err != nil {
		t.Fatal(err)
	}
	return i.Delivery
}
