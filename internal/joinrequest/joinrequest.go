// Package joinrequest is the way in by asking: a person wants to join an
// organization that allows it, and an administrator, or a rule of the
// organization, decides.
//
// A request is the person's member item in status pending; package member holds
// it.
package joinrequest

import (
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/email"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/route"
)

// Service has the use cases of join requests.
type Service struct{ *env.Env }

// Endpoints are the routes of join requests.
func Endpoints(e *env.Env) []api.Endpoint {
	s := Service{e}
	return []api.Endpoint{
		api.Handle(route.RequestToJoin, access.Person(e), s.Request),
		api.Handle(route.ListMyJoinRequests, access.Person(e), s.Mine),
		api.Handle(route.WithdrawJoinRequest, access.Person(e), s.Withdraw),
		api.Handle(route.ListJoinRequests, access.Member(e), s.List),
		api.Handle(route.ApproveJoinRequest, access.Member(e), s.Approve),
		api.Handle(route.RejectJoinRequest, access.Member(e), s.Reject),
	}
}

var (
	errNotFound = fault.New(fault.NotFound, "join_request_not_found", "There is no such join request.")
	errApproved = fault.New(fault.Conflict, "join_request_approved", "The join request was approved already.")
)

// Status of a join request.
type Status string

const (
	Pending   Status = "pending"
	Approved  Status = "approved"
	Rejected  Status = "rejected"
	Withdrawn Status = "withdrawn"
)

// Answer is one join request.
type Answer struct {
	JoinRequest View `json:"join_request"`
}

// View is a join request as the person sees it, and those who decide.
type View struct {
	ID           id.JoinRequest    `json:"id"`
	Status       Status            `json:"status"`
	UserID       id.User           `json:"user_id"`
	Email        email.Address     `json:"email"`
	Name         field.Name        `json:"name"`
	Organization *OrganizationView `json:"organization,omitzero"`
	Message      field.Text        `json:"message"`
	// Role is that of an approved one.
	Role      string    `json:"role,omitzero"`
	CreatedAt time.Time `json:"created_at"`
	// Verified, told to those who decide: the person proved to hold the address.
	Verified *bool `json:"email_verified,omitzero"`
	// Returning, told to those who decide: the person was a member before.
	Returning bool `json:"returning,omitzero"`
}

// OrganizationView is the organization of a join request.
type OrganizationView struct {
	ID            id.Organization `json:"id"`
	Name          field.Name      `json:"name"`
	GuidelinesURL field.URL       `json:"guidelines_url,omitzero"`
	// PolicyURL leads to the organization's policy. Whoever was shown it when they asked,
	// and is let in, has accepted that version.
	PolicyURL     field.URL `json:"policy_url,omitzero"`
	PolicyVersion int       `json:"policy_version,omitzero"`
}

// ended shows a request that was pending in m with its outcome.
func ended(m member.Member, as Status) View {
	return view(m, *m.Request, as)
}

func pending(m member.Member) View { return view(m, *m.Request, Pending) }

func approved(m member.Member) View {
	v := view(m, *m.Granted, Approved)
	v.Role = m.Role
	return v
}

func view(m member.Member, r member.JoinRequest, as Status) View {
	return View{
		ID: r.ID, Status: as, UserID: m.ID, Email: m.Email, Name: m.Name, Message: r.Message, CreatedAt: r.At,
	}
}

func (v View) in(o organization.Organization) View {
	v.Organization = &OrganizationView{o.ID, o.Name, o.GuidelinesURL, o.PolicyURL, o.Terms().Version}
	return v
}
