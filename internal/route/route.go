// Package route lists every HTTP route of Roster once. API Gateway, the local
// server, the OpenAPI document, the permission check and the tests are all made
// from this list.
package route

import (
	"net/http"
	"slices"
	"strings"

	"roster/internal/permission"
)

// ID names a route; it is the OpenAPI operationId.
type ID string

// Access is who may call a route.
type Access int

const (
	// Public needs no credential.
	Public Access = iota
	// Account needs an access token; it may belong to no organization yet.
	Account
	// Member needs an access token or API key of an active member who has one
	// of the route's permissions (any member, where it names none).
	Member
	// Platform needs an access token of a platform administrator.
	Platform
)

// Route is one method and path.
type Route struct {
	ID ID
	// Key has API Gateway's form and net/http's: "POST /auth/login".
	Key string
	// Function is the Lambda that serves it: a folder of functions/.
	Function string
	Access   Access
	// Permissions: the caller needs one of them. A use case may ask for more,
	// depending on the body.
	Permissions []permission.Permission
	// Status is that of a success; 200 where it is zero.
	Status  int
	Summary string
}

// Default is the route key of what no route matches.
const Default = "$default"

// Method returns the HTTP method.
func (r Route) Method() string {
	method, _, _ := strings.Cut(r.Key, " ")
	return method
}

// Path returns the path with its {parameters}.
func (r Route) Path() string {
	_, path, _ := strings.Cut(r.Key, " ")
	return path
}

// Parameters returns the names of the path's parameters.
func (r Route) Parameters() []string {
	var names []string
	for part := range strings.SplitSeq(r.Path(), "/") {
		if strings.HasPrefix(part, "{") {
			names = append(names, strings.Trim(part, "{}"))
		}
	}
	return names
}

// Mutates reports whether a call may change something. POST /v1/authorize only asks.
func (r Route) Mutates() bool { return r.Method() != http.MethodGet && r.ID != Authorize }

// Repeats reports whether a call with an Idempotency-Key that was answered before
// is answered likewise. Refreshing is left out: a used refresh token must stay
// one.
func (r Route) Repeats() bool { return r.Mutates() && r.ID != Refresh }

// WhileDeleting reports whether an owner may call the route in an organization that
// is being deleted: to see what it holds, and to restore it.
func (r Route) WhileDeleting() bool {
	return !r.Mutates() || r.ID == DeleteOrganization || r.ID == RestoreOrganization
}

// Demand is something that an organization may require of each person before they do
// anything in it.
type Demand string

const (
	TwoFactor        Demand = "two_factor"
	PolicyAcceptance Demand = "policy_acceptance"
)

// before are the routes of members that may be called before a demand is met; all
// others are closed: to hear what is asked, to do it, and to leave. Setting up
// two-factor authentication is a matter of accounts, in no organization. The policy is
// accepted where two-factor authentication lacks too, so that either may come first;
// and what is being deleted is restored first, since nothing is accepted in it.
var before = map[ID][]Demand{
	GetSecurity:         {TwoFactor, PolicyAcceptance},
	LeaveOrganization:   {TwoFactor, PolicyAcceptance},
	AcceptPolicy:        {TwoFactor, PolicyAcceptance},
	GetOrganization:     {PolicyAcceptance},
	RestoreOrganization: {PolicyAcceptance},
}

// Before reports whether a member may call the route who does not meet a demand yet.
func (r Route) Before(d Demand) bool { return slices.Contains(before[r.ID], d) }

// Of returns the route of that id. It panics on an unknown one: a programming error.
func Of(id ID) Route {
	for _, r := range All {
		if r.ID == id {
			return r
		}
	}
	panic("route: no route " + string(id))
}
