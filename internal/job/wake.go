package job

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"roster/internal/table"
)

// jobsAtOnce is how many jobs one function works on side by side.
const jobsAtOnce = 4

// Stream runs the jobs whose calls are new in the table. It reports for another
// try those that the table did not let it run; Sweep finds them too.
func (r Runner) Stream(ctx context.Context, event events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	errs := make([]error, len(event.Records))
	var group errgroup.Group
	group.SetLimit(jobsAtOnce)
	for i, record := range event.Records {
		group.Go(func() error {
			errs[i] = r.runRecord(ctx, record)
			return nil
		})
	}
	_ = group.Wait()
	var out events.DynamoDBEventResponse
	for i, err := range errs {
		if err != nil {
			r.Log.ErrorContext(ctx, "job: run", "call", keyOf(event.Records[i]).SK, "error", err)
			out.BatchItemFailures = append(out.BatchItemFailures,
				events.DynamoDBBatchItemFailure{ItemIdentifier: event.Records[i].Change.SequenceNumber})
		}
	}
	return out, nil
}

func (r Runner) runRecord(ctx context.Context, record events.DynamoDBEventRecord) error {
	key := keyOf(record)
	if record.EventName != string(events.DynamoDBOperationTypeInsert) || !strings.HasPrefix(key.PK, table.JobCallPrefix) {
		return nil
	}
	var c *call
	if err := r.Table.Get(ctx, table.Into(key, &c)); err != nil || c == nil {
		return err
	}
	return r.Run(ctx, *c)
}

// keyOf reads a record's key; it is empty for a key of another table.
func keyOf(record events.DynamoDBEventRecord) table.Key {
	pk, sk := record.Change.Keys["pk"], record.Change.Keys["sk"]
	if pk.DataType() != events.DataTypeString || sk.DataType() != events.DataTypeString {
		return table.Key{}
	}
	return table.Key{PK: pk.String(), SK: sk.String()}
}

// Sweep runs the jobs that nobody works on: those whose runner was cut off, and
// those whose call the stream lost. It begins none when its time is nearly over.
func (r Runner) Sweep(ctx context.Context, _ events.EventBridgeEvent) error {
	inTime, cancel := working(ctx)
	defer cancel()
	calls, err := r.calls(ctx)
	if err != nil {
		return err
	}
	errs := make([]error, len(calls))
	var group errgroup.Group
	group.SetLimit(jobsAtOnce)
	for i, c := range calls {
		group.Go(func() error {
			if inTime.Err() == nil {
				errs[i] = r.takeUp(ctx, c)
			}
			return nil
		})
	}
	_ = group.Wait()
	return errors.Join(errs...)
}

// calls returns every call that no runner has, in no order.
func (r Runner) calls(ctx context.Context) ([]call, error) {
	var all []call
	for _, shard := range rand.Perm(table.JobShards) {
		items, err := r.Table.QueryAll(ctx, table.Query{PK: table.JobCall(shard, "").PK})
		if err != nil {
			return nil, err
		}
		calls, err := table.DecodeAll[call](items)
		if err != nil {
			return nil, err
		}
		all = append(all, calls...)
	}
	return slices.DeleteFunc(all, func(c call) bool { return c.Until.After(r.Now()) }), nil
}
