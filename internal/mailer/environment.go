package mailer

import (
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"roster/internal/boot"
)

// FromEnvironment returns the sender of a deployment:
//
//	ROSTER_MAIL_FROM               the address from which mails come
//	ROSTER_MAIL_CONFIGURATION_SET  whose events tell what became of them
//	SES_ENDPOINT                   another endpoint than the region's
func FromEnvironment() *Sender {
	return NewSender(Client(), boot.Required("ROSTER_MAIL_FROM"), os.Getenv("ROSTER_MAIL_CONFIGURATION_SET"))
}

// Client is the client of SES, from the environment and then the options. It
// tries once: SES knows no idempotency token, and the outbox repeats by itself.
func Client(options ...func(*sesv2.Options)) *sesv2.Client {
	return sesv2.New(sesv2.Options{
		Region: os.Getenv("AWS_REGION"), Credentials: boot.Credentials, HTTPClient: boot.HTTPClient(),
		BaseEndpoint: boot.Endpoint("SES_ENDPOINT"), Retryer: aws.NopRetryer{},
	}, options...)
}
