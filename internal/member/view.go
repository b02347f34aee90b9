package member

import (
	"time"

	"roster/internal/email"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/spending"
)

// Row is a member as lists and answers show it. Whoever waits to become one has
// no UserID, and is acted on by InvitationID or RequestID.
type Row struct {
	UserID       *id.User       `json:"user_id"`
	InvitationID id.Invitation  `json:"invitation_id,omitzero"`
	RequestID    id.JoinRequest `json:"request_id,omitzero"`
	// Email is empty for service accounts.
	Email    email.Address `json:"email"`
	Name     field.Name    `json:"name"`
	Alias    field.Label   `json:"alias"`
	Role     string        `json:"role"`
	Status   Status        `json:"status"`
	Kind     Kind          `json:"kind"`
	Metadata Metadata      `json:"metadata"`
	// Suspension is why and since when a suspended member is.
	Suspension *SuspensionView `json:"suspension,omitzero"`
	// Keys is how many API keys there are.
	Keys int `json:"keys"`
	// Limits are those that bind the member; told of one member, not in lists.
	Limits *spending.Binding `json:"limits,omitzero"`
	// Responsible is who answers for a service account.
	Responsible  id.User    `json:"responsible,omitzero"`
	SSOID        *string    `json:"sso_id"`
	LastActiveAt *time.Time `json:"last_active_at"`
	CreatedAt    time.Time  `json:"created_at"`
	UpdatedAt    time.Time  `json:"updated_at"`
}

// SuspensionView is a Suspension as administrators see it.
type SuspensionView struct {
	Reason field.Reason `json:"reason"`
	By     id.User      `json:"by"`
	At     time.Time    `json:"at"`
}

func (m Member) view() Row {
	row := Row{
		Email: m.Email, Name: m.Name, Alias: m.Alias, Role: m.Role, Status: m.Status, Kind: m.Kind,
		Metadata: m.Metadata, Suspension: (*SuspensionView)(m.Suspension),
		Keys: m.KeyCount, Responsible: m.Responsible, CreatedAt: m.CreatedAt.UTC(), UpdatedAt: m.UpdatedAt.UTC(),
	}
	switch {
	case m.Kind == Invited:
		row.Kind, row.InvitationID = Person, m.Invitation
	case m.Request != nil:
		row.RequestID = m.Request.ID
	default:
		row.UserID = &m.ID
	}
	return row
}

// Answer is one member.
type Answer struct {
	Member Row `json:"member"`
	etag   string
}

// ETag is the entity tag of the member.
func (a Answer) ETag() string { return a.etag }

func answer(m Member) Answer { return Answer{m.view(), m.ETag()} }
