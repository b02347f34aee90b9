package mailer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
)

// Sender hands mails to SES.
type Sender struct {
	client           *sesv2.Client
	from             string
	configurationSet string
}

// NewSender sends from the address from, such as "Roster <no-reply@example.com>",
// through a configuration set, whose events tell what became of each mail.
func NewSender(client *sesv2.Client, from, configurationSet string) *Sender {
	return &Sender{client, from, configurationSet}
}

// Send asks SES to mail m to one address, and returns SES's id of it. SES repeats
// the tags in the events about the mail; their names and values are 1 to 256
// ASCII letters, digits, "_" and "-" (SES: MessageTag).
//
// SES knows no idempotency token: after an error that is not Permanent, the mail
// may have been accepted all the same. The error may quote the address, so it
// does not belong in a log.
func (s *Sender) Send(ctx context.Context, to string, m Message, tags map[string]string) (messageID string, err error) {
	sent, err := s.client.SendEmail(ctx, &sesv2.SendEmailInput{
		FromEmailAddress:     &s.from,
		Destination:          &types.Destination{ToAddresses: []string{to}},
		ConfigurationSetName: &s.configurationSet,
		EmailTags:            messageTags(tags),
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: utf8Content(m.Subject),
			Body:    &types.Body{Text: utf8Content(m.Text), Html: utf8Content(m.HTML)},
			// RFC 3834: out-of-office programs do not answer such mail.
			Headers: []types.MessageHeader{{Name: new("Auto-Submitted"), Value: new("auto-generated")}},
		}},
	})
	if err != nil {
		return "", fmt.Errorf("mailer: send: %w", err)
	}
	return aws.ToString(sent.MessageId), nil
}

// Permanent reports whether an error of Render or Send lies in the mail itself,
// its data, content or address, so that a retry would end the same. Everything
// else may pass: throttling, a failing network or service, and what an operator
// repairs, such as a paused account or an unverified domain.
func Permanent(err error) bool {
	if _, rejected := errors.AsType[*types.MessageRejected](err); rejected {
		return true
	}
	if _, invalid := errors.AsType[*types.BadRequestException](err); invalid {
		return true
	}
	return errors.Is(err, errIncomplete)
}

func utf8Content(s string) *types.Content {
	return &types.Content{Data: &s, Charset: new("UTF-8")}
}

func messageTags(tags map[string]string) []types.MessageTag {
	list := make([]types.MessageTag, 0, len(tags))
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.MessageTag{Name: &name, Value: new(tags[name])})
	}
	return list
}
