package account

import (
	"context"
	"net/url"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/stepup"
	"roster/internal/table"
	"roster/internal/user"
)

// SetUpTwoFactorRequest begins with the password: who took a session over shall not
// lock its person out.
type SetUpTwoFactorRequest struct {
	Password field.Attempt `json:"password" required:"true"`
}

// TwoFactorSetup is what an authenticator needs.
type TwoFactorSetup struct {
	// Secret is for typing it in.
	Secret string `json:"secret"`
	// URL is for a QR code.
	URL string `json:"otpauth_url"`
}

var errTwoFactorOn = fault.New(fault.Conflict, "two_factor_on", "Two-factor authentication is on already; turn it off first.")

// SetUpTwoFactor gives the account a new secret. Nothing is on until a code of it
// was sent, within an hour; setting up again replaces it.
func (s Service) SetUpTwoFactor(ctx context.Context, by access.Identity, in SetUpTwoFactorRequest) (out TwoFactorSetup, err error) {
	if !by.Verified() {
		return TwoFactorSetup{}, ErrUnverified
	}
	keys, err := s.Keys(ctx)
	if err != nil {
		return TwoFactorSetup{}, err
	}
	err = table.Retry(ctx, func() error {
		u, err := stepup.Password(ctx, s.Env, by, in.Password)
		if err != nil {
			return err
		}
		if u.TwoFactor != nil {
			return errTwoFactorOn
		}
		secret := u.SetUpTwoFactor(keys, s.Now())
		out = TwoFactorSetup{Secret: secret.String(), URL: secret.URL(s.issuer(), string(u.Email))}
		out, err = api.Commit(ctx, s.Table, out, user.Save(*u, s.Now()))
		return err
	})
	return out, err
}

// issuer is how authenticators call this deployment.
func (s Service) issuer() string {
	if u, err := url.Parse(s.PublicURL); err == nil && u.Hostname() != "" {
		return "Roster (" + u.Hostname() + ")"
	}
	return "Roster"
}
