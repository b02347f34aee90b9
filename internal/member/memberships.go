package member

import (
	"context"

	"roster/internal/access"
	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/table"
)

// pointer is the item by which an account finds an organization of its.
type pointer struct {
	Organization id.Organization `dynamodbav:"organization"`
}

// OrganizationsOf lists the organizations of an account in which it is, or asks
// to be, a member. How it stands there is for Get to tell.
func OrganizationsOf(ctx context.Context, t *table.Table, user id.User) ([]id.Organization, error) {
	items, err := t.QueryAll(ctx, table.Query{PK: table.User(user).PK, Prefix: "M#"})
	if err != nil {
		return nil, err
	}
	pointers, err := table.DecodeAll[pointer](items)
	if err != nil {
		return nil, err
	}
	organizations := make([]id.Organization, len(pointers))
	for i, p := range pointers {
		organizations[i] = p.Organization
	}
	return organizations, nil
}

// Membership is a member, as they stand now, and the organization.
type Membership struct {
	Member       Member
	Organization organization.Organization
}

// Admit returns why the membership is none to enter; nil if it is. An organization
// in which there is no membership looks as if it did not exist.
func (m Membership) Admit() error {
	switch m.Member.Status {
	case "", access.Removed:
		return access.ErrOrg
	case access.Active:
		if m.Organization.Status == organization.Deleting && m.Member.Role == permission.Owner {
			return nil // to see what it holds, and to restore it
		}
		return m.Organization.Admit()
	}
	return m.Member.Status.Admit()
}

// Memberships reads how an account stands in its organizations, of which it is, or
// asks to be, a member.
func Memberships(ctx context.Context, e *env.Env, user id.User) ([]Membership, error) {
	organizations, err := OrganizationsOf(ctx, e.Table, user)
	if err != nil {
		return nil, err
	}
	return memberships(ctx, e, user, organizations...)
}

// MembershipIn reads how an account stands in an organization; zero if it never
// was a member there.
func MembershipIn(ctx context.Context, e *env.Env, org id.Organization, user id.User) (Membership, error) {
	found, err := memberships(ctx, e, user, org)
	if err != nil || len(found) == 0 {
		return Membership{}, err
	}
	return found[0], nil
}

func memberships(ctx context.Context, e *env.Env, user id.User, organizations ...id.Organization) ([]Membership, error) {
	members := make([]*Member, len(organizations))
	found := make([]*organization.Organization, len(organizations))
	var reads []table.Read
	for i, org := range organizations {
		reads = append(reads, Read(org, user, &members[i]), organization.Read(org, &found[i]))
	}
	if err := e.Table.Get(ctx, reads...); err != nil {
		return nil, err
	}
	var all []Membership
	for i, m := range members {
		if m != nil && found[i] != nil {
			all = append(all, Membership{m.At(e.Now()), *found[i]})
		}
	}
	return all, nil
}
