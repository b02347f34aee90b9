package member

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/env"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/organization"
	"roster/internal/outbox"
	"roster/internal/table"
)

// Ask makes a new or removed person (m may have nothing but who they are) one
// who asks to join.
func (m Member) Ask(message field.Text, now time.Time) Member {
	returning := m.Status == access.Removed
	if !returning {
		m.CreatedAt = now
	}
	m.Status = access.Pending
	m.Request = &JoinRequest{ID: id.NewJoinRequest(now, m.ID), Message: message, At: now, Returning: returning}
	return m
}

// EndRequest is the Writes by which a pending member's request comes to nothing:
// they are no member, or the removed one that they were before. They fail with
// table.ErrChanged.
func EndRequest(m Member, now time.Time) []table.Write {
	if m.Request != nil && m.Request.Returning {
		removed := m
		removed.Status, removed.Request = access.Removed, nil
		return Save(&m, removed, now)
	}
	return []table.Write{
		{
			Key: table.Member(m.Organization, m.ID), Delete: true,
			If: "#version = :read", Values: table.V{"read": m.Version}, Else: table.ErrChanged,
		},
		{Key: table.Membership(m.ID, m.Organization), Delete: true},
	}
}

// RejectRequest is EndRequest by an administrator, told to the person with the
// reason.
func RejectRequest(ctx context.Context, e *env.Env, by access.Actor, m Member, reason field.Reason) ([]table.Write, error) {
	rejected, err := outbox.Enqueue(ctx, e, outbox.Mail{To: m.Email, Kind: mail.Rejected, Data: mail.Data{
		Organization: by.OrganizationName(), Recipient: string(m.Name), Reason: string(reason),
	}})
	if err != nil {
		return nil, err
	}
	return append(EndRequest(m, e.Now()), rejected), nil
}

// Unchanged is the check that a member is as it was read (nil: there was none);
// otherwise it fails with table.ErrChanged.
func Unchanged(org id.Organization, user id.User, read *Member) table.Write {
	w := table.Write{Key: table.Member(org, user), If: table.Absent, Else: table.ErrChanged}
	if read != nil {
		w.If, w.Values = "#version = :read", table.V{"read": read.Version}
	}
	return w
}

// Welcome is the Write of the mail that greets a new member.
func Welcome(ctx context.Context, e *env.Env, o organization.Organization, m Member) (table.Write, error) {
	return outbox.Enqueue(ctx, e, outbox.Mail{To: m.Email, Kind: mail.Welcome, Data: mail.Data{
		Organization: string(o.Name), Recipient: string(m.Name), Role: m.Role,
		WelcomeMessage: string(o.WelcomeMessage), GuidelinesURL: string(o.GuidelinesURL), PolicyURL: string(o.PolicyURL),
		Link: e.PublicURL,
	}})
}
