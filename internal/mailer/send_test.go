package mailer_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/google/go-cmp/cmp"

	"roster/internal/mailer"
)

func TestSend(t *testing.T) {
	t.Parallel()
	var method, path string
	var body []byte
	sender := senderTo(t, func(w http.ResponseWriter, r *http.Request) {
		method, path = r.Method, r.URL.Path
		body, _ = io.ReadAll(r.Body)
		io.WriteString(w, `{"MessageId":"0100-ses-id"}`)
	})

	message := mailer.Message{Subject: "Grüße", Text: "Hello,\n", HTML: "<p>Hello</p>"}
	id, err := sender.Send(t.Context(), "ada@acme.example", message, map[string]string{"outbox": "evt_1", "kind": "welcome"})
	if err != nil {
		t.Fatal(err)
	}
	if id != "0100-ses-id" {
		t.Errorf("got message id %q", id)
	}
	if method != http.MethodPost || path != "/v2/email/outbound-emails" {
		t.Errorf("got %s %s", method, path)
	}
	const want = `{
		"FromEmailAddress": "Roster <no-reply@example.com>",
		"Destination": {"ToAddresses": ["ada@acme.example"]},
		"ConfigurationSetName": "roster",
		"EmailTags": [{"Name": "kind", "Value": "welcome"}, {"Name": "outbox", "Value": "evt_1"}],
		"Content": {"Simple": {
			"Subject": {"Data": "Grüße", "Charset": "UTF-8"},
			"Body": {
				"Text": {"Data": "Hello,\n", "Charset": "UTF-8"},
				"Html": {"Data": "<p>Hello</p>", "Charset": "UTF-8"}
			},
			"Headers": [{"Name": "Auto-Submitted", "Value": "auto-generated"}]
		}}
	}`
	if diff := cmp.Diff(parseJSON(t, want), parseJSON(t, string(body))); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

// Types and status numbers are those of SES (API reference, SendEmail: Errors).
func TestPermanent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status    int
		errorType string
		permanent bool
	}{
		{400, "BadRequestException", true},
		{400, "MessageRejected", true},
		{400, "LimitExceededException", false},
		{400, "AccountSuspendedException", false},
		{400, "SendingPausedException", false},
		{400, "MailFromDomainNotVerifiedException", false},
		{403, "AccessDeniedException", false},
		{404, "NotFoundException", false},
		{429, "TooManyRequestsException", false},
		{500, "InternalFailure", false},
		{503, "", false},
	} {
		sender := senderTo(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amzn-ErrorType", test.errorType)
			w.WriteHeader(test.status)
			io.WriteString(w, `{"message":"no"}`)
		})
		id, err := sender.Send(t.Context(), "ada@acme.example", mailer.Message{Subject: "s"}, nil)
		if err == nil || id != "" {
			t.Errorf("%d %s: sent as %q", test.status, test.errorType, id)
		}
		if got := mailer.Permanent(err); got != test.permanent {
			t.Errorf("%d %s: permanent is %t, want %t: %v", test.status, test.errorType, got, test.permanent, err)
		}
	}
}

func TestNetworkFailureIsTemporary(t *testing.T) {
	t.Parallel()
	sender := senderTo(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := sender.Send(t.Context(), "ada@acme.example", mailer.Message{}, nil)
	if err == nil || mailer.Permanent(err) {
		t.Errorf("connection cut: got %v, want a temporary error", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = sender.Send(ctx, "ada@acme.example", mailer.Message{}, nil)
	if !errors.Is(err, context.Canceled) || mailer.Permanent(err) {
		t.Errorf("cancelled: got %v, want a temporary context.Canceled", err)
	}
	if mailer.Permanent(nil) {
		t.Error("no error is permanent")
	}
}

// senderTo sends once, by the SDK's own client, to a server with the handler.
func senderTo(t *testing.T, handler http.HandlerFunc) *mailer.Sender {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client := sesv2.New(sesv2.Options{
		Region:       "eu-central-1",
		BaseEndpoint: &server.URL,
		Credentials:  aws.AnonymousCredentials{},
		Retryer:      aws.NopRetryer{},
	})
	return mailer.NewSender(client, "Roster <no-reply@example.com>", "roster")
}

func parseJSON(t *testing.T, s string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
