package account

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/field"
	"roster/internal/session"
	"roster/internal/stepup"
	"roster/internal/table"
)

// ChangePasswordRequest replaces the caller's password.
type ChangePasswordRequest struct {
	CurrentPassword field.Attempt  `json:"current_password" required:"true"`
	NewPassword     field.Password `json:"new_password" required:"true"`
	// OTP is needed where the account has two-factor authentication.
	OTP field.OTP `json:"otp,omitzero"`
}

// ChangePassword gives the caller's account another password. All of its sessions
// end but the caller's own, and so do links to a new password.
func (s Service) ChangePassword(ctx context.Context, by access.Identity, in ChangePasswordRequest) (Done, error) {
	return Done{}, table.Retry(ctx, func() error {
		u, err := stepup.Check(ctx, s.Env, by, stepup.Proof{Password: in.CurrentPassword, OTP: in.OTP})
		if err != nil {
			return err
		}
		if u.SessionEpoch != by.Session().AccountEpoch {
			return session.ErrToken
		}
		if err := AllowPassword(ctx, s.Env, "/new_password", in.NewPassword, *u); err != nil {
			return err
		}
		u.ReplacePassword(in.NewPassword)
		return s.commitPassword(ctx, *u, audit.PasswordChanged, by.Client(), func(writes ...table.Write) error {
			_, err := api.Commit(ctx, s.Table, Done{}, append(writes, by.Session().Stay(u.SessionEpoch))...)
			return err
		})
	})
}
