package invitation

import (
	"cmp"
	"context"

	"roster/internal/account"
	"roster/internal/api"
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
	if err := account.TakeOver(ctx, s.Env, &u, in.Password, from); err != nil {
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
