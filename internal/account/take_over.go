package account

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/env"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/table"
	"roster/internal/user"
)

// TakeOver gives an unverified account to who proves its mailbox: the password is
// replaced, and whatever the account's maker holds ends. The account is saved
// before that, lest its maker's sessions make new keys meanwhile; what verifies it
// is for the caller to save.
func TakeOver(ctx context.Context, e *env.Env, u *user.User, password field.Password, from api.Client) error {
	u.Yield(password)
	if err := e.Table.Transact(ctx, user.Save(*u, e.Now())); err != nil {
		return err
	}
	u.Version++
	return FinishTakeOver(ctx, e, u, from)
}

// FinishTakeOver ends what the maker of an account holds still, where it has
// yielded. An account is not verified before.
func FinishTakeOver(ctx context.Context, e *env.Env, u *user.User, from api.Client) error {
	if !u.Yielding {
		return nil
	}
	if err := endMemberships(ctx, e, u.ID, from); err != nil {
		return err
	}
	u.Yielding, u.Resets = false, nil
	return nil
}

// endMemberships revokes the keys of an unverified account, forgets which policies it
// accepted, and withdraws its requests to join.
func endMemberships(ctx context.Context, e *env.Env, u id.User, from api.Client) error {
	by := audit.User(u, from)
	organizations, err := member.OrganizationsOf(ctx, e.Table, u)
	if err != nil {
		return err
	}
	for _, org := range organizations {
		if err := table.Retry(ctx, func() error {
			m, err := member.Get(ctx, e.Table, org, u)
			now := e.Now()
			switch {
			case err != nil || m == nil:
				return err
			case m.Status == access.Pending:
				return e.Table.Transact(ctx, append(member.EndRequest(*m, now), audit.Record(now, org, audit.Event{
					Action: audit.JoinRequestWithdrawn, Actor: by, Target: string(m.Request.ID),
					Before: map[string]any{"status": access.Pending}, After: map[string]any{"status": "withdrawn"},
				}))...)
			case len(m.Keys) > 0 || m.Accepted != nil:
				bare := *m
				bare.Keys, bare.Accepted = nil, nil
				before, after := member.Difference(m, bare)
				return e.Table.Transact(ctx, append(member.Save(m, bare, now), audit.Record(now, org, audit.Event{
					Action: audit.MemberKeysRevoked, Actor: by, Target: string(u), Before: before, After: after,
				}))...)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}
