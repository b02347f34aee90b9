// Package audit records every change of an organization, in the transaction that
// makes it: who did what to whom, from where, before and after. One call makes
// one event. It also answers who asks what happened.
package audit

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/id"
	"roster/internal/table"
)

// Actor is who made a change. It holds ids, no addresses: an erased person's
// events stay.
type Actor struct {
	// Kind is "member", "user", "platform" or "system".
	Kind ActorKind `dynamodbav:"kind"`
	ID   string    `dynamodbav:"id,omitempty"`
	// Key is the API key that was used, if one was.
	Key   id.Key `dynamodbav:"key,omitempty"`
	IP    string `dynamodbav:"ip,omitempty"`
	Agent string `dynamodbav:"agent,omitempty"`
}

// ActorKind is what sort of actor one is.
type ActorKind string

// The kinds of actors.
const (
	kindMember   ActorKind = "member"
	kindUser     ActorKind = "user"
	kindPlatform ActorKind = "platform"
	kindSystem   ActorKind = "system"
)

// ActorKinds are all of them.
var ActorKinds = []ActorKind{kindMember, kindUser, kindPlatform, kindSystem}

// Member is a member as the actor.
func Member(a access.Actor) Actor {
	return Actor{Kind: kindMember, ID: string(a.User()), Key: a.Key(), IP: a.Client().IP, Agent: a.Client().Agent}
}

// User is a person as the actor, in their own affairs.
func User(user id.User, from api.Client) Actor {
	return Actor{Kind: kindUser, ID: string(user), IP: from.IP, Agent: from.Agent}
}

// Platform is a platform administrator as the actor.
func Platform(i access.Identity) Actor {
	return Actor{Kind: kindPlatform, ID: string(i.User()), IP: i.Client().IP, Agent: i.Client().Agent}
}

// System is Roster itself.
func System() Actor { return Actor{Kind: kindSystem} }

// Event is one change.
type Event struct {
	Action Action
	Actor  Actor
	// Target is the id of what was changed, and Also those of what changed with it.
	Target string
	Also   []string
	// Before and After hold what changed, by the API's names and as the API shows
	// it. A secret is never among it, nor is its digest.
	Before, After map[string]any
	Reason        string
}

// item is an Event as the table holds it.
type item struct {
	ID     string    `dynamodbav:"id"`
	At     time.Time `dynamodbav:"at"`
	Action Action    `dynamodbav:"action"`
	Actor  Actor     `dynamodbav:"actor"`
	Target string    `dynamodbav:"target"`
	Also   []string  `dynamodbav:"also,omitempty"`
	Before state     `dynamodbav:"before,omitempty"`
	After  state     `dynamodbav:"after,omitempty"`
	Reason string    `dynamodbav:"reason,omitempty"`
	table.Row
}

// state is kept as the text of a JSON object: amounts, times and metadata are in
// it what they are in the API, and numbers of any length are exact.
type state map[string]any

func (s state) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	text, err := json.Marshal(map[string]any(s), json.Deterministic(true))
	return &types.AttributeValueMemberS{Value: string(text)}, err
}

// Record is the Write of an event of an organization.
func Record(now time.Time, org id.Organization, e Event) table.Write {
	event := newID(now)
	return table.Write{
		Key: event.key(org),
		Put: item{
			ID: string(event), At: now, Action: e.Action, Actor: e.Actor, Target: e.Target, Also: e.Also,
			Before: e.Before, After: e.After, Reason: e.Reason, Row: e.row(org, event),
		},
	}
}

// row lists an event under the member whom it concerns, for one write unit.
func (e Event) row(org id.Organization, event eventID) table.Row {
	about := e.concerns()
	if about == "" {
		return table.Row{}
	}
	return table.Row{ListPK: table.AuditAbout(org, about), ListSK: string(event)}
}

// concerns is the member to whom an event happened: themselves, one of their keys
// or requests. Of an invitation that is known once it was accepted.
func (e Event) concerns() id.User {
	if user := memberOf(e.Target); user != "" {
		return user
	}
	for _, also := range e.Also {
		if user := memberOf(also); user != "" {
			return user
		}
	}
	return ""
}

// memberOf is the member whose an id is: their own, a key's or a request's.
func memberOf(what string) id.User {
	var (
		user    id.User
		key     id.Key
		request id.JoinRequest
		limit   id.LimitRequest
	)
	text := []byte(what)
	switch {
	case user.UnmarshalText(text) == nil:
		return user
	case key.UnmarshalText(text) == nil:
		return key.User()
	case request.UnmarshalText(text) == nil:
		return request.User()
	case limit.UnmarshalText(text) == nil:
		return limit.User()
	}
	return ""
}
