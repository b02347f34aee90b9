package usage

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/stream"
	"roster/internal/table"
)

// EventList keeps the lists of members' events, from the table's stream. Events lie where
// their ids lead, so that one counts once; a list says which are a member's on a day.
//
// Each call that recorded events has an item in the list of each of the members and days:
// a set of references, so a batch of the stream may come twice, or in any order, and costs
// a write unit for up to some thirty events. It is kept as long as they are.
type EventList struct{ *env.Env }

// listed is an item of a list.
type listed struct {
	SK     string   `dynamodbav:"sk"`
	Events []string `dynamodbav:"events,stringset"`
}

// day is the one of whose events it is, "2026-11-22".
func (l listed) day() string { return l.SK[:min(len(time.DateOnly), len(l.SK))] }

// chunk reports whether it leads to a chunk, of which other members may have events too.
func (l listed) chunk() bool {
	return len(l.Events) == 1 && table.UsageReferenced("", l.Events[0]).UsageChunk()
}

// day is the one in which the event is counted, "2026-11-22".
func (r Record) day() string { return fmt.Sprintf("%s-%02d", r.Month, r.Day) }

// listing are references by the items in which they stand, and until when these are kept.
type listing map[table.Key]*listingOf

type listingOf struct {
	references map[string]bool
	ttl        int64
}

func (l listing) add(org id.Organization, r Record, by string, ttl int64, reference string) {
	key := table.UsageEventsOf(org, r.User, r.day(), r.RecordedAt, by)
	if l[key] == nil {
		l[key] = &listingOf{references: map[string]bool{}, ttl: ttl}
	}
	l[key].references[reference] = true
}

// addItem adds what an item of events holds: one, or a chunk of them.
func (l listing) addItem(key table.Key, item table.Item) error {
	org, reference, ok := key.UsageReference()
	if !ok {
		return nil
	}
	records, ttl, err := recordsIn(key, item)
	if err != nil {
		return err
	}
	for _, r := range records {
		by := reference // a chunk
		if !key.UsageChunk() {
			by = hex.EncodeToString(r.Call)
		}
		l.add(org, r, by, ttl, reference)
	}
	return nil
}

// listingsAtOnce bounds how many items of lists are written at a time.
const listingsAtOnce = 16

func (l EventList) put(ctx context.Context, all listing) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(listingsAtOnce)
	for key, of := range all {
		references := table.Set(slices.Collect(maps.Keys(of.references)))
		group.Go(func() error {
			return l.Table.Transact(ctx, table.Write{
				Key: key, Update: "ADD #events :events SET #ttl = :ttl", Values: table.V{"events": references, "ttl": of.ttl},
			})
		})
	}
	return group.Wait()
}

// Stream lists the events of a batch that are new. One that cannot be read is left out: no
// other list, and no warning, waits for it.
func (l EventList) Stream(ctx context.Context, event events.DynamoDBEvent) error {
	all := listing{}
	for _, record := range event.Records {
		before, after := stream.Images(record)
		if before != nil || after == nil {
			continue
		}
		key := stream.Key(record)
		if err := all.addItem(key, after); err != nil {
			l.Log.ErrorContext(ctx, "usage: an event was not listed", "key", key, "error", err)
		}
	}
	return l.put(ctx, all)
}

// Mend lists those of some events that are not listed, and says how many that were.
func (l EventList) Mend(ctx context.Context, items []table.Item) (missing int, err error) {
	all := listing{}
	for _, item := range items {
		key, err := table.Decode[table.Key](item)
		if err != nil {
			return 0, err
		}
		if err := all.addItem(key, item); err != nil {
			return 0, err
		}
	}
	found := map[table.Key]**listed{}
	var reads []table.Read
	for key := range all {
		found[key] = new(*listed)
		reads = append(reads, table.Into(key, found[key]))
	}
	if err := l.Table.Get(ctx, reads...); err != nil {
		return 0, err
	}
	for key, of := range all {
		if is := *found[key]; is != nil {
			for _, reference := range is.Events {
				delete(of.references, reference)
			}
		}
		if missing += len(of.references); len(of.references) == 0 {
			delete(all, key)
		}
	}
	return missing, l.put(ctx, all)
}
