package notify

import (
	"context"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"roster/internal/env"
	"roster/internal/outbox"
	"roster/internal/stream"
	"roster/internal/table"
)

// Stream delivers the mails that are new in the table. It reports for another try
// those that the table did not let it touch and those for which no time was left.
// A mail that SES did not take is none of them: its item waits for Sweep.
func (s Service) Stream(ctx context.Context, event events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	inTime, cancel := env.InTime(ctx, reserve)
	defer cancel()
	var out events.DynamoDBEventResponse
	for _, record := range event.Records {
		if inTime.Err() == nil && s.deliverRecord(ctx, record) == nil {
			continue
		}
		out.BatchItemFailures = append(out.BatchItemFailures,
			events.DynamoDBBatchItemFailure{ItemIdentifier: record.Change.SequenceNumber})
	}
	return out, nil
}

func (s Service) deliverRecord(ctx context.Context, record events.DynamoDBEventRecord) error {
	key := stream.Key(record)
	if record.EventName != string(events.DynamoDBOperationTypeInsert) || !strings.HasPrefix(key.PK, table.OutboxPrefix) {
		return nil
	}
	item, err := outbox.Get(ctx, s.Table, key)
	switch {
	case err != nil:
		s.Log.ErrorContext(ctx, "outbox: read", "mail", key.SK, "error", err)
		return err
	case item == nil || item.NotBefore.After(s.Now()):
		return nil
	}
	if err := s.Deliver(ctx, *item); err != nil {
		s.Log.ErrorContext(ctx, "outbox: write", "mail", key.SK, "error", err)
		return err
	}
	return nil
}
