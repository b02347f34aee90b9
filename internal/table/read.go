package table

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Read is one item to get.
type Read struct {
	key  Key
	load func(Item) error
}

// Into reads the item at key to *into; absent, *into is nil.
func Into[T any](key Key, into **T) Read {
	return Read{key, func(item Item) error {
		if item == nil {
			*into = nil
			return nil
		}
		*into = new(T)
		return attributevalue.UnmarshalMap(item, *into)
	}}
}

// Raw reads the item at key to *into as it is held; absent, *into is nil.
func Raw(key Key, into *Item) Read {
	return Read{key, func(item Item) error {
		*into = item
		return nil
	}}
}

// Get reads items, 100 in a round trip, strongly consistent each by itself (not
// together: what must hold together is a condition of the write).
func (t *Table) Get(ctx context.Context, reads ...Read) error {
	if len(reads) == 1 {
		return t.getOne(ctx, reads[0])
	}
	return t.getAll(ctx, true, reads)
}

// GetSettled is Get for half the price: what was written within the last moments
// may be missing.
func (t *Table) GetSettled(ctx context.Context, reads ...Read) error {
	return t.getAll(ctx, false, reads)
}

func (t *Table) getAll(ctx context.Context, consistent bool, reads []Read) error {
	var keys []Item
	asked := make(map[Key]bool, len(reads))
	for _, r := range reads {
		if !asked[r.key] {
			asked[r.key] = true
			keys = append(keys, r.key.item())
		}
	}
	found := make(map[Key]Item, len(keys))
	for batch := range slices.Chunk(keys, batchGetKeys) {
		if err := t.getBatch(ctx, consistent, batch, found); err != nil {
			return err
		}
	}
	for _, r := range reads {
		if err := r.load(found[r.key]); err != nil {
			return err
		}
	}
	return nil
}

// batchGetKeys is how many keys BatchGetItem takes.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
const batchGetKeys = 100

// getBatch adds the items of at most batchGetKeys keys to those found. What
// DynamoDB leaves unprocessed is asked for again.
func (t *Table) getBatch(ctx context.Context, consistent bool, keys []Item, found map[Key]Item) error {
	for attempt := 1; ; attempt++ {
		out, err := t.db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{
				t.name: {Keys: keys, ConsistentRead: &consistent},
			},
			ReturnConsumedCapacity: reporting(ctx),
		})
		if err != nil {
			return outcome("BatchGetItem", err)
		}
		record(ctx, "BatchGetItem", out.ConsumedCapacity...)
		for _, item := range out.Responses[t.name] {
			key, err := Decode[Key](item)
			if err != nil {
				return err
			}
			found[key] = item
		}
		if keys = out.UnprocessedKeys[t.name].Keys; len(keys) == 0 {
			return nil
		}
		if attempt > attempts {
			return &unavailable{"BatchGetItem", errUnprocessed}
		}
		if err := Pause(ctx, attempt); err != nil {
			return outcome("BatchGetItem", err)
		}
	}
}

func (t *Table) getOne(ctx context.Context, r Read) error {
	out, err := t.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:              &t.name,
		Key:                    r.key.item(),
		ConsistentRead:         new(true),
		ReturnConsumedCapacity: reporting(ctx),
	})
	if err != nil {
		return outcome("GetItem", err)
	}
	record(ctx, "GetItem", deref(out.ConsumedCapacity)...)
	return r.load(out.Item)
}

// Query reads a range of one collection, or of one index's. Items come in
// ascending order of their sort key unless Descending.
type Query struct {
	// Index is one of the table's indexes, read eventually consistent; empty is
	// the table itself, read strongly consistent.
	Index string
	PK    string
	// Prefix, or From and To (inclusive, either may be empty), bound the sort key.
	Prefix, From, To string
	// Filter drops items after they are read (and paid for).
	Filter     string
	Values     V
	Descending bool
	// Settled reads the table itself eventually consistent too, for half the price.
	Settled bool
	// Limit is how many items are read at most; 0 is a page of 1 MB.
	Limit int
	// Start is the Next of the page before.
	Start Item
}

// Page is what a Query read; Next is nil at the end.
type Page struct {
	Items []Item
	Next  Item
}

// After is the Start by which the query goes on behind an item that it found.
func (q Query) After(item Item) Item {
	start := Item{"pk": item["pk"], "sk": item["sk"]}
	if q.Index != "" {
		start[q.Index+"_pk"], start[q.Index+"_sk"] = item[q.Index+"_pk"], item[q.Index+"_sk"]
	}
	return start
}

// Query reads one page.
func (t *Table) Query(ctx context.Context, q Query) (Page, error) {
	pk, sk := "pk", "sk"
	if q.Index != "" {
		pk, sk = q.Index+"_pk", q.Index+"_sk"
	}
	v := V{"pk": q.PK}
	condition := "#" + pk + " = :pk"
	switch {
	case q.Prefix != "":
		condition += " AND begins_with(#" + sk + ", :prefix)"
		v["prefix"] = q.Prefix
	case q.From != "" && q.To != "":
		condition += " AND #" + sk + " BETWEEN :from AND :to"
		v["from"], v["to"] = q.From, q.To
	case q.From != "":
		condition += " AND #" + sk + " >= :from"
		v["from"] = q.From
	case q.To != "":
		condition += " AND #" + sk + " <= :to"
		v["to"] = q.To
	}
	maps.Copy(v, q.Values)
	encoded, err := values(v)
	if err != nil {
		return Page{}, err
	}
	in := &dynamodb.QueryInput{
		TableName:                 &t.name,
		KeyConditionExpression:    &condition,
		ExpressionAttributeNames:  names(nil, condition, q.Filter),
		ExpressionAttributeValues: encoded,
		ScanIndexForward:          new(!q.Descending),
		ExclusiveStartKey:         q.Start,
		ReturnConsumedCapacity:    reporting(ctx),
	}
	if q.Index != "" {
		in.IndexName = &q.Index
	} else {
		in.ConsistentRead = new(!q.Settled)
	}
	if q.Filter != "" {
		in.FilterExpression = &q.Filter
	}
	if q.Limit > 0 {
		in.Limit = new(int32(q.Limit))
	}
	out, err := t.db.Query(ctx, in)
	if err != nil {
		return Page{}, outcome("Query", err)
	}
	record(ctx, "Query", deref(out.ConsumedCapacity)...)
	return Page{Items: out.Items, Next: out.LastEvaluatedKey}, nil
}

// QueryAll reads a range to its end.
func (t *Table) QueryAll(ctx context.Context, q Query) ([]Item, error) {
	var all []Item
	for {
		page, err := t.Query(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.Next == nil {
			return all, nil
		}
		q.Start = page.Next
	}
}

// attempts bounds how often a call is repeated after a conflict or for want of
// capacity.
const attempts = 8

// Pause waits before a call is repeated: up to 2^attempt * 10 ms, with full jitter.
func Pause(ctx context.Context, attempt int) error {
	wait := time.Duration(rand.Int64N(int64(10*time.Millisecond) << min(attempt, attempts)))
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}
