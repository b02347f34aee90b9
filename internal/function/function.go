// Package function lists every Lambda function once, with what it needs: the CDK
// app and the local stack are made from this list. Which HTTP routes a function
// serves is said in package route.
package function

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"roster/internal/stream"
	"roster/internal/table"
)

// Trigger is what invokes a function.
type Trigger int

const (
	// HTTP: API Gateway, for the routes that name the function.
	HTTP Trigger = iota
	// Stream: the table's stream, for the records that the function's Feed names.
	Stream
	// Schedule: EventBridge Scheduler, at every Interval.
	Schedule
	// Operator: a person who runs the deployment, by hand.
	Operator
	// MailEvents: what SES reports about sent mails, through EventBridge.
	MailEvents
)

// Function is one Lambda: a folder of functions/.
type Function struct {
	Name     string
	Trigger  Trigger
	Interval time.Duration
	// Feed is what a function of the stream gets.
	Feed Feed
	// Longest is how long it may run, where that is not what its trigger says.
	Longest time.Duration
	// Memory in MB. Lambda gives CPU in proportion: 1,769 MB are one vCPU.
	Memory int
	// ReadsOnly functions may not write to the table.
	ReadsOnly bool
	// NoTable functions do not use the table at all.
	NoTable bool
	// Places functions may write to the table in batches (table.Place).
	Places bool
	// SendsMail functions may call SES.
	SendsMail bool
	// Seals functions may encrypt credentials; none may decrypt them.
	Seals bool
	// WritesFiles functions may write files, and ReadsFiles ones make links to them.
	WritesFiles, ReadsFiles bool
	// SetsUp functions may read the set-up token.
	SetsUp bool
}

// Feed is what a function gets of the table's stream, and how.
type Feed struct {
	// Records are those that one of these picks.
	Records []Records
	// Batch is how many records are handed over at once; the first waits for the
	// others no longer than Window, in whole seconds.
	Batch  int
	Window time.Duration
	// Parallel is how many batches are handed over at once from one shard of the
	// stream, 1 to 10; 1 where it is zero. Changes of one partition key stay in order.
	Parallel int
	// Retries is how often a record that fails is handed over again, and MaxAge how
	// long: then it goes to the dead-letter queue.
	Retries int
	MaxAge  time.Duration
}

// Records picks records by how the keys of their items begin.
type Records struct {
	PK, SK string
	// New picks those of new items alone.
	New bool
}

// Picks reports whether the function gets a record.
func (f Feed) Picks(record events.DynamoDBEventRecord) bool {
	key := stream.Key(record)
	return slices.ContainsFunc(f.Records, func(r Records) bool {
		return strings.HasPrefix(key.PK, r.PK) && strings.HasPrefix(key.SK, r.SK) &&
			(!r.New || record.EventName == string(events.DynamoDBOperationTypeInsert))
	})
}

// All is every function. Those that check passwords get the CPU for it.
var All = []Function{
	{Name: "accounts", Memory: 1024, SetsUp: true},
	{Name: "organizations", Memory: 512},
	{Name: "invite", Memory: 512},
	{Name: "accept", Memory: 1024},
	{Name: "join", Memory: 512},
	{Name: "approve", Memory: 512},
	{Name: "members", Memory: 512},
	{Name: "suspend", Memory: 512},
	{Name: "roles", Memory: 512},
	{Name: "jobs", Memory: 512, ReadsOnly: true, ReadsFiles: true},
	{Name: "teams", Memory: 512},
	{Name: "keys", Memory: 512},
	{Name: "connections", Memory: 512, Seals: true},
	{Name: "limits", Memory: 512},
	{Name: "authorize", Memory: 512},
	{Name: "meter", Memory: 512},
	{Name: "usage", Memory: 1769, ReadsOnly: true},
	{Name: "export", Memory: 1769},
	{Name: "audit", Memory: 512, ReadsOnly: true},
	{Name: "billing", Memory: 1024},
	{Name: "console", Memory: 256, NoTable: true},
	{Name: "notify", Trigger: Stream, Memory: 512, SendsMail: true, Feed: Feed{
		Records: []Records{{PK: table.OutboxPrefix, New: true}},
		Batch:   10, Retries: 3, MaxAge: time.Hour, // sweep-outbox sends the rest
	}},
	{Name: "arrange", Trigger: Stream, Memory: 512, Places: true, Feed: Feed{
		Records: []Records{{PK: table.MemberPrefix}, {PK: table.InvitationPrefix}, {PK: table.UserPrefix, SK: table.SessionPrefix}, {PK: table.UsageEventPrefix, New: true}},
		Batch:   100, Window: time.Second, Retries: 50, MaxAge: 12 * time.Hour, // what is lost, rearrange has to find
	}},
	{Name: "sweep-outbox", Trigger: Schedule, Interval: time.Minute, Memory: 512, SendsMail: true},
	{Name: "run-jobs", Trigger: Stream, Longest: 15 * time.Minute, Memory: 1769, WritesFiles: true, Feed: Feed{
		Records: []Records{{PK: table.JobCallPrefix, New: true}},
		Batch:   1, Parallel: 10, Retries: 3, MaxAge: time.Hour, // sweep-jobs takes up the rest
	}},
	{Name: "sweep-jobs", Trigger: Schedule, Interval: time.Minute, Memory: 1769, WritesFiles: true},
	{Name: "sweep-usage", Trigger: Schedule, Interval: time.Minute, Memory: 512},
	{Name: "reconcile", Trigger: Schedule, Interval: 30 * time.Minute, Memory: 1769},
	{Name: "close-statements", Trigger: Schedule, Interval: 10 * time.Minute, Memory: 1024},
	{Name: "delete-organizations", Trigger: Schedule, Interval: time.Minute, Memory: 512},
	{Name: "expire", Trigger: Schedule, Interval: time.Minute, Memory: 512},
	{Name: "check-limits", Trigger: Schedule, Interval: 5 * time.Minute, Memory: 512},
	{Name: "rearrange", Trigger: Operator, Memory: 512, Places: true},
	{Name: "mail-feedback", Trigger: MailEvents, Memory: 256},
}

// Of returns the function of that name. It panics on an unknown one: a programming error.
func Of(name string) Function {
	for _, f := range All {
		if f.Name == name {
			return f
		}
	}
	panic("function: no function " + name)
}
