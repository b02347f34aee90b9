package invitation

import (
	"time"

	"roster/internal/email"
	"roster/internal/env"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/money"
	"roster/internal/outbox"
	"roster/internal/spending"
)

// View is an invitation as administrators see it.
type View struct {
	ID     id.Invitation `json:"id"`
	Email  email.Address `json:"email"`
	Name   field.Name    `json:"name"`
	Role   string        `json:"role"`
	Status Status        `json:"status"`
	// Link is shown once, by the call that made it. It may be copied and shared.
	Link         string                       `json:"link,omitzero"`
	Message      field.Text                   `json:"message"`
	Metadata     member.Metadata              `json:"metadata"`
	TeamIDs      []id.Team                    `json:"team_ids"`
	Preset       string                       `json:"preset,omitzero"`
	MonthlyLimit field.Optional[money.Amount] `json:"monthly_limit,omitzero"`
	DailyLimit   field.Optional[money.Amount] `json:"daily_limit,omitzero"`
	// MembershipEndsAt is when the membership is to end; absent, it is not.
	MembershipEndsAt time.Time `json:"membership_ends_at,omitzero"`
	ExpiresAt        time.Time `json:"expires_at"`
	// Delivery is the fate of the newest mail.
	Delivery  outbox.Delivery `json:"delivery"`
	InvitedBy Inviter         `json:"invited_by"`
	CreatedAt time.Time       `json:"created_at"`
	UpdatedAt time.Time       `json:"updated_at"`
}

// Inviter is who answers for an invitation.
type Inviter struct {
	UserID id.User `json:"user_id"`
	Name   string  `json:"name"`
}

// Answer is one invitation.
type Answer struct {
	Invitation View `json:"invitation"`
}

func (i Invitation) view(now time.Time) View {
	v := View{
		ID: i.ID, Email: i.Email, Name: i.Name, Role: i.Role, Status: i.StatusAt(now),
		Message: i.Invite.Message, Metadata: i.Metadata, TeamIDs: []id.Team{},
		ExpiresAt: i.ExpiresAt, Delivery: i.Delivery, InvitedBy: Inviter{i.Invite.By, i.Invite.ByName},
		CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt,
	}
	if offer := i.Invite.Offer; offer != nil {
		v.TeamIDs, v.Preset = append(v.TeamIDs, offer.TeamIDs...), offer.Preset
		if !offer.EndsAt.IsZero() {
			v.MembershipEndsAt = offer.EndsAt.UTC()
		}
		v.MonthlyLimit, v.DailyLimit = offered(offer.MonthlyLimit), offered(offer.DailyLimit)
	}
	return v
}

func offered(limit *string) field.Optional[money.Amount] {
	switch {
	case limit == nil:
		return field.Optional[money.Amount]{}
	case *limit == spending.Unlimited:
		return field.Optional[money.Amount]{Given: true, Null: true}
	}
	amount, err := money.Parse(*limit)
	if err != nil {
		panic("invitation: stored limit: " + err.Error())
	}
	return field.Of(amount)
}

// inviteLink leads to the page of an invitation. The token stands in the
// fragment: mail scanners that open links change nothing, and no log sees it.
func inviteLink(e *env.Env, token string) string { return e.PublicURL + "/invite#" + token }
