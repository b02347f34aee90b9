// Package function lists every Lambda function once, with what it needs: the CDK
// app and the local stack are made from this list. Which HTTP routes a function
// serves is said in package route.
package function

import "time"

// Trigger is what invokes a function.
type Trigger int

const (
	// HTTP: API Gateway, for the routes that name the function.
	HTTP Trigger = iota
	// Outbox: the table's stream, for new items of the outbox.
	Outbox
	// Jobs: the table's stream, for new calls of jobs.
	Jobs
	// Schedule: EventBridge Scheduler, at every Interval.
	Schedule
	// MailEvents: what SES reports about sent mails, through EventBridge.
	MailEvents
)

// Function is one Lambda: a folder of functions/.
type Function struct {
	Name     string
	Trigger  Trigger
	Interval time.Duration
	// Memory in MB. Lambda gives CPU in proportion: 1,769 MB are one vCPU.
	Memory int
	// ReadsOnly functions may not write to the table.
	ReadsOnly bool
	// NoTable functions do not use the table at all.
	NoTable bool
	// SendsMail functions may call SES.
	SendsMail bool
	// Seals functions may encrypt credentials; none may decrypt them.
	Seals bool
	// SetsUp functions may read the set-up token.
	SetsUp bool
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
	{Name: "jobs", Memory: 512, ReadsOnly: true},
	{Name: "keys", Memory: 512},
	{Name: "connections", Memory: 512, Seals: true},
	{Name: "authorize", Memory: 512},
	{Name: "meter", Memory: 512},
	{Name: "usage", Memory: 512, ReadsOnly: true},
	{Name: "console", Memory: 256, NoTable: true},
	{Name: "notify", Trigger: Outbox, Memory: 512, SendsMail: true},
	{Name: "sweep-outbox", Trigger: Schedule, Interval: time.Minute, Memory: 512, SendsMail: true},
	{Name: "run-jobs", Trigger: Jobs, Memory: 512},
	{Name: "sweep-jobs", Trigger: Schedule, Interval: time.Minute, Memory: 512},
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
