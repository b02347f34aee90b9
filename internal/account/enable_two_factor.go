package account

import (
	"context"
	"errors"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/session"
	"roster/internal/table"
	"roster/internal/user"
)

// EnableTwoFactorRequest shows that the authenticator knows the secret.
type EnableTwoFactorRequest struct {
	OTP field.OTP `json:"otp" required:"true"`
}

// RecoveryCodes are shown once. Each logs in once, in place of a code.
type RecoveryCodes struct {
	RecoveryCodes []string `json:"recovery_codes"`
}

// EnableTwoFactor turns two-factor authentication on: logging in takes a code from
// now on. It is noted in each organization of the person.
func (s Service) EnableTwoFactor(ctx context.Context, by access.Identity, in EnableTwoFactorRequest) (out RecoveryCodes, err error) {
	keys, err := s.Keys(ctx)
	if err != nil {
		return RecoveryCodes{}, err
	}
	var further [][]table.Write
	err = table.Retry(ctx, func() error {
		u, err := user.Get(ctx, s.Table, by.User())
		switch {
		case err != nil:
			return err
		case u == nil:
			return session.ErrToken
		case u.TwoFactor != nil:
			return errTwoFactorOn
		}
		now := s.Now()
		if out.RecoveryCodes, err = u.EnableTwoFactor(keys, in.OTP, now); err != nil {
			return err
		}
		var writes []table.Write
		writes, further, err = everywhere(ctx, s.Env, u.ID, func(org id.Organization) []table.Write {
			return []table.Write{member.SetTwoFactor(org, u.ID, true), audit.Record(now, org, audit.Event{
				Action: audit.TwoFactorEnabled, Actor: audit.User(u.ID, by.Client()), Target: string(u.ID),
			})}
		})
		if err != nil {
			return err
		}
		notice, err := s.notice(ctx, *u, mail.TwoFactorEnabled)
		if err != nil {
			return err
		}
		out, err = api.Commit(ctx, s.Table, out, append(writes, user.Save(*u, now), notice)...)
		return err
	})
	if err != nil {
		return RecoveryCodes{}, err
	}
	// What is cut off here, the next log-in into the organization notes.
	err = transactEach(ctx, s.Env, further, user.HasTwoFactor(by.User()))
	if errors.Is(err, table.ErrChanged) {
		err = nil
	}
	return out, err
}
