package invitation

import (
	"cmp"
	"context"

	"roster/internal/account"
	"roster/internal/api"
	"roster/internal/field"
	"roster/internal/mail"
	"roster/internal/outbox"
	"roster/internal/table"
	"roster/internal/user"
)

// askForProof answers a shown link without an access token: a mail to the invited
// address says how to go on. An unverified account gets the invitation only by its
// own password, or by a claim with the one that was sent: a stranger may have the
// link. Neither the answer nor the time it takes tells whether there is an account.
func (s Service) askForProof(ctx context.Context, t token, in AcceptRequest) (AcceptAnswer, error) {
	p, err := s.open(ctx, t)
	if err != nil {
		return AcceptAnswer{}, err
	}
	if err := p.acceptable(s.Now()); err != nil {
		return AcceptAnswer{}, err
	}
	if in.Password == "" {
		return AcceptAnswer{}, errPassword
	}
	if err := s.allowPassword(ctx, p, in); err != nil {
		return AcceptAnswer{}, err
	}
	if err := proofs.Take(ctx, s.Env, t.addressHash); err != nil {
		return AcceptAnswer{}, err
	}
	if err := mails.Take(ctx, s.Env, t.addressHash); err != nil {
		return AcceptAnswer{}, err
	}
	out := AcceptAnswer{Status: "verification_required"}
	fresh := user.New(s.Now(), p.invitation.Email, cmp.Or(in.Name, p.invitation.Name), in.Password)
	err = table.Retry(ctx, func() error {
		u, err := user.ByEmail(ctx, s.Table, p.invitation.Email)
		if err != nil {
			return err
		}
		var (
			writes []table.Write
			mailed table.Write
		)
		known := u.CheckPassword(in.Password)
		switch {
		case u == nil:
			u := fresh
			mailed, err = s.verificationMail(ctx, p, &u)
			writes = user.Create(u, table.ErrChanged)
		case u.Verified:
			mailed, err = s.loginMail(ctx, p, *u, in.Token)
		case known:
			mailed, err = s.verificationMail(ctx, p, u)
			writes = []table.Write{user.Save(*u, s.Now())}
		default:
			mailed, err = account.VerificationMail(ctx, s.Env, u, "")
			u.Verification.Asked = &user.Asked{Invitation: p.ref(), Password: fresh.Password}
			writes = []table.Write{user.Save(*u, s.Now())}
		}
		if err != nil {
			return err
		}
		_, err = api.Commit(ctx, s.Table, out, append(writes, mailed)...)
		return err
	})
	return out, err
}

// verificationMail gives the account a new link, whose click accepts the
// invitation too, and is the Write of its mail.
func (s Service) verificationMail(ctx context.Context, p prospect, u *user.User) (table.Write, error) {
	mailed, err := account.VerificationMail(ctx, s.Env, u, p.organization.Name)
	u.Verification.Invitation = new(p.ref())
	return mailed, err
}

// ref names the invitation.
func (p prospect) ref() user.InvitationRef {
	return user.InvitationRef{Organization: p.organization.ID, ID: p.invitation.ID}
}

// loginMail is the Write of the mail that asks the holder of an account to log in.
func (s Service) loginMail(ctx context.Context, p prospect, u user.User, shown field.Token) (table.Write, error) {
	return outbox.Enqueue(ctx, s.Env, outbox.Mail{To: u.Email, Kind: mail.InvitationLogin, Data: mail.Data{
		Recipient: string(u.Name), Organization: string(p.organization.Name),
		Link: inviteLink(s.Env, string(shown)), ExpiresAt: p.invitation.ExpiresAt,
	}})
}
