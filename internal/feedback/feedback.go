// Package feedback shows on an invitation what SES reports about its mail.
package feedback

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"roster/internal/env"
	"roster/internal/outbox"
)

// Service takes SES's reports.
type Service struct{ *env.Env }

// report is what counts of an event of SES
// (https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html).
type report struct {
	EventType string `json:"eventType"`
	Mail      struct {
		Tags map[string][]string `json:"tags"`
	} `json:"mail"`
	Bounce struct {
		Type    string `json:"bounceType"`
		SubType string `json:"bounceSubType"`
	} `json:"bounce"`
}

// Handle takes one event, as EventBridge passes it on: perhaps more than once,
// and in any order. Events about other mails than invitations change nothing.
func (s Service) Handle(ctx context.Context, event events.EventBridgeEvent) error {
	var r report
	if err := json.Unmarshal(event.Detail, &r); err != nil {
		return fmt.Errorf("feedback: event %s: %w", event.ID, err)
	}
	fate, ok := r.fate()
	if !ok {
		return nil
	}
	invitation, ok := outbox.InvitationOf(r.Mail.Tags)
	if !ok {
		return nil
	}
	err := s.Table.Transact(ctx, invitation.Mark(fate))
	if errors.Is(err, outbox.ErrSuperseded) {
		return nil
	}
	return err
}

// fate is what an event says of its mail; false for one that says nothing final.
func (r report) fate() (outbox.Delivery, bool) {
	switch r.EventType {
	case "Delivery":
		return outbox.Delivered, true
	case "Bounce":
		// An out-of-office answer is reported as such a bounce too.
		return outbox.Bounced, r.Bounce.Type != "Transient" || r.Bounce.SubType != "General"
	case "Complaint":
		return outbox.Complained, true
	case "Reject":
		return outbox.Failed, true
	}
	return "", false
}
