// Package invitation is the way in by being asked: an administrator offers a
// membership to an address, and its holder accepts.
//
// An invitation has two links. The one that is shown to the inviter may be
// copied and shared, and proves nothing about who opens it. The one that is
// mailed also proves the mailbox. Both are secrets that lead to the invitation
// and are stored as digests only.
package invitation

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
	"roster/internal/outbox"
	"roster/internal/policy"
	"roster/internal/route"
)

// Service has the use cases of invitations.
type Service struct{ *env.Env }

// Endpoints are the routes of invitations, and the proof of an address, which may
// accept one.
func Endpoints(e *env.Env) []api.Endpoint {
	s := Service{e}
	return []api.Endpoint{
		api.Handle(route.RegisterInvite, access.Member(e), s.Invite),
		api.Handle(route.InviteMember, access.Member(e), s.Invite),
		api.Handle(route.BulkInvite, access.Member(e), s.BulkInvite),
		api.Handle(route.ListInvitations, access.Member(e), s.List),
		api.Handle(route.ResendInvitation, access.Member(e), s.Resend),
		api.Handle(route.RevokeInvitation, access.Member(e), s.Revoke),
		api.Handle(route.GetInvitation, api.Anyone, s.Show),
		api.Handle(route.AcceptInvitation, access.PersonIfAny(e), s.Accept),
		api.Handle(route.VerifyEmail, api.Anyone, s.VerifyEmail),
	}
}

var (
	// errNotFound is also the answer to a link that never was one.
	errNotFound = fault.New(fault.NotFound, "invitation_not_found", "There is no such invitation.")
	errGone     = fault.New(fault.Gone, "invitation_gone", "The invitation was revoked, or accepted already.")
	errExpired  = fault.New(fault.Gone, "invitation_expired", "The invitation has expired. Ask for a new one.")
	errOver     = errExpired.WithDetail("The membership that the invitation offers would be over already. Ask for a new one.")
	errNoGrant  = errGone.WithDetail("Whoever sent the invitation may not grant this role any more. Ask for a new one.")
)

// Status of an invitation. Accepted and Revoked are final.
type Status string

const (
	Pending  Status = "pending"
	Accepted Status = "accepted"
	Revoked  Status = "revoked"
	// Expired is a pending invitation whose time is over; it is never stored. The
	// address may be invited again, or the invitation resent.
	Expired Status = "expired"
)

// Invitation is the offer of a membership to an address. There is one item for
// an address and organization: inviting again renews a pending invitation, and
// replaces a settled one.
type Invitation struct {
	Kind         member.Kind     `dynamodbav:"kind"`
	ID           id.Invitation   `dynamodbav:"id"`
	Organization id.Organization `dynamodbav:"organization"`
	Email        email.Address   `dynamodbav:"email"`
	Name         field.Name      `dynamodbav:"name,omitempty"`
	Role         string          `dynamodbav:"role"`
	Status       Status          `dynamodbav:"status"`
	Metadata     member.Metadata `dynamodbav:"metadata,omitempty"`
	Invite       Invite          `dynamodbav:"invite"`
	ExpiresAt    time.Time       `dynamodbav:"expires_at"`
	// Delivery is the fate of the newest mail, and Generation its number.
	Delivery   outbox.Delivery `dynamodbav:"delivery"`
	Generation int             `dynamodbav:"generation"`
	// MailedAt are the times of the mails of the last day, also of those of a
	// settled invitation before this one.
	MailedAt []time.Time `dynamodbav:"mailed_at"`
	// Shown is the digest of the shown link's token; Mailed are those of the
	// newest mails, the latest first.
	Shown  []byte   `dynamodbav:"shown"`
	Mailed [][]byte `dynamodbav:"mailed"`
	// AcceptedBy is who became a member while it was open, by whichever way.
	AcceptedBy id.User   `dynamodbav:"accepted_by,omitempty"`
	CreatedAt  time.Time `dynamodbav:"created_at"`
	UpdatedAt  time.Time `dynamodbav:"updated_at"`
	Version    int       `dynamodbav:"version"`
	// TTL ends a settled invitation.
	TTL int64 `dynamodbav:"ttl,omitempty"`
}

// Invite is what an invitation's row in the lists shows of it besides.
type Invite struct {
	Message field.Text `dynamodbav:"message,omitempty"`
	// By is who answers for the newest mail; ByName what they are called.
	By     id.User       `dynamodbav:"by"`
	ByName string        `dynamodbav:"by_name"`
	Offer  *member.Offer `dynamodbav:"offer,omitempty"`
	// Terms are those to which the newest mail led.
	Terms policy.Terms `dynamodbav:"terms,omitempty"`
}
