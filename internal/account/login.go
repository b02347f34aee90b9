package account

import (
	"context"
	"slices"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/email"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/session"
	"roster/internal/throttle"
	"roster/internal/user"
)

// LoginRequest logs a person in.
type LoginRequest struct {
	Email    email.Address `json:"email" required:"true"`
	Password field.Attempt `json:"password" required:"true"`
	// Organization is the one to enter; where it is not said, the one used last.
	Organization id.Organization `json:"org_id,omitzero"`
}

var errLogin = fault.New(fault.Unauthenticated, "invalid_login", "The address or the password is wrong.")

// Login opens a session: in the organization that is named, or else in the one
// that was used last or, where that does not admit its person any more, in
// another.
func (s Service) Login(ctx context.Context, from api.Client, in LoginRequest) (Tokens, error) {
	if err := loginsFrom.Take(ctx, s.Env, throttle.Network(from.IP)); err != nil {
		return Tokens{}, err
	}
	if err := logins.Take(ctx, s.Env, throttle.Network(from.IP)+"#"+id.AddressHash(string(in.Email))); err != nil {
		return Tokens{}, err
	}
	u, err := user.ByEmail(ctx, s.Table, in.Email)
	if err != nil {
		return Tokens{}, err
	}
	if !u.CheckPassword(field.Password(in.Password)) {
		return Tokens{}, errLogin
	}
	return OpenSession(ctx, s.Env, *u, in.Organization, from)
}

// OpenSession logs an account in, to an organization if one is named.
func OpenSession(ctx context.Context, e *env.Env, u user.User, named id.Organization, from api.Client) (Tokens, error) {
	memberships, err := member.Memberships(ctx, e.Table, u.ID)
	if err != nil {
		return Tokens{}, err
	}
	live := session.New(e.Now(), u.ID, u.SessionEpoch, from)
	entered, err := enter(memberships, named, u.LastOrganization)
	if err != nil {
		return Tokens{}, err
	}
	var in *Membership
	if entered != nil {
		live = live.In(entered.Organization.ID, entered.Member.Epoch)
		in = MembershipOf(entered.Organization, entered.Member)
	}
	out, err := NewTokens(ctx, e, View(u), live, in)
	if err != nil {
		return Tokens{}, err
	}
	return api.Commit(ctx, e.Table, out, live.Create())
}

// enter picks the organization of a log-in: the one that is named, and no other;
// else the last one if it admits the member, else the first that does; nil if
// none does.
func enter(memberships []member.Membership, named, last id.Organization) (*member.Membership, error) {
	if named != "" {
		i := slices.IndexFunc(memberships, func(m member.Membership) bool { return m.Organization.ID == named })
		if i < 0 {
			return nil, access.ErrOrg
		}
		return &memberships[i], memberships[i].Admit()
	}
	var first *member.Membership
	for i := range memberships {
		switch m := &memberships[i]; {
		case m.Admit() != nil:
		case m.Organization.ID == last:
			return m, nil
		case first == nil:
			first = m
		}
	}
	return first, nil
}
