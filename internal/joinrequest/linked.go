package joinrequest

import (
	"context"
	"time"

	"roster/internal/id"
	"roster/internal/invitation"
	"roster/internal/member"
	"roster/internal/table"
	"roster/internal/user"
)

// linked is the invitation that is settled with a request: the one of the same
// address, if who asks proved to hold the address. A claimed address links to
// nothing: its invitation is for whoever reads the mail.
type linked struct {
	proved bool
	// invitation is nil if there is none.
	invitation *invitation.Invitation
}

func (s Service) linked(ctx context.Context, org id.Organization, asking member.Member, account *user.User) (linked, error) {
	l := linked{proved: account != nil && account.Verified}
	if !l.proved {
		return l, nil
	}
	err := s.Table.Get(ctx, invitation.Read(org, asking.Email, &l.invitation))
	return l, err
}

// settled names the invitation, if there is one that is settled with the request.
func (l linked) settled() []string {
	if !l.invitation.Open() {
		return nil
	}
	return []string{string(l.invitation.ID)}
}

// admitted is the Writes that go with the admission of m. They fail with
// table.ErrChanged.
func (l linked) admitted(m member.Member, now time.Time) []table.Write {
	if !l.proved {
		return nil
	}
	return []table.Write{invitation.SettleByAdmission(l.invitation, m, now)}
}

// rejected is the Writes that go with a rejection. They fail with
// table.ErrChanged.
func (l linked) rejected(now time.Time) []table.Write {
	if !l.invitation.Open() {
		return nil
	}
	return []table.Write{invitation.SettleByRejection(*l.invitation, now)}
}
