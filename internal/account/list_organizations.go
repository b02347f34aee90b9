package account

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/id"
	"roster/internal/member"
)

// OrganizationsAnswer lists memberships.
type OrganizationsAnswer struct {
	Organizations []Membership `json:"organizations"`
	// Current is that of the token.
	Current id.Organization `json:"current,omitzero"`
}

// ListOrganizations lists where the caller is, or asks to be, a member, and how
// they and the organizations stand.
func (s Service) ListOrganizations(ctx context.Context, by access.Identity, _ api.None) (OrganizationsAnswer, error) {
	memberships, err := member.Memberships(ctx, s.Env, by.User())
	if err != nil {
		return OrganizationsAnswer{}, err
	}
	out := OrganizationsAnswer{Organizations: []Membership{}, Current: by.Organization()}
	for _, m := range memberships {
		out.Organizations = append(out.Organizations, *MembershipOf(m.Organization, m.Member))
	}
	return out, nil
}
