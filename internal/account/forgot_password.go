package account

import (
	"context"
	"time"

	"roster/internal/api"
	"roster/internal/email"
	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/outbox"
	"roster/internal/table"
	"roster/internal/throttle"
	"roster/internal/user"
)

// ForgotRequest asks for a link to a new password.
type ForgotRequest struct {
	Email email.Address `json:"email" required:"true"`
}

// Limits on links to a new password. As many as an hour admits work at a time: who
// is refused because of others has one that works in the mailbox.
var (
	// Any address, from one place.
	resetsFrom = throttle.Limit{Name: "reset-from", Times: 20, Per: time.Hour}
	// One address, from all strange places together, and from one that it knows.
	resetsAt      = throttle.Limit{Name: "reset-at", Times: user.ResetsKept, Per: user.ResetTTL}
	resetsDaily   = throttle.Limit{Name: "reset-day", Times: 10, Per: 24 * time.Hour}
	resetsAtKnown = throttle.Limit{Name: "reset-known", Times: user.ResetsKept, Per: user.ResetTTL}
)

// ForgotPassword mails the holder of an address a link to a new password. Nothing
// else changes by it: the password stays, and so do sessions and the links before.
// Neither the answer nor the time it takes tells whether there is an account.
func (s Service) ForgotPassword(ctx context.Context, from api.Client, in ForgotRequest) (Done, error) {
	u, err := user.ByEmail(ctx, s.Table, in.Email)
	if err != nil {
		return Done{}, err
	}
	place := throttle.Network(from.IP)
	if err := asking(in.Email, place, u.Knows(place)).Take(ctx, s.Env); err != nil {
		return Done{}, err
	}
	return Done{}, table.Retry(ctx, func() error {
		u, err := user.ByEmail(ctx, s.Table, in.Email)
		if err != nil {
			return err
		}
		writes, err := startReset(ctx, s.Env, u, in.Email)
		if err != nil {
			return err
		}
		_, err = api.Commit(ctx, s.Table, Done{}, writes...)
		return err
	})
}

// asking is what bounds how often a link for an address is asked for.
func asking(address email.Address, place string, known bool) throttle.Attempt {
	who := id.AddressHash(string(address))
	if known {
		return throttle.Attempt{{Limit: resetsAtKnown, Subject: place + "#" + who}}
	}
	return throttle.Attempt{
		{Limit: resetsFrom, Subject: place},
		{Limit: resetsAt, Subject: who},
		{Limit: resetsDaily, Subject: who},
	}
}

// startReset is the Writes of a further link and its mail. Of an address without an
// account (nil) it is as much work, and comes to nothing.
func startReset(ctx context.Context, e *env.Env, u *user.User, address email.Address) ([]table.Write, error) {
	now := e.Now()
	holder := user.Nobody(address)
	if u != nil {
		holder = *u
	}
	token, expires := holder.StartReset(now)
	mailed, err := outbox.Enqueue(ctx, e, outbox.Mail{To: address, Kind: mail.PasswordReset, Data: mail.Data{
		Recipient: string(holder.Name), Link: resetLink(e) + "#" + token, ExpiresAt: expires,
	}})
	if err != nil {
		return nil, err
	}
	if u == nil {
		mailed.Put = nil // a check that the mail is not there, which it never is
		return []table.Write{user.Unclaimed(address), mailed}, nil
	}
	return []table.Write{user.Save(holder, now), mailed}, nil
}

// resetLink leads to the page on which a person asks for a link to a new password;
// with a token as its fragment, to that on which they choose one.
func resetLink(e *env.Env) string { return e.PublicURL + "/reset" }
