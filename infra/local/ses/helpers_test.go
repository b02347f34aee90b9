package ses_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"roster/infra/local/ses"
)

var start = time.Date(2026, 11, 22, 7, 55, 0, 123e6, time.UTC)

const sender = "Roster <roster@acme.com>"

func config(dir string) ses.Config {
	return ses.Config{
		Dir:              dir,
		Identities:       []string{"acme.com", "lone@other.org"},
		ConfigurationSet: "roster",
		Now:              func() time.Time { return start },
	}
}

// open starts a server and a real SESv2 client of it.
func open(t *testing.T, cfg ses.Config) (*ses.Server, *sesv2.Client) {
	t.Helper()
	server, err := ses.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(server.API())
	t.Cleanup(func() {
		endpoint.Close()
		_ = server.Close() // a test may have closed it before
	})
	return server, sesv2.New(sesv2.Options{
		Region:           "us-east-1",
		BaseEndpoint:     &endpoint.URL,
		RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
}

func text(s string) *types.Content { return &types.Content{Data: &s, Charset: new("UTF-8")} }

// mailTo is a mail that SES accepts.
func mailTo(to ...string) *sesv2.SendEmailInput {
	return &sesv2.SendEmailInput{
		FromEmailAddress: new(sender),
		Destination:      &types.Destination{ToAddresses: to},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: text("Grüße"),
			Body:    &types.Body{Text: text("plain"), Html: text("<p>rich</p>")},
		}},
	}
}

func send(t *testing.T, client *sesv2.Client, in *sesv2.SendEmailInput) string {
	t.Helper()
	out, err := client.SendEmail(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return *out.MessageId
}

// event is as much of an EventBridge event as the tests look at.
type event struct {
	ID         string   `json:"id"`
	Source     string   `json:"source"`
	DetailType string   `json:"detail-type"`
	Time       string   `json:"time"`
	Resources  []string `json:"resources"`
	Detail     struct {
		EventType string `json:"eventType"`
		Mail      struct {
			Timestamp   string              `json:"timestamp"`
			MessageID   string              `json:"messageId"`
			Source      string              `json:"source"`
			Destination []string            `json:"destination"`
			Tags        map[string][]string `json:"tags"`
		} `json:"mail"`
		Bounce struct {
			BounceType        string `json:"bounceType"`
			BounceSubType     string `json:"bounceSubType"`
			BouncedRecipients []struct {
				EmailAddress string `json:"emailAddress"`
			} `json:"bouncedRecipients"`
		} `json:"bounce"`
		Complaint struct {
			ComplainedRecipients []struct {
				EmailAddress string `json:"emailAddress"`
			} `json:"complainedRecipients"`
			ComplaintFeedbackType string `json:"complaintFeedbackType"`
		} `json:"complaint"`
		Delivery struct {
			Recipients []string `json:"recipients"`
		} `json:"delivery"`
	} `json:"detail"`
}

// collect makes cfg publish into a channel.
func collect(cfg *ses.Config) <-chan event {
	events := make(chan event, 100)
	cfg.Publish = func(ctx context.Context, data []byte) error {
		var e event
		if err := json.Unmarshal(data, &e); err != nil {
			return err
		}
		events <- e
		return nil
	}
	return events
}

func next(t *testing.T, events <-chan event) event {
	t.Helper()
	select {
	case e := <-events:
		return e
	case <-t.Context().Done():
		t.Fatal("no event")
		return event{}
	}
}

func code(err error) string {
	if apiErr, ok := errors.AsType[interface {
		error
		ErrorCode() string
	}](err); ok {
		return apiErr.ErrorCode()
	}
	return ""
}
