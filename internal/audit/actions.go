package audit

import (
	"slices"

	"roster/internal/route"
)

// Action names a change: what was changed, and what happened to it, in the past.
// Names are stored and relied on: none is ever renamed.
type Action string

const (
	OrganizationCreated     Action = "organization.created"
	OrganizationUpdated     Action = "organization.updated"
	OrganizationSuspended   Action = "organization.suspended"
	OrganizationUnsuspended Action = "organization.unsuspended"
	OrganizationDeleted     Action = "organization.deleted"
	OrganizationRestored    Action = "organization.restored"
	OrganizationErased      Action = "organization.erased"
	BillingUpdated          Action = "billing.updated"
	PricesUpdated           Action = "prices.updated"

	SecurityUpdated      Action = "organization.security_updated"
	OwnershipTransferred Action = "organization.ownership_transferred"

	InvitationCreated    Action = "invitation.created"
	InvitationRenewed    Action = "invitation.renewed"
	InvitationResent     Action = "invitation.resent"
	InvitationRevoked    Action = "invitation.revoked"
	InvitationAccepted   Action = "invitation.accepted"
	InvitationHandedOver Action = "invitation.handed_over"

	JoinRequestCreated      Action = "join_request.created"
	JoinRequestApproved     Action = "join_request.approved"
	JoinRequestAutoApproved Action = "join_request.auto_approved"
	JoinRequestRejected     Action = "join_request.rejected"
	JoinRequestWithdrawn    Action = "join_request.withdrawn"

	ServiceAccountCreated Action = "service_account.created"
	MemberUpdated         Action = "member.updated"
	MemberRoleChanged     Action = "member.role_changed"
	MemberSuspended       Action = "member.suspended"
	MemberUnsuspended     Action = "member.unsuspended"
	MemberRemoved         Action = "member.removed"
	MemberKeysRevoked     Action = "member.keys_revoked"
	MemberHandedOver      Action = "member.handed_over"
	MemberSessionsEnded   Action = "member.sessions_ended"
	MemberSessionEnded    Action = "member.session_ended"

	MemberLimitsChanged Action = "member.limits_changed"
	KeyLimitsChanged    Action = "key.limits_changed"

	LimitRequestCreated  Action = "limit_request.created"
	LimitRequestRenewed  Action = "limit_request.renewed"
	LimitRequestApproved Action = "limit_request.approved"
	LimitRequestDeclined Action = "limit_request.declined"

	UsageAdjusted Action = "usage.adjusted"

	TeamLimitsChanged         Action = "team.limits_changed"
	OrganizationLimitsChanged Action = "organization.limits_changed"

	MemberSuspensionScheduled Action = "member.suspension_scheduled"

	MemberPolicyAccepted Action = "member.policy_accepted"

	RoleCreated Action = "role.created"
	RoleUpdated Action = "role.updated"
	RoleDeleted Action = "role.deleted"

	TeamCreated        Action = "team.created"
	TeamUpdated        Action = "team.updated"
	TeamDeleted        Action = "team.deleted"
	MemberTeamsChanged Action = "member.teams_changed"

	ConnectionCreated Action = "connection.created"
	ConnectionUpdated Action = "connection.updated"
	ConnectionDeleted Action = "connection.deleted"

	PasswordChanged Action = "account.password_changed"
	PasswordReset   Action = "account.password_reset"

	TwoFactorEnabled  Action = "account.two_factor_enabled"
	TwoFactorDisabled Action = "account.two_factor_disabled"

	JobCreated Action = "job.created"

	KeyCreated     Action = "key.created"
	KeyUpdated     Action = "key.updated"
	KeyRotated     Action = "key.rotated"
	KeyTransferred Action = "key.transferred"
	KeyRevoked     Action = "key.revoked"
)

// Entry describes an action.
type Entry struct {
	Action Action
	// About says when it is recorded.
	About string
	// Routes are those that may record it; of none, Roster records it by itself.
	Routes []route.ID
}

// changing are the routes by which members are changed, and removing those by
// which they are removed.
var (
	changing = []route.ID{route.UpdateMember, route.BulkEditMembers}
	removing = append([]route.ID{route.LeaveOrganization}, handingOver...)
)

// handingOver are the routes by which what a member shared with others is handed over
// in their removal.
var handingOver = []route.ID{route.RemoveMember, route.BulkRemoveMembers, route.RemoveMembersByPost}

// inviting are the routes by which people are invited.
var inviting = []route.ID{route.InviteMember, route.RegisterInvite, route.BulkInvite}

// accepting are the routes by which an invitation is accepted, and proving those by
// which the holder of an address proves it.
var (
	accepting = []route.ID{route.AcceptInvitation, route.VerifyEmail}
	proving   = append([]route.ID{route.ResetPassword}, accepting...)
)

// Catalogue has every action.
var Catalogue = []Entry{
	{OrganizationCreated, "An organization was founded; its first owner is among `also`", []route.ID{route.CreateOrganization, route.Register}},
	{OrganizationUpdated, "Settings were changed", []route.ID{route.UpdateOrganization}},
	{OrganizationSuspended, "The platform stopped the organization", []route.ID{route.SuspendOrganization}},
	{OrganizationUnsuspended, "The platform let the organization go on", []route.ID{route.UnsuspendOrganization}},

	{OrganizationDeleted, "An owner deleted the organization; it may be restored for a while", []route.ID{route.DeleteOrganization}},
	{OrganizationRestored, "A deleted organization goes on", []route.ID{route.RestoreOrganization}},
	{OrganizationErased, "What a deleted organization held was erased", nil},
	{SecurityUpdated, "What the organization demands of how its members log in was changed", []route.ID{route.UpdateSecurity}},
	{OwnershipTransferred, "An owner handed the ownership over; `also` names who had it and who has it now", []route.ID{route.TransferOwnership}},
	{BillingUpdated, "The billing contact, purchase order or budget were changed", []route.ID{route.UpdateBilling}},
	{PricesUpdated, "The organization's own prices of models, or its default tariff, were changed; a price that it does not have is the built-in one", []route.ID{route.UpdatePrices}},

	{InvitationCreated, "A person was invited", inviting},
	{InvitationRenewed, "A person whose invitation was open was invited again", inviting},
	{InvitationResent, "An invitation was mailed again", []route.ID{route.ResendInvitation}},
	{InvitationRevoked, "An invitation was revoked, and with it a join request of the same person, which `also` names", []route.ID{route.RevokeInvitation}},
	{InvitationAccepted, "An invited person became a member, whom `also` names; before and after are the member's", accepting},

	{InvitationHandedOver, "Someone else answers for an open invitation, since whoever sent it is removed", handingOver},

	{JoinRequestCreated, "A person asked to join", []route.ID{route.RequestToJoin}},
	{JoinRequestApproved, "A join request was approved; `also` names an invitation that was settled with it", []route.ID{route.ApproveJoinRequest}},
	{JoinRequestAutoApproved, "A person asked to join, and the organization's rules let them in at once", []route.ID{route.RequestToJoin}},
	{JoinRequestRejected, "A join request was rejected; `also` names an invitation that was revoked with it", []route.ID{route.RejectJoinRequest}},
	{JoinRequestWithdrawn, "A person took their join request back, or lost it with an address that they had only claimed",
		append([]route.ID{route.WithdrawJoinRequest}, proving...)},

	{ServiceAccountCreated, "A service account was made", []route.ID{route.CreateServiceAccount}},
	{MemberUpdated, "A member's name, alias, metadata or end date were changed, or who answers for a service account",
		slices.Concat(changing, handingOver)},
	{MemberRoleChanged, "A member got another role", append([]route.ID{route.ChangeUserRole}, changing...)},
	{MemberSuspended, "A member was suspended", append([]route.ID{route.SuspendMember}, changing...)},
	{MemberUnsuspended, "A suspended member may go on", append([]route.ID{route.UnsuspendMember}, changing...)},
	{MemberSuspensionScheduled, "When a suspension is to begin, or to end by itself, was said, changed or taken back",
		append([]route.ID{route.SuspendMember, route.UnsuspendMember}, changing...)},
	{MemberLimitsChanged, "What a member may spend was changed", []route.ID{route.SetLimits}},
	{LimitRequestCreated, "A member asked for more than they may spend", []route.ID{route.RequestLimit}},
	{LimitRequestRenewed, "A member asked anew, in place of their open request", []route.ID{route.RequestLimit}},
	{LimitRequestApproved, "A limit request was approved; before and after have the member's limits", []route.ID{route.ApproveLimitRequest}},
	{LimitRequestDeclined, "A limit request was declined", []route.ID{route.DeclineLimitRequest}},
	{UsageAdjusted, "A model call was refunded, or charged more, by a counter-event", []route.ID{route.AdjustUsage}},
	{TeamLimitsChanged, "What a team may spend was changed", []route.ID{route.SetLimits}},
	{OrganizationLimitsChanged, "What the whole organization may spend was changed", []route.ID{route.SetLimits}},
	{MemberHandedOver, "Someone was named who takes over what a removed member shared with others", handingOver},
	{MemberPolicyAccepted, "A member accepted the organization's policy by themselves; whoever does so by coming in, has it in the event of that", []route.ID{route.AcceptPolicy}},
	{MemberRemoved, "A member was removed, or left: the API keys before are revoked", removing},
	{MemberKeysRevoked, "Who had claimed an address lost their API keys to its holder, and what they had accepted counts no more", proving},
	{MemberSessionsEnded, "The sessions that a member had in the organization were ended", []route.ID{route.EndMemberSessions}},
	{MemberSessionEnded, "One session that a member had in the organization was ended; before names it", []route.ID{route.EndMemberSession}},

	{RoleCreated, "A role of the organization's own was made", []route.ID{route.CreateRole}},
	{RoleUpdated, "A role's permissions or description were changed", []route.ID{route.UpdateRole}},
	{RoleDeleted, "A role was deleted; after names the role that its members have instead", []route.ID{route.DeleteRole}},
	{TeamCreated, "A team was made", []route.ID{route.CreateTeam}},
	{TeamUpdated, "A team was renamed or described", []route.ID{route.UpdateTeam}},
	{TeamDeleted, "A team that nobody was in was deleted", []route.ID{route.DeleteTeam}},
	{MemberTeamsChanged, "A member came into a team, left it, or became or ceased to be its manager", slices.Concat([]route.ID{route.AddTeamMember, route.RemoveTeamMember}, changing[1:], handingOver)},

	{ConnectionCreated, "A provider's credential was stored", []route.ID{route.CreateConnection}},
	{ConnectionUpdated, "A connection was changed, or its credential replaced, or it was handed over",
		append([]route.ID{route.UpdateConnection}, handingOver...)},
	{ConnectionDeleted, "A connection was deleted with its credential", []route.ID{route.DeleteConnection}},

	{PasswordChanged, "A member changed the password of their account", []route.ID{route.ChangePassword}},
	{PasswordReset, "A member chose a new password for their account by a mailed link", []route.ID{route.ResetPassword}},
	{TwoFactorEnabled, "A member turned two-factor authentication of their account on", []route.ID{route.EnableTwoFactor}},
	{TwoFactorDisabled, "A member turned two-factor authentication of their account off", []route.ID{route.DisableTwoFactor}},

	{JobCreated, "Work that is too large for one request was begun; what it changes has events of its own", []route.ID{route.BulkInvite}},

	{KeyCreated, "An API key was made", []route.ID{route.CreateKey}},
	{KeyUpdated, "An API key's name, expiry or allowed models were changed, or its previous secret ended early",
		append([]route.ID{route.UpdateKey}, handingOver...)},
	{KeyLimitsChanged, "What may be spent through an API key was changed", []route.ID{route.SetLimits}},
	{KeyRotated, "An API key got a new secret", []route.ID{route.RotateKey}},
	{KeyTransferred, "An API key was given to another member, as the key that `also` names", []route.ID{route.TransferKey}},
	{KeyRevoked, "An API key was revoked by itself, or with the removal of whoever made it", append([]route.ID{route.RevokeKey}, handingOver...)},
}

// Unaudited are the routes that change something and record no event of an
// organization, each with the reason.
var Unaudited = map[route.ID]string{
	route.ForgotPassword:     "mails a person a link to their own account",
	route.EndSession:         "ends a person's own session",
	route.EndOtherSessions:   "ends a person's own sessions",
	route.SetUpTwoFactor:     "turns nothing on yet",
	route.ResendVerification: "mails a person a link to their own account",
	route.Login:              "opens a person's own session",
	route.Refresh:            "goes on with a person's own session",
	route.Logout:             "ends a person's own session",
	route.SwitchOrganization: "moves a person's own session",
	route.CreateMyConnection: "is of a person's own, in no organization",
	route.UpdateMyConnection: "is of a person's own, in no organization",
	route.DeleteMyConnection: "is of a person's own, in no organization",
	route.RecordUsage:        "usage events are their own record",
	route.RecordUsageChunk:   "usage events are their own record",
	route.Reserve:            "is settled by a usage event, or comes to nothing",
	route.CommitReservation:  "usage events are their own record",
	route.ReleaseReservation: "comes to nothing",
}
