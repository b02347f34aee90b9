package account

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/outbox"
	"roster/internal/stepup"
	"roster/internal/table"
	"roster/internal/user"
)

// DisableTwoFactorRequest proves the person once more.
type DisableTwoFactorRequest struct{ stepup.Proof }

var errTwoFactorOff = fault.New(fault.Conflict, "two_factor_off", "Two-factor authentication is not on.")

// DisableTwoFactor turns two-factor authentication off. Organizations that require
// it refuse the person from their next call on. It is noted in each organization.
func (s Service) DisableTwoFactor(ctx context.Context, by access.Identity, in DisableTwoFactorRequest) (Done, error) {
	return Done{}, table.Retry(ctx, func() error {
		u, err := stepup.Check(ctx, s.Env, by, in.Proof)
		if err != nil {
			return err
		}
		if u.TwoFactor == nil {
			return errTwoFactorOff
		}
		now := s.Now()
		writes, further, err := everywhere(ctx, s.Env, u.ID, func(org id.Organization) []table.Write {
			return []table.Write{member.SetTwoFactor(org, u.ID, false), audit.Record(now, org, audit.Event{
				Action: audit.TwoFactorDisabled, Actor: audit.User(u.ID, by.Client()), Target: string(u.ID),
			})}
		})
		if err != nil {
			return err
		}
		notice, err := s.notice(ctx, *u, mail.TwoFactorDisabled)
		if err != nil {
			return err
		}
		// No membership may say more than the account does, so those that do not fit
		// into its transaction come first.
		if err := transactEach(ctx, s.Env, further); err != nil {
			return err
		}
		u.TwoFactor = nil
		_, err = api.Commit(ctx, s.Table, Done{}, append(writes, user.Save(*u, now), notice)...)
		return err
	})
}

// notice is the Write of a mail about a change of the account, with the way back for
// who did not make it.
func (s Service) notice(ctx context.Context, u user.User, kind mail.Kind) (table.Write, error) {
	return outbox.Enqueue(ctx, s.Env, outbox.Mail{To: u.Email, Kind: kind, Data: mail.Data{
		Recipient: string(u.Name), Link: resetLink(s.Env),
	}})
}
