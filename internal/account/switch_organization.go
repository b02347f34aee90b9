package account

import (
	"context"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/table"
)

// SwitchRequest names the organization to move to.
type SwitchRequest struct {
	Organization id.Organization `json:"org_id" required:"true"`
}

// SwitchOrganization moves the session to another organization of the caller:
// new tokens, no new log-in.
func (s Service) SwitchOrganization(ctx context.Context, by access.Identity, in SwitchRequest) (Tokens, error) {
	to, err := member.MembershipIn(ctx, s.Env, in.Organization, by.User())
	if err != nil {
		return Tokens{}, err
	}
	if err := to.Admit(); err != nil {
		return Tokens{}, err
	}
	if err := to.Member.Enter(by.Session()); err != nil {
		return Tokens{}, err
	}
	if err := to.Organization.Policy.Enter(by.Login(), s.Now()); err != nil {
		return Tokens{}, err
	}
	if err := noteTwoFactor(ctx, s.Env, by.TwoFactor(), &to.Member); err != nil {
		return Tokens{}, err
	}
	next, move := by.Session().Scope(in.Organization, to.Member.Epoch, s.Now())
	out, err := NewTokens(ctx, s.Env, self(by), next, MembershipOf(to.Organization, to.Member))
	if err != nil {
		return Tokens{}, err
	}
	return out, s.Table.Transact(ctx, move, table.Write{
		Key:    table.User(by.User()),
		Update: "SET #last_organization = :org",
		If:     table.Present,
		Values: table.V{"org": in.Organization},
	})
}
