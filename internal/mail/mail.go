// Package mail lists Roster's mails. A mail is a Kind and its Data, which is what
// an outbox item stores; package mailer turns the two into a message and sends
// it. They are apart because what causes a mail need not link what writes it.
//
// To add a kind: a constant here, and in package mailer templates/<kind>.txt and
// .html and a sample in the golden test.
package mail

import "time"

// Kind names a mail. It is stored in outbox items and in SES tags, so a kind is
// never renamed.
type Kind string

// Each kind lists the fields of Data that it needs; those after "also" are shown
// if set. Every kind greets Recipient by name, if set.
const (
	// VerifyAddress asks a person who registered to prove the mailbox.
	// Needs Link; also Organization, which they join by it, and ExpiresAt.
	VerifyAddress Kind = "verify_address"

	// Invitation carries the link that joins an organization.
	// Needs Organization, Actor (the inviter), Role, Link, ExpiresAt; also Message,
	// GuidelinesURL, PolicyURL.
	Invitation Kind = "invitation"

	// InvitationLogin goes to an address that was used with a shared invitation
	// link and has an account already: log in to accept.
	// Needs Organization, Link; also ExpiresAt.
	InvitationLogin Kind = "invitation_login"

	// Welcome follows an accepted invitation or an approved join request.
	// Needs Organization, Role; also WelcomeMessage, GuidelinesURL, PolicyURL, Link.
	Welcome Kind = "welcome"

	// RoleChanged needs Organization, Role, PreviousRole, Actor.
	RoleChanged Kind = "role_changed"

	// Suspended needs Organization; also Reason, ExpiresAt (when it ends by itself).
	Suspended Kind = "suspended"

	// Unsuspended needs Organization.
	Unsuspended Kind = "unsuspended"

	// Removed needs Organization; also Reason, ExpiresAt (the end date, if it had one).
	Removed Kind = "removed"

	// MembershipEnding tells a week before that a membership ends: the member, and
	// whoever gave it its end. Needs Organization, ExpiresAt; also Member, whose it is
	// if not the recipient's.
	MembershipEnding Kind = "membership_ending"

	// OrganizationDeleting tells members that their organization is being deleted.
	// Needs Organization, Actor, ExpiresAt (when its data are erased).
	OrganizationDeleting Kind = "organization_deleting"

	// OrganizationRestored follows OrganizationDeleting. Needs Organization.
	OrganizationRestored Kind = "organization_restored"

	// TwoFactorRequired tells members without two-factor authentication that their
	// organization requires it. Needs Organization, ExpiresAt (from when).
	TwoFactorRequired Kind = "two_factor_required"

	// OwnershipTransferred tells the owners, those before and after. Needs
	// Organization, Actor (who handed it over), Member (who has it now).
	OwnershipTransferred Kind = "ownership_transferred"
	// StatementClosed tells the billing contact that a month's statement is closed.
	// Needs Organization, Month, Amount; also Link.
	StatementClosed Kind = "statement_closed"

	// BudgetSpent tells the billing contact, and those who see the billing, how much of a
	// month's budget is spent. Needs Organization, Month, Percent, Limit, Amount (spent).
	BudgetSpent Kind = "budget_spent"

	// LimitApproaching tells that part of a spending limit is used: the member, or who
	// answers for a service account, and from 90 percent on whoever manages members.
	// Needs Organization, Window, Limit, Amount (spent), Percent, ExpiresAt (when the
	// window ends); also Member, whose limit it is if not the recipient's, and Key.
	LimitApproaching Kind = "limit_approaching"

	// LimitReached tells the same people that all of it is used, or that a call was
	// refused by it. Needs what LimitApproaching does but Percent; also Observed, Refused.
	LimitReached Kind = "limit_reached"

	// LimitRequested tells those who manage members that one asks to spend more. Needs
	// Organization, Member; also MonthlyLimit, DailyLimit, ExpiresAt (when they are to
	// end), Reason (the member's).
	LimitRequested Kind = "limit_requested"

	// LimitRequestApproved tells who asked. Needs Organization, Actor; also MonthlyLimit,
	// DailyLimit, ExpiresAt (when they end), Member, whose limits they are if not the
	// recipient's.
	LimitRequestApproved Kind = "limit_request_approved"

	// LimitRequestDeclined tells who asked. Needs Organization, Actor; also Member, as
	// above, and Reason.
	LimitRequestDeclined Kind = "limit_request_declined"

	// Rejected answers a join request. Needs Organization; also Reason.
	Rejected Kind = "rejected"

	// PasswordReset carries the link to a new password. Needs Link; also ExpiresAt.
	PasswordReset Kind = "password_reset"

	// PasswordChanged tells a person that their password is another. Needs Link, the
	// way to a new one for who did not change it.
	PasswordChanged Kind = "password_changed"

	// TwoFactorEnabled tells a person that logging in takes a code from now on.
	// Needs Link, the way to a new password for who did not do it.
	TwoFactorEnabled Kind = "two_factor_enabled"

	// TwoFactorDisabled tells a person that logging in takes no code any more.
	// Needs Link, as above.
	TwoFactorDisabled Kind = "two_factor_disabled"
)

// Data is what a mail may show. It may hold anything that people typed: mailer.Render
// makes it harmless. Its JSON form is stored in outbox items, so a field is
// never renamed.
type Data struct {
	// Names take one line.
	Organization string `json:"organization,omitzero"`
	Recipient    string `json:"recipient,omitzero"`
	Actor        string `json:"actor,omitzero"`  // name or address of who did it
	Member       string `json:"member,omitzero"` // name or address of whom it befell
	Role         string `json:"role,omitzero"`
	PreviousRole string `json:"previous_role,omitzero"`

	Key string `json:"key,omitzero"` // name of an API key

	Window         string `json:"window,omitzero"`          // of a limit: "monthly" or "daily"
	Limit          string `json:"limit,omitzero"`           // with its currency
	Percent        string `json:"percent,omitzero"`         // of Limit: "80"
	OfOrganization bool   `json:"of_organization,omitzero"` // a limit is the whole organization's
	Observed       bool   `json:"observed,omitzero"`        // nobody is refused for a limit
	Refused        bool   `json:"refused,omitzero"`         // a call was, that would have exceeded what is left

	// Limits that are asked for or granted, with their currency, or "unlimited".
	MonthlyLimit string `json:"monthly_limit,omitzero"`
	DailyLimit   string `json:"daily_limit,omitzero"`

	Month  string `json:"month,omitzero"`  // as people call it: "November 2026"
	Amount string `json:"amount,omitzero"` // with its currency

	// Prose may have several lines, and is quoted as somebody's words.
	Message        string `json:"message,omitzero"`         // the actor's, to the recipient
	Reason         string `json:"reason,omitzero"`          // an administrator's, or of who asks
	WelcomeMessage string `json:"welcome_message,omitzero"` // the organization's

	// Absolute http or https URLs; anything else counts as not set.
	GuidelinesURL string `json:"guidelines_url,omitzero"`
	PolicyURL     string `json:"policy_url,omitzero"`
	Link          string `json:"link,omitzero"` // what the mail asks to open

	ExpiresAt time.Time `json:"expires_at,omitzero"` // of Link; shown in UTC
}
