package invitation

import (
	"cmp"
	"context"

	"roster/internal/access"
	"roster/internal/account"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/table"
	"roster/internal/throttle"
	"roster/internal/user"
)

// provenAccount is the account of who proves the mailbox, with its Writes: a new
// one, or the unverified one that somebody made with the address and that yields
// to the proof.
func (s Service) provenAccount(ctx context.Context, p prospect, from api.Client, in AcceptRequest) (user.User, []table.Write, error) {
	now := s.Now()
	if p.account == nil {
		u := user.New(now, p.invitation.Email, cmp.Or(in.Name, p.invitation.Name), in.Password)
		u.Verified, u.LastOrganization = true, p.organization.ID
		u.Meet(throttle.Network(from.IP))
		return u, user.Create(u, table.ErrChanged), nil // registered since, it is to be taken over
	}
	u := *p.account
	if err := s.takeOver(ctx, &u, in.Password, from); err != nil {
		return user.User{}, nil, err
	}
	u.Name = cmp.Or(in.Name, p.invitation.Name, u.Name)
	u.Verified, u.Verification, u.LastOrganization = true, nil, p.organization.ID
	u.Meet(throttle.Network(from.IP))
	return u, []table.Write{user.Save(u, now)}, nil
}

// allowPassword refuses a password that whoever accepts may not choose, by what the
// organization demands of its members: also where there is an account, lest the
// answer tell.
func (s Service) allowPassword(ctx context.Context, p prospect, in AcceptRequest) error {
	who := user.User{Name: cmp.Or(in.Name, p.invitation.Name), Email: p.invitation.Email}
	return account.AllowPassword(ctx, s.Env, "/password", in.Password, who, *p.organization)
}

// takeOver gives an unverified account to who proves its mailbox: the password is
// replaced, and whatever the account's maker holds ends. The account is saved
// before that, lest its maker's sessions make new keys meanwhile.
func (s Service) takeOver(ctx context.Context, u *user.User, password field.Password, from api.Client) error {
	u.Yield(password)
	if err := s.Table.Transact(ctx, user.Save(*u, s.Now())); err != nil {
		return err
	}
	u.Version++
	return s.finishTakeOver(ctx, u, from)
}

// finishTakeOver ends what the maker of an account holds still, where it has
// yielded. An account is not verified before.
func (s Service) finishTakeOver(ctx context.Context, u *user.User, from api.Client) error {
	if !u.Yielding {
		return nil
	}
	if err := s.endMemberships(ctx, u.ID, from); err != nil {
		return err
	}
	u.Yielding = false
	return nil
}

// endMemberships revokes the keys of an unverified account and withdraws its
// requests to join.
func (s Service) endMemberships(ctx context.Context, u id.User, from api.Client) error {
	by := audit.User(u, from)
	organizations, err := member.OrganizationsOf(ctx, s.Table, u)
	if err != nil {
		return err
	}
	for _, org := range organizations {
		if err := table.Retry(ctx, func() error {
			m, err := member.Get(ctx, s.Table, org, u)
			now := s.Now()
			switch {
			case err != nil || m == nil:
				return err
			case m.Status == access.Pending:
				return s.Table.Transact(ctx, append(member.EndRequest(*m, now), audit.Record(now, org, audit.Event{
					Action: audit.JoinRequestWithdrawn, Actor: by, Target: string(m.Request.ID),
					Before: map[string]any{"status": access.Pending}, After: map[string]any{"status": "withdrawn"},
				}))...)
			case len(m.Keys) > 0:
				keyless := *m
				keyless.Keys = nil
				before, after := member.Difference(m, keyless)
				return s.Table.Transact(ctx, append(member.Save(m, keyless, now), audit.Record(now, org, audit.Event{
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
