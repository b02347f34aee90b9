package table

import (
	"context"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Capacity sums the capacity units of the calls made with a context, indexes
// included. Reads and writes of a transaction count at their doubled price.
type Capacity struct {
	mu    sync.Mutex
	calls []Call
}

// Call is one answered call of DynamoDB.
type Call struct {
	Operation string
	// Read and Write are request units.
	Read, Write float64
}

type capacityKey struct{}

// WithCapacity returns a context whose calls are recorded in the Capacity.
func WithCapacity(ctx context.Context) (context.Context, *Capacity) {
	c := new(Capacity)
	return context.WithValue(ctx, capacityKey{}, c), c
}

// Calls returns what was recorded so far.
func (c *Capacity) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// Units returns the sums.
func (c *Capacity) Units() (read, write float64) {
	for _, call := range c.Calls() {
		read += call.Read
		write += call.Write
	}
	return read, write
}

func reporting(ctx context.Context) types.ReturnConsumedCapacity {
	if ctx.Value(capacityKey{}) == nil {
		return types.ReturnConsumedCapacityNone
	}
	return types.ReturnConsumedCapacityIndexes
}

func record(ctx context.Context, operation string, consumed ...types.ConsumedCapacity) {
	c, ok := ctx.Value(capacityKey{}).(*Capacity)
	if !ok {
		return
	}
	call := Call{Operation: operation}
	for _, u := range consumed {
		if u.CapacityUnits == nil {
			continue
		}
		switch operation {
		case "GetItem", "BatchGetItem", "Query":
			call.Read += *u.CapacityUnits
		default:
			call.Write += *u.CapacityUnits
		}
	}
	c.mu.Lock()
	c.calls = append(c.calls, call)
	c.mu.Unlock()
}

func deref(c *types.ConsumedCapacity) []types.ConsumedCapacity {
	if c == nil {
		return nil
	}
	return []types.ConsumedCapacity{*c}
}
