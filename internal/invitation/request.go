package invitation

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"roster/internal/email"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/money"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/spending"
)

// InviteRequest offers a membership to an address.
type InviteRequest struct {
	Email email.Address `json:"email" required:"true"`
	// Role is the organization's default role where it is not said.
	Role field.Label `json:"role,omitzero"`
	// Message is the inviter's, shown in the mail.
	Message  field.Text           `json:"message,omitzero"`
	Name     field.Name           `json:"name,omitzero"`
	TeamIDs  TeamIDs              `json:"team_ids,omitzero"`
	Metadata member.MetadataPatch `json:"metadata,omitzero"`
	Preset   spending.Preset      `json:"preset,omitzero"`
	// MonthlyLimit and DailyLimit are in USD; null is unlimited.
	MonthlyLimit field.Optional[money.Amount] `json:"monthly_limit,omitzero"`
	DailyLimit   field.Optional[money.Amount] `json:"daily_limit,omitzero"`
	// MembershipEndsAt is when the membership is to end, as in updateMember.
	MembershipEndsAt field.Optional[member.EndDate] `json:"membership_ends_at,omitzero"`
}

// Validate refuses the preset without figures if none are given, too many teams,
// and teams that are null.
func (in *InviteRequest) Validate() []fault.Field {
	if len(in.TeamIDs) > maxTeams {
		return []fault.Field{{Pointer: "/team_ids", Reason: fmt.Sprintf("names more than %d teams", maxTeams)}}
	}
	var faults []fault.Field
	for i, team := range in.TeamIDs {
		if team == "" {
			faults = append(faults, fault.Field{Pointer: fmt.Sprintf("/team_ids/%d", i), Reason: "must not be null"})
		}
	}
	demand := func(pointer string, given bool) {
		if in.Preset == spending.Bot && !given {
			faults = append(faults, fault.Field{Pointer: pointer, Reason: "is required with preset bot"})
		}
	}
	demand("/monthly_limit", in.MonthlyLimit.Given)
	demand("/daily_limit", in.DailyLimit.Given)
	return faults
}

// TeamIDs are the teams that the member is to be in.
type TeamIDs []id.Team

const maxTeams = 50

var errNoTeam = fault.New(fault.Invalid, "team_not_found", "There is no such team; see errors.")

// noTeam refuses the n-th of the teams.
func noTeam(n int) error {
	refused := *errNoTeam
	refused.Fields = []fault.Field{{Pointer: fmt.Sprintf("/team_ids/%d", n), Reason: "is no team of the organization"}}
	return &refused
}

// terms are what a new or renewed invitation offers.
type terms struct {
	email    email.Address
	name     field.Name
	role     string
	message  field.Text
	metadata member.Metadata
	offer    *member.Offer
}

var errOwnerEnds = fault.InvalidField("/membership_ends_at", "cannot stand beside the role owner: owners have no end date")

// terms of the invitation; its faults are those that no circumstances mend.
func (in InviteRequest) terms(o organization.Organization, now time.Time) (terms, error) {
	metadata, err := member.Metadata("").Merge(in.Metadata)
	if err != nil {
		return terms{}, fault.InvalidField("/metadata", err.Error())
	}
	t := terms{
		email: in.Email, name: in.Name, role: cmp.Or(string(in.Role), o.DefaultRole),
		message: in.Message, metadata: metadata,
	}
	offer := member.Offer{Preset: string(in.Preset), MonthlyLimit: spending.Kept(in.MonthlyLimit), DailyLimit: spending.Kept(in.DailyLimit)}
	for _, team := range in.TeamIDs {
		if !slices.Contains(offer.TeamIDs, team) {
			offer.TeamIDs = append(offer.TeamIDs, team)
		}
	}
	if in.MembershipEndsAt.Given && !in.MembershipEndsAt.Null {
		offer.EndsAt = in.MembershipEndsAt.Value.In(o.TimeZone.Location())
		if err := member.Ahead(offer.EndsAt, now, "/membership_ends_at"); err != nil {
			return terms{}, err
		}
		if t.role == permission.Owner {
			return terms{}, errOwnerEnds
		}
	}
	if !offer.EndsAt.IsZero() || offer.TeamIDs != nil || offer.Preset != "" || offer.MonthlyLimit != nil || offer.DailyLimit != nil {
		t.offer = &offer
	}
	return t, nil
}
