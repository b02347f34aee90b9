package notify

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/smithy-go"

	"roster/internal/env"
	"roster/internal/mailer"
	"roster/internal/outbox"
)

// Deliver tries one mail, if no other sender has it: sent or refused for good, its
// item is deleted; else it waits for a later try. Each mail is sent at least once,
// and once only unless the process ends, or the table does not answer, between
// SES's answer and the deletion.
//
// An error means that the try is not written down: the item is as it was, or
// waits for its lease to end.
func (s Service) Deliver(ctx context.Context, item outbox.Item) error {
	item = item.Claimed(s.Now().Add(lease))
	err := s.Table.Transact(ctx, item.Claim())
	if errors.Is(err, outbox.ErrTaken) {
		return nil
	}
	if err != nil {
		return err
	}
	switch err := s.send(ctx, item); {
	case err == nil:
		return s.finish(ctx, item, outbox.Sent)
	case mailer.Permanent(err), s.Now().Sub(item.CreatedAt) > giveUp:
		s.log(ctx, "mail dropped", item, err)
		return s.finish(ctx, item, outbox.Failed)
	default:
		s.log(ctx, "mail postponed", item, err)
		err := s.Table.Transact(ctx, item.Postpone(s.Now().Add(retryAfter(item.Attempts))))
		if errors.Is(err, outbox.ErrTaken) {
			return nil
		}
		return err
	}
}

func (s Service) send(ctx context.Context, item outbox.Item) error {
	ctx, cancel := env.InTime(ctx, reserve)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, sendTime)
	defer cancel()
	m, err := item.Open(ctx, s.Env)
	if err != nil {
		return err
	}
	message, err := mailer.Render(m.Kind, m.Data)
	if err != nil {
		return err
	}
	_, err = s.Mail.Send(ctx, string(m.To), message, item.Tags())
	return err
}

// finish ends an item, and shows its fate on the invitation that it belongs to,
// if that waits for it.
func (s Service) finish(ctx context.Context, item outbox.Item, fate outbox.Delivery) error {
	if item.Invitation == nil {
		return s.Table.Transact(ctx, item.Remove())
	}
	err := s.Table.Transact(ctx, item.Invitation.Mark(fate), item.Remove())
	if errors.Is(err, outbox.ErrSuperseded) {
		return s.Table.Transact(ctx, item.Remove())
	}
	return err
}

// log tells operators about a mail without its address, which messages of SES quote.
func (s Service) log(ctx context.Context, what string, item outbox.Item, err error) {
	cause := err.Error()
	if refusal, ok := errors.AsType[smithy.APIError](err); ok {
		cause = refusal.ErrorCode()
	}
	s.Log.LogAttrs(ctx, slog.LevelWarn, what, slog.String("mail", item.ID),
		slog.String("kind", string(item.Kind)), slog.Int("attempts", item.Attempts), slog.String("cause", cause))
}
