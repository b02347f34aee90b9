// Package offboarding removes members, and hands over what they shared with others:
// the service accounts for which they answer, the open invitations that they sent, the
// organization's connections that they stored, and the teams that nobody else manages.
//
// What is shared is handed over first, each thing in a transaction of its own, and the
// membership ends last: whatever is cut off in between, everything has someone who
// answers for it, and a repeat goes on. What is shared is found by lists that are a
// moment behind. So the member who is removed keeps the name of their successor
// (member.Answering), who answers for what the lists did not show yet; removing them
// once more hands that over too.
package offboarding

import (
	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/apikey"
	"roster/internal/connection"
	"roster/internal/env"
	"roster/internal/invitation"
	"roster/internal/job"
	"roster/internal/member"
	"roster/internal/route"
)

// Service has the use cases of removal.
type Service struct {
	*env.Env
	members     member.Service
	invitations invitation.Service
	connections connection.Service
	keys        apikey.Service
}

func newService(e *env.Env) Service {
	return Service{e, member.Service{Env: e}, invitation.Service{Env: e}, connection.Service{Env: e}, apikey.Service{Env: e}}
}

// Endpoints are the routes by which members are removed.
func Endpoints(e *env.Env) []api.Endpoint {
	s := newService(e)
	return []api.Endpoint{
		api.Handle(route.RemoveMember, access.Member(e), s.RemoveMember),
		api.Handle(route.BulkRemoveMembers, access.Member(e), s.BulkRemove),
		api.Handle(route.RemoveMembersByPost, access.Member(e), s.BulkRemove),
	}
}

// Jobs are the kinds of jobs that remove members.
func Jobs(e *env.Env) []job.Kind { return []job.Kind{newService(e).removing().Kind()} }
