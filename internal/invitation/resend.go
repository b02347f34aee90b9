package invitation

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/organization"
	"roster/internal/table"
	"roster/internal/user"
)

// ResendRequest names an invitation.
type ResendRequest struct {
	Invitation id.Invitation `path:"invitation_id" json:"-"`
}

// Resend mails a pending invitation again, with new links and an expiry that is
// not before the present one. The links of the newest mails go on to work.
func (s Service) Resend(ctx context.Context, by access.Actor, in ResendRequest) (Answer, error) {
	var out Answer
	count := s.countMail(ctx, in.Invitation.AddressHash())
	err := table.Retry(ctx, func() error {
		var (
			org     *organization.Organization
			inviter *user.User
		)
		read, err := s.get(ctx, by.Organization(), in.Invitation,
			organization.Read(by.Organization(), &org), user.Read(by.User(), &inviter))
		if err != nil {
			return err
		}
		if !read.Open() {
			return errGone
		}
		if err := org.Policy.Join(read.Email); err != nil {
			return err
		}
		if err := read.Grantable(by); err != nil {
			return err
		}
		if err := s.inviterIsVerified(ctx, by, inviter); err != nil {
			return err
		}
		next, l, err := read.issue(by, *org, s.Now())
		if err != nil {
			return err
		}
		if err := count(); err != nil {
			return err
		}
		mailed, err := s.mail(ctx, *org, next, l.mailed)
		if err != nil {
			return err
		}
		out, err = api.Commit(ctx, s.Table, s.answerWithLink(next, l),
			save(read, next), mailed, record(audit.InvitationResent, by, read, next))
		return err
	})
	return out, err
}
