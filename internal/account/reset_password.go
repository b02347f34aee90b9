package account

import (
	"context"

	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/secret"
	"roster/internal/table"
	"roster/internal/throttle"
	"roster/internal/user"
)

// ResetRequest chooses a new password by the token of a mailed link.
type ResetRequest struct {
	Token    field.Token    `json:"token" required:"true"`
	Password field.Password `json:"password" required:"true"`
	// OTP is needed where the account has two-factor authentication.
	OTP field.OTP `json:"otp,omitzero"`
}

// AccountAnswer is an account as it is now.
type AccountAnswer struct {
	User UserView `json:"user"`
}

// ResetPassword gives an account a new password by a mailed link, once, and ends all
// of its sessions. The link proves the mailbox: an account whose address nobody had
// proved yields to who comes by it. It proves no second factor, which stays on. It
// logs nobody in.
func (s Service) ResetPassword(ctx context.Context, from api.Client, in ResetRequest) (AccountAnswer, error) {
	holder, err := user.ResetUser(in.Token)
	if err != nil {
		return AccountAnswer{}, err
	}
	place := throttle.Network(from.IP)
	var out AccountAnswer
	err = table.Retry(ctx, func() error {
		now := s.Now()
		u, err := user.Get(ctx, s.Table, holder)
		if err != nil {
			return err
		}
		if err := u.CheckReset(in.Token, now); err != nil {
			return err
		}
		if err := AllowPassword(ctx, s.Env, "/password", in.Password, *u); err != nil {
			return err
		}
		if err := s.tryCode(ctx, u, in.OTP, place, func(keys *secret.Keys) error {
			return u.SpendCode(keys, in.OTP, now)
		}); err != nil {
			return err
		}
		if u.Verified {
			u.ReplacePassword(in.Password)
		} else {
			if err := TakeOver(ctx, s.Env, u, in.Password, from); err != nil {
				return err
			}
			u.Verified, u.Verification = true, nil
		}
		out.User = View(*u)
		return s.commitPassword(ctx, *u, audit.PasswordReset, from, func(writes ...table.Write) (err error) {
			out, err = api.Commit(ctx, s.Table, out, writes...)
			return err
		})
	})
	return out, err
}

// commitPassword saves an account with its new password: each of its organizations
// notes that, and its holder hears of it.
func (s Service) commitPassword(ctx context.Context, u user.User, action audit.Action, from api.Client, commit func(...table.Write) error) error {
	now := s.Now()
	writes, further, err := everywhere(ctx, s.Env, u.ID, func(org id.Organization) []table.Write {
		return []table.Write{audit.Record(now, org, audit.Event{
			Action: action, Actor: audit.User(u.ID, from), Target: string(u.ID),
		})}
	})
	if err != nil {
		return err
	}
	notice, err := s.notice(ctx, u, mail.PasswordChanged)
	if err != nil {
		return err
	}
	if err := commit(append(writes, user.Save(u, now), notice)...); err != nil {
		return err
	}
	return transactEach(ctx, s.Env, further)
}
