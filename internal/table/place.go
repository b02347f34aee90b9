package table

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"
)

const (
	// batchWrites is how many writes BatchWriteItem takes.
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
	batchWrites = 25
	// batchesAtOnce bounds how many batches of one Place are under way.
	batchesAtOnce = 4
)

// Place makes items that have nothing but their keys, and removes others, in no
// order and without conditions. Where it fails, some of it may be done; doing it
// again does the rest.
func (t *Table) Place(ctx context.Context, put, remove []Key) error {
	writes := make([]types.WriteRequest, 0, len(put)+len(remove))
	for _, key := range put {
		writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: key.item()}})
	}
	for _, key := range remove {
		writes = append(writes, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key.item()}})
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(batchesAtOnce)
	for batch := range slices.Chunk(writes, batchWrites) {
		group.Go(func() error { return t.writeBatch(ctx, batch) })
	}
	return group.Wait()
}

// writeBatch makes at most batchWrites writes. What DynamoDB leaves unprocessed is
// written again.
func (t *Table) writeBatch(ctx context.Context, writes []types.WriteRequest) error {
	for attempt := 1; ; attempt++ {
		out, err := t.db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems:           map[string][]types.WriteRequest{t.name: writes},
			ReturnConsumedCapacity: reporting(ctx),
		})
		if err != nil {
			return outcome("BatchWriteItem", err)
		}
		record(ctx, "BatchWriteItem", out.ConsumedCapacity...)
		if writes = out.UnprocessedItems[t.name]; len(writes) == 0 {
			return nil
		}
		if attempt > attempts {
			return &unavailable{"BatchWriteItem", errUnprocessed}
		}
		if err := Pause(ctx, attempt); err != nil {
			return outcome("BatchWriteItem", err)
		}
	}
}
