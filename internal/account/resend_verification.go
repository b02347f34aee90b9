package account

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/fault"
	"roster/internal/table"
	"roster/internal/user"
)

var errVerified = fault.New(fault.Conflict, "already_verified", "The address is verified already.")

// ResendVerification mails a new verification link, which does what the one before
// did; that one is dead.
func (s Service) ResendVerification(ctx context.Context, by access.Identity, _ api.None) (Done, error) {
	if by.Verified() {
		return Done{}, errVerified
	}
	if err := verifications.Take(ctx, s.Env, string(by.User())); err != nil {
		return Done{}, err
	}
	return Done{}, table.Retry(ctx, func() error {
		u, err := user.Get(ctx, s.Table, by.User())
		switch {
		case err != nil:
			return err
		case u.Verified:
			return errVerified
		}
		mail, err := VerificationMail(ctx, s.Env, u, "")
		if err != nil {
			return err
		}
		_, err = api.Commit(ctx, s.Table, Done{}, user.Save(*u, s.Now()), mail)
		return err
	})
}
