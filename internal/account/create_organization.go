package account

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/table"
	"roster/internal/user"
)

// CreateOrganizationRequest founds an organization.
type CreateOrganizationRequest struct {
	Name     field.Name     `json:"name" required:"true"`
	TimeZone field.TimeZone `json:"time_zone,omitzero"`
}

// CreatedOrganization is the new organization; switch to it for tokens.
type CreatedOrganization struct {
	Organization organization.View `json:"organization"`
}

// ErrUnverified refuses what takes a proved address.
var ErrUnverified = fault.New(fault.Forbidden, "email_unverified", "Verify your address first, by the link that was mailed to you.")

// CreateOrganization founds an organization whose owner is the caller. People
// found at most ten a day; platform administrators as many as they wish.
func (s Service) CreateOrganization(ctx context.Context, by access.Identity, in CreateOrganizationRequest) (CreatedOrganization, error) {
	if !by.PlatformAdministrator() {
		if err := s.mayFound(ctx, by); err != nil {
			return CreatedOrganization{}, err
		}
	}
	now := s.Now()
	org, founder := newOrganization(now, self(by), in.Name)
	if in.TimeZone != "" {
		org.TimeZone = in.TimeZone
	}
	writes := founding(now, org, founder, audit.User(by.User(), by.Client()))
	if founder.TwoFactor {
		writes = append(writes, user.StaysSecured(by.User()))
	}
	return api.Commit(ctx, s.Table, CreatedOrganization{org.View()}, writes...)
}

// mayFound refuses a person to found an organization, and counts that they try.
func (s Service) mayFound(ctx context.Context, by access.Identity) error {
	switch {
	case !s.OpenSignUp:
		return errSignUpClosed
	case !by.Verified():
		return ErrUnverified
	}
	return foundings.Take(ctx, s.Env, string(by.User()))
}

// newOrganization makes an organization and its first owner.
func newOrganization(now time.Time, founder UserView, name field.Name) (organization.Organization, member.Member) {
	org := organization.New(now, name)
	return org, member.Member{
		ID: founder.ID, Organization: org.ID, Kind: member.Person, Email: founder.Email, Name: founder.Name,
		Role: permission.Owner, Status: access.Active, Epoch: 1, TwoFactor: founder.TwoFactor, CreatedAt: now,
	}
}

// founding is the Writes of a new organization and its first owner.
func founding(now time.Time, org organization.Organization, founder member.Member, by audit.Actor) []table.Write {
	return append(member.CreateFounder(founder, now),
		organization.Create(org),
		audit.Record(now, org.ID, audit.Event{
			Action: audit.OrganizationCreated, Actor: by, Target: string(org.ID), Also: []string{string(founder.ID)},
			After: map[string]any{"name": org.Name, "status": org.Status, "time_zone": org.TimeZone, "owner": founder.ID},
		}))
}
