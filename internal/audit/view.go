package audit

import (
	"context"
	"time"

	"roster/internal/id"
	"roster/internal/table"
)

// View is an event as it is shown.
type View struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Action Action    `json:"action"`
	Actor  ActorView `json:"actor"`
	// Target is the id of what was changed, or the name of a role, and Also are those
	// of what changed with it.
	Target string   `json:"target"`
	Also   []string `json:"also,omitzero"`
	// About is the member whom it befell, where it is one.
	About *PersonView `json:"about,omitzero"`
	// Before and After are what changed, by the names that the API has for it.
	Before State `json:"before,omitzero"`
	After  State `json:"after,omitzero"`
	// Reason is what whoever did it said.
	Reason string `json:"reason,omitzero"`
}

// ActorView is who made a change, and from where: a member, a person in their own
// affairs (user), who runs the deployment (platform), or Roster itself (system).
type ActorView struct {
	Kind ActorKind `json:"kind"`
	ID   id.User   `json:"id,omitzero"`
	// Email and Name are as they are now known in the organization.
	Email string `json:"email,omitzero"`
	Name  string `json:"name,omitzero"`
	// Key is the API key that was used, if one was.
	Key   id.Key `json:"key_id,omitzero"`
	IP    string `json:"ip,omitzero"`
	Agent string `json:"agent,omitzero"`
}

// PersonView is a member as they are now known.
type PersonView struct {
	ID    id.User `json:"user_id"`
	Email string  `json:"email,omitzero"`
	Name  string  `json:"name,omitzero"`
}

// State is the text of a JSON object; empty where there is none.
type State string

// MarshalJSON writes the object.
func (s State) MarshalJSON() ([]byte, error) { return []byte(s), nil }

// known is what is read of members to name them.
type known struct {
	Email string `dynamodbav:"email"`
	Name  string `dynamodbav:"name"`
}

// views shows events, with the names of people as they are now.
func (s Service) views(ctx context.Context, org id.Organization, events []event) ([]View, error) {
	people, err := s.people(ctx, org, events)
	if err != nil {
		return nil, err
	}
	all := make([]View, len(events))
	for i, e := range events {
		all[i] = View{
			ID: string(e.ID), At: e.At, Action: e.Action, Target: e.Target, Also: e.Also, Before: e.Before, After: e.After, Reason: e.Reason,
			Actor: ActorView{Kind: e.Actor.Kind, ID: id.User(e.Actor.ID), Key: e.Actor.Key, IP: e.Actor.IP, Agent: e.Actor.Agent},
		}
		actor := &all[i].Actor
		if actor.Kind == kindPlatform { // those who run the deployment are not the organization's to watch
			actor.IP, actor.Agent = "", ""
		} else if p := people[actor.ID]; p != nil {
			actor.Email, actor.Name = p.Email, p.Name
		}
		if user := e.concerns(); user != "" {
			all[i].About = &PersonView{ID: user}
			if p := people[user]; p != nil {
				all[i].About.Email, all[i].About.Name = p.Email, p.Name
			}
		}
	}
	return all, nil
}

// people are the members whom events name.
func (s Service) people(ctx context.Context, org id.Organization, events []event) (map[id.User]*known, error) {
	found := map[id.User]**known{}
	var reads []table.Read
	for _, e := range events {
		for _, user := range []id.User{id.User(e.Actor.ID), e.concerns()} {
			if user != "" && found[user] == nil {
				found[user] = new(*known)
				reads = append(reads, table.Into(table.Member(org, user), found[user]))
			}
		}
	}
	if len(reads) == 0 {
		return nil, nil
	}
	if err := s.Table.GetSettled(ctx, reads...); err != nil {
		return nil, err
	}
	people := make(map[id.User]*known, len(found))
	for user, p := range found {
		people[user] = *p
	}
	return people, nil
}

// concerns is that of the Event.
func (e event) concerns() id.User { return Event{Target: e.Target, Also: e.Also}.concerns() }
