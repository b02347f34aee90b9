// Package audit records every change, in the transaction that makes it: who did
// what to whom, from where, before and after.
package audit

import (
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/id"
	"roster/internal/table"
)

// Actor is who made a change. It holds ids, no addresses: an erased person's
// events stay.
type Actor struct {
	// Kind is "member", "user" or "system".
	Kind string `dynamodbav:"kind"`
	ID   string `dynamodbav:"id,omitempty"`
	// Key is the API key that was used, if one was.
	Key   id.Key `dynamodbav:"key,omitempty"`
	IP    string `dynamodbav:"ip,omitempty"`
	Agent string `dynamodbav:"agent,omitempty"`
}

// Member is a member as the actor.
func Member(a access.Actor) Actor {
	return Actor{Kind: "member", ID: string(a.User()), Key: a.Key(), IP: a.Client().IP, Agent: a.Client().Agent}
}

// User is a person as the actor, in their own affairs.
func User(user id.User, from api.Client) Actor {
	return Actor{Kind: "user", ID: string(user), IP: from.IP, Agent: from.Agent}
}

// System is Roster itself.
func System() Actor { return Actor{Kind: "system"} }

// Event is one change.
type Event struct {
	// Action is noun.verb, in the past: "member.suspended".
	Action string `dynamodbav:"action"`
	Actor  Actor  `dynamodbav:"actor"`
	// Target is the id of what was changed.
	Target string `dynamodbav:"target"`
	// Before and After hold what changed, by the API's names.
	Before map[string]any `dynamodbav:"before,omitempty"`
	After  map[string]any `dynamodbav:"after,omitempty"`
	Reason string         `dynamodbav:"reason,omitempty"`
}

type item struct {
	Event
	ID string    `dynamodbav:"id"`
	At time.Time `dynamodbav:"at"`
}

// Record is the Write of an event of an organization.
func Record(now time.Time, org id.Organization, e Event) table.Write {
	event := id.New("aud", now)
	return table.Write{
		Key: table.AuditEvent(org, now.UTC().Format("2006-01"), event),
		Put: item{e, event, now},
	}
}
