// Package jobtest runs jobs in tests.
package jobtest

import (
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"roster/internal/job"
	"roster/internal/rostertest"
	"roster/internal/table"
)

// Drain runs every job to its end, as the schedule does: what was left by a runner
// that ended is taken up when its lease has ended.
func Drain(t testing.TB, r *rostertest.Roster, kinds ...job.Kinds) {
	t.Helper()
	runner := job.NewRunner(r.Env, kinds...)
	for range 100 {
		if err := runner.Sweep(t.Context(), events.EventBridgeEvent{}); err != nil {
			t.Log("sweep:", err)
		}
		if len(Calls(t, r)) == 0 {
			return
		}
		r.Advance(2 * time.Minute)
	}
	t.Fatal("the jobs do not end")
}

// Calls returns the keys of the calls of jobs that are not at their end.
func Calls(t testing.TB, r *rostertest.Roster) []table.Key {
	t.Helper()
	var keys []table.Key
	for shard := range table.JobShards {
		items, err := r.Table.QueryAll(t.Context(), table.Query{PK: table.JobCall(shard, "").PK})
		if err != nil {
			t.Fatal(err)
		}
		found, err := table.DecodeAll[table.Key](items)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, found...)
	}
	return keys
}

// Event is the stream's event of new items.
func Event(keys ...table.Key) events.DynamoDBEvent {
	var e events.DynamoDBEvent
	for _, key := range keys {
		e.Records = append(e.Records, events.DynamoDBEventRecord{
			EventName: "INSERT",
			Change: events.DynamoDBStreamRecord{SequenceNumber: key.SK, Keys: map[string]events.DynamoDBAttributeValue{
				"pk": events.NewStringAttribute(key.PK), "sk": events.NewStringAttribute(key.SK),
			}},
		})
	}
	return e
}
