package account

import (
	"context"
	"errors"

	"roster/internal/api"
	"roster/internal/fault"
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

var errSwitch = fault.New(fault.Forbidden, "switch_required",
	"Your membership was interrupted since you logged in. Switch to the organization to go on.")

// Refresh gives new tokens for a refresh token, which is used up. A token that
// was used before ends its session. Where the session's organization does not
// admit its person any more, the tokens are for none, never for another: what a
// client goes on to ask must not happen in an organization that it did not name.
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
		next, writes := presented.Rotate(*live, s.Now())
		in, ended, err := s.admitted(ctx, next, *u)
		if err != nil {
			return err
		}
		if ended != nil {
			next = next.In("", 0)
		}
		if out, err = NewTokens(ctx, s.Env, View(*u), next, in); err != nil {
			return err
		}
		out.Ended = ended
		if len(writes) == 0 {
			return nil
		}
		return s.Table.Transact(ctx, writes...)
	})
	return out, err
}

// admitted returns how the session's person stands in its organization, or why it
// is theirs no more: who was suspended or removed since the session entered it has
// to enter it anew, and what the organization demands of sessions may have ended.
func (s Service) admitted(ctx context.Context, live session.Session, u user.User) (*Membership, *Ended, error) {
	if live.Organization == "" {
		return nil, nil, nil
	}
	in, err := member.MembershipIn(ctx, s.Env, live.Organization, live.User)
	if err != nil {
		return nil, nil, err
	}
	refused := in.Member.Status.Admit()
	if refused == nil {
		refused = in.Admit()
	}
	if refused == nil {
		refused = in.Member.Enter(live)
	}
	if refused == nil && in.Member.Epoch != live.Epoch {
		refused = errSwitch
	}
	if refused == nil {
		refused = in.Organization.Policy.Enter(live.Login(u.PasswordLength), s.Now())
	}
	if ended, err := endedBy(in.Organization, refused); ended != nil || err != nil {
		if ended != nil {
			ended.ID = live.Organization
		}
		return nil, ended, err
	}
	if err := noteTwoFactor(ctx, s.Env, u.TwoFactor != nil, &in.Member); err != nil {
		return nil, nil, err
	}
	return MembershipOf(in.Organization, in.Member), nil, nil
}

// endedBy is the organization that refuses a session; nil where nothing does. An
// error that is no refusal is returned as it is.
func endedBy(o organization.Organization, refused error) (*Ended, error) {
	if why, ok := errors.AsType[*fault.Error](refused); ok {
		return &Ended{ID: o.ID, Name: o.Name, Code: why.Code, Detail: why.Detail}, nil
	}
	return nil, refused
}
