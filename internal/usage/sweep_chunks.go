package usage

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"roster/internal/id"
	"roster/internal/table"
)

// stuckAfter is how long a chunk is being counted before a sweep takes it up.
const stuckAfter = time.Minute

// Sweep counts the chunks whose counting was cut off, and whose source does not send them
// again. It runs on a schedule; its cost is proportional to how many there are.
func (m Meter) Sweep(ctx context.Context, _ events.EventBridgeEvent) error {
	var errs []error
	for shard := range pendingShards {
		items, err := m.Table.QueryAll(ctx, table.Query{Index: table.StateIndex, PK: pendingPartition(shard)})
		if err != nil {
			return err
		}
		for _, item := range items {
			key, err := table.Decode[table.Key](item)
			if err != nil {
				return err
			}
			if org, source, ok := key.UsageSource(); ok {
				errs = append(errs, m.resume(ctx, org, Source(source)))
			}
		}
	}
	return errors.Join(errs...)
}

// resume counts what is stuck of a source.
func (m Meter) resume(ctx context.Context, org id.Organization, source Source) error {
	at, _, err := readSource(ctx, m.Table, org, watermark{source: source})
	if err != nil || at.Pending == 0 || m.Now().Sub(at.Since) < stuckAfter {
		return err
	}
	w := watermark{source, at.Pending}
	_, stored, err := readSource(ctx, m.Table, org, w)
	if err != nil {
		return err
	}
	if stored == nil { // it was cut off before there was anything to count
		err := m.Table.Transact(ctx, withdraw(org, w, at.Since))
		if errors.Is(err, table.ErrChanged) {
			return nil
		}
		return err
	}
	p, err := stored.portion()
	if err != nil {
		return err
	}
	return m.count(ctx, org, w, p, nil)
}

// pendingShards is over how many partitions the list of sources is spread whose chunk is
// being counted.
const pendingShards = 16

func pendingPartition(shard int) string { return fmt.Sprintf("UP#%x", shard) }

// pendingEntry is where a source is in the list.
func pendingEntry(source table.Key) (partition, entry string) {
	entry = source.PK + "#" + source.SK
	h := fnv.New32a()
	h.Write([]byte(entry))
	return pendingPartition(int(h.Sum32() % pendingShards)), entry
}
