package member

import (
	"roster/internal/access"
	"roster/internal/mail"
	"roster/internal/outbox"
)

// notices are the mails that tell a person what became of their membership, in the
// words of what is known of the organization and of who did it, if anyone.
func notices(before, after Member, known mail.Data) []outbox.Mail {
	if after.Kind == ServiceAccount {
		return nil
	}
	var mails []outbox.Mail
	tell := func(kind mail.Kind, data mail.Data) {
		data.Organization, data.Recipient = known.Organization, string(after.Name)
		mails = append(mails, outbox.Mail{To: after.Email, Kind: kind, Data: data})
	}
	if before.Role != after.Role {
		tell(mail.RoleChanged, mail.Data{Actor: known.Actor, Role: after.Role, PreviousRole: before.Role})
	}
	if before.Status == after.Status {
		return mails
	}
	switch after.Status {
	case access.Active:
		tell(mail.Unsuspended, mail.Data{})
	case access.Suspended:
		tell(mail.Suspended, mail.Data{Reason: string(after.Suspension.Reason), ExpiresAt: after.Suspension.Until})
	case access.Removed:
		tell(mail.Removed, mail.Data{ExpiresAt: known.ExpiresAt})
	}
	return mails
}
