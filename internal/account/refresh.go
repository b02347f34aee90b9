package account

import (
	"context"
	"errors"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/field"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/session"
	"roster/internal/table"
	"roster/internal/user"
)

// RefreshRequest exchanges a refresh token.
type RefreshRequest struct {
	RefreshToken field.Token `json:"refresh_token" required:"true"`
}

// Refresh gives new tokens for a refresh token, which is used up. A token that
// was used before ends its session. Who may not enter the session's organization
// any more gets no tokens for it.
func (s Service) Refresh(ctx context.Context, _ api.Client, in RefreshRequest) (Tokens, error) {
	presented, err := session.ReadRefresh(string(in.RefreshToken))
	if err != nil {
		return Tokens{}, err
	}
	keys, err := s.Keys(ctx)
	if err != nil {
		return Tokens{}, err
	}
	var out Tokens
	err = table.Retry(ctx, func() error {
		var (
			live *session.Session
			u    *user.User
		)
		if err := s.Table.Get(ctx,
			table.Into(table.Session(presented.User, presented.Session), &live),
			user.Read(presented.User, &u),
		); err != nil {
			return err
		}
		if u == nil {
			return session.ErrRefresh
		}
		if err := presented.Check(live, u.SessionEpoch, keys, s.Now()); err != nil {
			if errors.Is(err, session.ErrReused) {
				if err := s.Table.Transact(ctx, session.End(presented.User, presented.Session)); err != nil {
					return err
				}
			}
			return err
		}
		in, err := s.admitted(ctx, *live)
		if err != nil {
			return err
		}
		next, writes := presented.Rotate(*live, s.Now())
		if out, err = NewTokens(ctx, s.Env, View(*u), next, in); err != nil {
			return err
		}
		if len(writes) == 0 {
			return nil
		}
		return s.Table.Transact(ctx, writes...)
	})
	return out, err
}

// admitted returns how the session's person stands in its organization, and
// refuses whoever is suspended or removed, or was since the session entered it.
func (s Service) admitted(ctx context.Context, live session.Session) (*Membership, error) {
	if live.Organization == "" {
		return nil, nil
	}
	in, err := member.MembershipIn(ctx, s.Table, live.Organization, live.User)
	if err != nil {
		return nil, err
	}
	if err := in.Member.Status.Admit(); err != nil {
		return nil, err
	}
	switch {
	case in.Organization.Status != organization.Active:
		return nil, access.ErrOrgStopped
	case in.Member.Epoch != live.Epoch:
		return nil, session.ErrRefresh
	}
	return MembershipOf(in.Organization, in.Member), nil
}
