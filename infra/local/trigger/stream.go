// Package trigger invokes Lambda functions the way AWS does without a request:
// for the changes in a DynamoDB stream, and on a schedule.
package trigger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

const (
	// pollInterval is how long a stream without news is left alone. Lambda's
	// is 250 ms.
	pollInterval = 100 * time.Millisecond
	// retryInterval is how long a stream that cannot be read is left alone.
	retryInterval = time.Second

	defaultBatchSize = 100 // as in an event source mapping
	defaultMaxTries  = 10
)

// Stream invokes a function for the records of a DynamoDB stream as Lambda's
// event source mapping does, with bisection and ReportBatchItemFailures: in
// order within a shard, each record at least once.
type Stream struct {
	Client   *dynamodbstreams.Client
	ARN      string // the table's LatestStreamArn
	Function lambda.Handler

	// Filter picks the records that the function sees; nil picks all.
	Filter func(events.DynamoDBEventRecord) bool
	// Checkpoint is the file that keeps the position, so that a new process
	// goes on where the last one was; without one the stream is read from its
	// beginning. "" keeps no position.
	Checkpoint string
	// BatchSize is the most records in one invocation, 100 when zero.
	BatchSize int
	// MaxTries is how often a single record is offered, 10 when zero.
	MaxTries int
	// DeadLetter receives a record that the function refused MaxTries times,
	// and its last error.
	DeadLetter func(ctx context.Context, record events.DynamoDBEventRecord, cause error)

	drained *reader
}

// Loop reads the stream and invokes the function until ctx ends, and returns
// once no invocation is under way. A stream that cannot be read is tried again.
// It fails only when the checkpoint cannot be read or written.
func (s *Stream) Loop(ctx context.Context) error {
	position, err := loadCheckpoint(s.Checkpoint, s.ARN)
	if err != nil {
		return err
	}
	reader := &reader{Stream: s, position: position}
	for {
		news, err := reader.pass(ctx)
		wait := pollInterval
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errCheckpoint):
			return err
		case err != nil:
			slog.WarnContext(ctx, "stream not readable", "stream", s.ARN, "error", err)
			wait = retryInterval
		case news:
			continue
		}
		if sleep(ctx, wait) != nil {
			return nil
		}
	}
}

// Drain reads the stream to where it ends now, and invokes the function for what is
// new since the last Drain.
func (s *Stream) Drain(ctx context.Context) error {
	if s.drained == nil {
		position, err := loadCheckpoint(s.Checkpoint, s.ARN)
		if err != nil {
			return err
		}
		s.drained = &reader{Stream: s, position: position}
	}
	for {
		if news, err := s.drained.pass(ctx); err != nil || !news {
			return err
		}
	}
}

// reader is the state of one Loop, or of all Drains.
type reader struct {
	*Stream
	position checkpoint
	shards   []*shard // open ones, parents first; nil when they must be listed
}

type shard struct {
	id       string
	parent   string
	iterator *string
}

// pass reads one page of every shard that may be read now, and tells whether
// there was anything.
func (r *reader) pass(ctx context.Context) (news bool, err error) {
	if len(r.shards) == 0 {
		if r.shards, err = r.list(ctx); err != nil {
			return false, err
		}
	}
	for _, shard := range r.shards {
		if r.waits(shard) {
			continue
		}
		got, err := r.readPage(ctx, shard)
		if err != nil {
			shard.iterator = nil
			return news, err
		}
		news = news || got
	}
	if slices.ContainsFunc(r.shards, func(s *shard) bool { return r.position.Shards[s.id] == closed }) {
		r.shards = nil
	}
	return news, nil
}

// waits tells whether a shard's parent is still being read: the records of an
// item are in order only if a parent is read to its end before its children.
func (r *reader) waits(s *shard) bool {
	return slices.ContainsFunc(r.shards, func(other *shard) bool {
		return other.id == s.parent && r.position.Shards[other.id] != closed
	})
}

// list returns the stream's shards that have not been read to their end.
func (r *reader) list(ctx context.Context) ([]*shard, error) {
	var open []*shard
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &r.ARN}
	for {
		page, err := r.Client.DescribeStream(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("trigger: %w", err)
		}
		for _, s := range page.StreamDescription.Shards {
			id := aws.ToString(s.ShardId)
			if r.position.Shards[id] != closed {
				open = append(open, &shard{id: id, parent: aws.ToString(s.ParentShardId)})
			}
		}
		in.ExclusiveStartShardId = page.StreamDescription.LastEvaluatedShardId
		if in.ExclusiveStartShardId == nil {
			return open, nil
		}
	}
}

// readPage reads the shard's next records, delivers those that pass the filter,
// and moves the position behind them.
func (r *reader) readPage(ctx context.Context, s *shard) (news bool, err error) {
	if s.iterator == nil {
		if s.iterator, err = r.iterator(ctx, s.id); err != nil {
			return false, err
		}
	}
	page, err := r.Client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{
		ShardIterator: s.iterator,
		Limit:         new(int32(max(r.BatchSize, defaultBatchSize))),
	})
	if err != nil {
		return false, fmt.Errorf("trigger: %w", err)
	}
	var batch []events.DynamoDBEventRecord
	for _, record := range page.Records {
		if e := eventRecord(r.ARN, record); r.Filter == nil || r.Filter(e) {
			batch = append(batch, e)
		}
	}
	for some := range slices.Chunk(batch, cmp.Or(r.BatchSize, defaultBatchSize)) {
		if err := r.deliver(ctx, some); err != nil {
			return false, err
		}
	}
	s.iterator = page.NextShardIterator
	switch {
	case page.NextShardIterator == nil:
		r.position.Shards[s.id] = closed
	case len(page.Records) > 0:
		r.position.Shards[s.id] = aws.ToString(page.Records[len(page.Records)-1].Dynamodb.SequenceNumber)
	default:
		return false, nil
	}
	return true, r.position.save(r.Checkpoint)
}

// iterator is where the shard is to be read next: behind the position, or at
// the oldest record kept when there is none or it is no longer kept.
func (r *reader) iterator(ctx context.Context, id string) (*string, error) {
	in := &dynamodbstreams.GetShardIteratorInput{
		StreamArn:         &r.ARN,
		ShardId:           &id,
		ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	}
	if last, ok := r.position.Shards[id]; ok {
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &last
	}
	out, err := r.Client.GetShardIterator(ctx, in)
	if _, trimmed := errors.AsType[*types.TrimmedDataAccessException](err); trimmed {
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeTrimHorizon, nil
		out, err = r.Client.GetShardIterator(ctx, in)
	}
	if err != nil {
		return nil, fmt.Errorf("trigger: %w", err)
	}
	return out.ShardIterator, nil
}
