package route

import p "roster/internal/permission"

const (
	Register           ID = "register"
	VerifyEmail        ID = "verifyEmail"
	ResendVerification ID = "resendVerification"
	Login              ID = "login"
	Refresh            ID = "refresh"
	Logout             ID = "logout"
	Me                 ID = "me"
	MyOrganizations    ID = "listMyOrganizations"
	SwitchOrganization ID = "switchOrganization"
	JWKS               ID = "jwks"

	ForgotPassword   ID = "forgotPassword"
	ResetPassword    ID = "resetPassword"
	ChangePassword   ID = "changePassword"
	ListSessions     ID = "listSessions"
	EndSession       ID = "endSession"
	EndOtherSessions ID = "endOtherSessions"

	SetUpTwoFactor   ID = "setUpTwoFactor"
	EnableTwoFactor  ID = "enableTwoFactor"
	DisableTwoFactor ID = "disableTwoFactor"

	CreateOrganization    ID = "createOrganization"
	ListOrganizations     ID = "listOrganizations"
	GetOrganization       ID = "getOrganization"
	UpdateOrganization    ID = "updateOrganization"
	DeleteOrganization    ID = "deleteOrganization"
	RestoreOrganization   ID = "restoreOrganization"
	SuspendOrganization   ID = "suspendOrganization"
	UnsuspendOrganization ID = "unsuspendOrganization"
	GetSecurity           ID = "getSecurity"
	UpdateSecurity        ID = "updateSecurity"
	TransferOwnership     ID = "transferOwnership"

	RegisterInvite   ID = "registerInvite"
	InviteMember     ID = "inviteMember"
	BulkInvite       ID = "bulkInvite"
	ListInvitations  ID = "listInvitations"
	ResendInvitation ID = "resendInvitation"
	RevokeInvitation ID = "revokeInvitation"
	GetInvitation    ID = "getInvitation"
	AcceptInvitation ID = "acceptInvitation"

	RequestToJoin       ID = "requestToJoin"
	ListMyJoinRequests  ID = "listMyJoinRequests"
	WithdrawJoinRequest ID = "withdrawJoinRequest"
	ListJoinRequests    ID = "listJoinRequests"
	ApproveJoinRequest  ID = "approveJoinRequest"
	RejectJoinRequest   ID = "rejectJoinRequest"

	ListMembers          ID = "listMembers"
	GetMember            ID = "getMember"
	UpdateMember         ID = "updateMember"
	RemoveMember         ID = "removeMember"
	LeaveOrganization    ID = "leaveOrganization"
	AcceptPolicy         ID = "acceptPolicy"
	BulkEditMembers      ID = "bulkEditMembers"
	BulkRemoveMembers    ID = "bulkRemoveMembers"
	RemoveMembersByPost  ID = "removeMembersByPost"
	CreateServiceAccount ID = "createServiceAccount"
	ListMemberSessions   ID = "listMemberSessions"
	EndMemberSessions    ID = "endMemberSessions"
	EndMemberSession     ID = "endMemberSession"
	SuspendMember        ID = "suspendMember"
	UnsuspendMember      ID = "unsuspendMember"
	ListUsers            ID = "listUsers"
	ChangeUserRole       ID = "changeUserRole"

	ListRoles       ID = "listRoles"
	CreateRole      ID = "createRole"
	UpdateRole      ID = "updateRole"
	DeleteRole      ID = "deleteRole"
	ListPermissions ID = "listPermissions"
	ListJobs        ID = "listJobs"
	GetJob          ID = "getJob"
	ListJobResults  ID = "listJobResults"

	CreateKey   ID = "createKey"
	ListKeys    ID = "listKeys"
	UpdateKey   ID = "updateKey"
	RevokeKey   ID = "revokeKey"
	RotateKey   ID = "rotateKey"
	TransferKey ID = "transferKey"

	CreateConnection   ID = "createConnection"
	ListConnections    ID = "listConnections"
	UpdateConnection   ID = "updateConnection"
	DeleteConnection   ID = "deleteConnection"
	CreateMyConnection ID = "createMyConnection"
	ListMyConnections  ID = "listMyConnections"
	UpdateMyConnection ID = "updateMyConnection"
	DeleteMyConnection ID = "deleteMyConnection"
	ListTeams          ID = "listTeams"
	CreateTeam         ID = "createTeam"
	UpdateTeam         ID = "updateTeam"
	DeleteTeam         ID = "deleteTeam"
	AddTeamMember      ID = "addTeamMember"
	RemoveTeamMember   ID = "removeTeamMember"

	GetLimits ID = "getSpendingLimits"
	SetLimits ID = "setSpendingLimits"

	RequestLimit        ID = "requestLimit"
	ListLimitRequests   ID = "listLimitRequests"
	ApproveLimitRequest ID = "approveLimitRequest"
	DeclineLimitRequest ID = "declineLimitRequest"

	Authorize   ID = "authorize"
	ForwardAuth ID = "forwardAuth"
	KeyStatus   ID = "keyStatus"
	RecordUsage ID = "recordUsage"

	RecordUsageChunk ID = "recordUsageChunk"
	GetUsageSource   ID = "getUsageSource"

	Reserve            ID = "reserve"
	CommitReservation  ID = "commitReservation"
	ReleaseReservation ID = "releaseReservation"

	UsageReport   ID = "usageReport"
	UsageForecast ID = "usageForecast"
	AdjustUsage   ID = "adjustUsage"
	UsageEvents   ID = "listUsageEvents"

	ExportMembers        ID = "exportMembers"
	ExportUsage          ID = "exportUsage"
	ExportCostAllocation ID = "exportCostAllocation"

	ListAuditEvents  ID = "listAuditEvents"
	ListAuditActions ID = "listAuditActions"
	ExplainAccess    ID = "explainAccess"
	ReviewAccess     ID = "reviewAccess"

	GetBilling     ID = "getBilling"
	UpdateBilling  ID = "updateBilling"
	GetPrices      ID = "getPrices"
	UpdatePrices   ID = "updatePrices"
	ListStatements ID = "listStatements"
	GetStatement   ID = "getStatement"

	Home       ID = "home"
	OpenAPI    ID = "openapi"
	Docs       ID = "docs"
	InvitePage ID = "invitePage"
	VerifyPage ID = "verifyPage"
	ResetPage  ID = "resetPage"
)

// All is every route.
var All = []Route{
	{Register, "POST /auth/register", "accounts", Public, nil, 201, "Create an account, optionally with a first organization"},
	{VerifyEmail, "POST /auth/verify-email", "accept", Public, nil, 200, "Prove an address with the token that was mailed to it"},
	{ResendVerification, "POST /auth/verify-email/resend", "accounts", Account, nil, 200, "Mail the verification link again"},
	{Login, "POST /auth/login", "accounts", Public, nil, 200, "Log in with address and password"},
	{Refresh, "POST /auth/refresh", "accounts", Public, nil, 200, "Exchange a refresh token for new tokens"},
	{Logout, "POST /auth/logout", "accounts", Account, nil, 200, "End the session"},
	{Me, "GET /auth/me", "accounts", Account, nil, 200, "Who the caller is"},
	{MyOrganizations, "GET /auth/organizations", "accounts", Account, nil, 200, "The organizations the caller belongs to"},
	{SwitchOrganization, "POST /auth/switch-org", "accounts", Account, nil, 200, "New tokens for another organization of the caller"},
	{ForgotPassword, "POST /auth/password/forgot", "accounts", Public, nil, 200, "Mail a link to a new password; the answer is the same for every address"},
	{ResetPassword, "POST /auth/password/reset", "accounts", Public, nil, 200, "Choose a new password by a mailed link, once; ends all sessions"},
	{ChangePassword, "PUT /auth/password", "accounts", Account, nil, 200, "Change the password; ends all other sessions"},
	{ListSessions, "GET /auth/sessions", "accounts", Account, nil, 200, "The caller's sessions, the newest first"},
	{EndSession, "DELETE /auth/sessions/{session_id}", "accounts", Account, nil, 200, "End one of the caller's sessions"},
	{EndOtherSessions, "DELETE /auth/sessions", "accounts", Account, nil, 200, "End all sessions of the caller but the current one"},
	{SetUpTwoFactor, "POST /auth/2fa/setup", "accounts", Account, nil, 200, "A secret for the caller's authenticator; nothing is on until a code of it was sent"},
	{EnableTwoFactor, "POST /auth/2fa/enable", "accounts", Account, nil, 200, "Turn two-factor authentication on; shows the recovery codes once"},
	{DisableTwoFactor, "POST /auth/2fa/disable", "accounts", Account, nil, 200, "Turn two-factor authentication off"},
	{JWKS, "GET /.well-known/jwks.json", "accounts", Public, nil, 200, "The public keys of access tokens (RFC 7517)"},

	{CreateOrganization, "POST /api/organizations", "organizations", Account, nil, 201, "Create an organization; the caller becomes its owner"},
	{ListOrganizations, "GET /api/organizations", "organizations", Platform, nil, 200, "Every organization of the deployment"},
	{GetOrganization, "GET /api/organizations/{org_id}", "organizations", Member, nil, 200, "The organization and its settings"},
	{UpdateOrganization, "PUT /api/organizations/{org_id}", "organizations", Member, []p.Permission{p.SettingsManage}, 200, "Change settings (merge)"},
	{DeleteOrganization, "DELETE /api/organizations/{org_id}", "organizations", Member, []p.Permission{p.OrganizationDelete}, 200, "Delete the organization, after 30 days of grace"},
	{RestoreOrganization, "POST /api/organizations/{org_id}/restore", "organizations", Member, []p.Permission{p.OrganizationDelete}, 200, "Restore an organization that is being deleted"},
	{SuspendOrganization, "POST /api/organizations/{org_id}/suspend", "organizations", Platform, nil, 200, "Stop an organization: its members may do nothing"},
	{UnsuspendOrganization, "POST /api/organizations/{org_id}/unsuspend", "organizations", Platform, nil, 200, "Let a suspended organization go on"},
	{GetSecurity, "GET /api/organizations/{org_id}/security", "organizations", Member, nil, 200, "What the organization demands of how its members log in"},
	{UpdateSecurity, "PUT /api/organizations/{org_id}/security", "organizations", Member, []p.Permission{p.SecurityManage}, 200, "Change that (merge)"},
	{TransferOwnership, "POST /api/organizations/{org_id}/transfer-ownership", "organizations", Member, []p.Permission{p.OrganizationDelete}, 200, "Hand the ownership over to another member"},

	{RegisterInvite, "POST /auth/register-invite", "invite", Member, []p.Permission{p.MembersManage}, 201, "Invite a person into the caller's organization"},
	{InviteMember, "POST /api/organizations/{org_id}/members/invite", "invite", Member, []p.Permission{p.MembersManage}, 201, "Invite a person"},
	{BulkInvite, "POST /api/organizations/{org_id}/members/invite/bulk", "invite", Member, []p.Permission{p.MembersManage}, 200, "Invite up to 10,000 people, as JSON or CSV; answered entry by entry, more than 100 by a job"},
	{ListInvitations, "GET /api/organizations/{org_id}/invitations", "invite", Member, []p.Permission{p.MembersManage}, 200, "Open invitations"},
	{ResendInvitation, "POST /api/organizations/{org_id}/invitations/{invitation_id}/resend", "invite", Member, []p.Permission{p.MembersManage}, 200, "Mail an invitation again, with a new link and expiry"},
	{RevokeInvitation, "DELETE /api/organizations/{org_id}/invitations/{invitation_id}", "invite", Member, []p.Permission{p.MembersManage}, 200, "Revoke an invitation"},
	{GetInvitation, "GET /auth/invitations/{token}", "accept", Public, nil, 200, "What an invitation link offers; changes nothing"},
	{AcceptInvitation, "POST /auth/accept-invite", "accept", Public, nil, 200, "Accept an invitation"},

	{RequestToJoin, "POST /api/organizations/{org_id}/join-requests", "join", Account, nil, 201, "Ask to join an organization that allows it"},
	{ListMyJoinRequests, "GET /auth/join-requests", "join", Account, nil, 200, "The caller's open join requests"},
	{WithdrawJoinRequest, "DELETE /auth/join-requests/{request_id}", "join", Account, nil, 200, "Withdraw a join request"},
	{ListJoinRequests, "GET /api/admin/organization/join-requests", "approve", Member, []p.Permission{p.MembersManage}, 200, "Who asks to join the caller's organization"},
	{ApproveJoinRequest, "POST /api/admin/organization/join-requests/{request_id}/approve", "approve", Member, []p.Permission{p.MembersManage}, 200, "Approve a join request"},
	{RejectJoinRequest, "POST /api/admin/organization/join-requests/{request_id}/reject", "approve", Member, []p.Permission{p.MembersManage}, 200, "Reject a join request"},

	{ListMembers, "GET /api/organizations/{org_id}/members", "members", Member, []p.Permission{p.MembersManage, p.TeamsOwn}, 200, "Members and those who wait to become one"},
	{GetMember, "GET /api/organizations/{org_id}/members/{user_id}", "members", Member, nil, 200, "One member; everyone may see themselves"},
	{UpdateMember, "PUT /api/organizations/{org_id}/members/{user_id}", "members", Member, []p.Permission{p.MembersManage}, 200, "Change role, status, metadata, name or alias (merge)"},
	{RemoveMember, "DELETE /api/organizations/{org_id}/members/{user_id}", "members", Member, []p.Permission{p.MembersManage}, 200, "Remove a member: keys revoked, history kept, what they shared handed over; or a preview of it"},
	{LeaveOrganization, "POST /api/organizations/{org_id}/members/leave", "members", Member, nil, 200, "Leave the organization"},
	{AcceptPolicy, "POST /api/organizations/{org_id}/policy/accept", "members", Member, nil, 200, "Accept the organization's policy, in person"},
	{BulkEditMembers, "PUT /api/organizations/{org_id}/members/bulk", "members", Member, []p.Permission{p.MembersManage}, 200, "Change members alike: up to 100, answered entry by entry; more, or those who match a filter, by a job"},
	{BulkRemoveMembers, "DELETE /api/organizations/{org_id}/members/bulk", "members", Member, []p.Permission{p.MembersManage}, 200, "Remove members: up to 100, answered entry by entry; more, or those who match a filter, by a job"},
	{RemoveMembersByPost, "POST /api/organizations/{org_id}/members/bulk-remove", "members", Member, []p.Permission{p.MembersManage}, 200, "The same for clients that send no body with DELETE"},
	{CreateServiceAccount, "POST /api/organizations/{org_id}/service-accounts", "members", Member, []p.Permission{p.MembersManage}, 201, "Create a member without a person: a gateway or bot"},
	{ListMemberSessions, "GET /api/organizations/{org_id}/members/{user_id}/sessions", "members", Member, []p.Permission{p.MembersManage}, 200, "A member's sessions that are in the organization"},
	{EndMemberSessions, "DELETE /api/organizations/{org_id}/members/{user_id}/sessions", "members", Member, []p.Permission{p.MembersManage}, 200, "End a member's sessions in the organization; to enter it again takes a log-in"},
	{EndMemberSession, "DELETE /api/organizations/{org_id}/members/{user_id}/sessions/{session_id}", "members", Member, []p.Permission{p.MembersManage}, 200, "End one of a member's sessions that are in the organization"},
	{SuspendMember, "POST /api/organizations/{org_id}/members/{user_id}/suspend", "suspend", Member, []p.Permission{p.MembersManage}, 200, "Suspend a member with a reason"},
	{UnsuspendMember, "POST /api/organizations/{org_id}/members/{user_id}/unsuspend", "suspend", Member, []p.Permission{p.MembersManage}, 200, "Let a suspended member go on"},
	{ListUsers, "GET /admin/users", "members", Member, []p.Permission{p.MembersManage, p.TeamsOwn}, 200, "Members of the caller's organization"},
	{ChangeUserRole, "PUT /admin/users/{user_id}/role", "members", Member, []p.Permission{p.MembersManage}, 200, "Change a member's role"},

	{ListRoles, "GET /api/organizations/{org_id}/roles", "roles", Member, nil, 200, "The roles that there are, and what each may do"},
	{CreateRole, "POST /api/organizations/{org_id}/roles", "roles", Member, []p.Permission{p.RolesManage}, 201, "Make a role of the organization's own"},
	{UpdateRole, "PUT /api/organizations/{org_id}/roles/{role}", "roles", Member, []p.Permission{p.RolesManage}, 200, "Change what a role may do (merge); acts at its members' next call"},
	{DeleteRole, "DELETE /api/organizations/{org_id}/roles/{role}", "roles", Member, []p.Permission{p.RolesManage}, 200, "Delete a role; its members get the successor"},
	{ListPermissions, "GET /api/organizations/{org_id}/permissions", "roles", Member, nil, 200, "The permissions that there are, and what each allows"},
	{ListJobs, "GET /api/organizations/{org_id}/jobs", "jobs", Member, nil, 200, "Work that was too large for one request"},
	{GetJob, "GET /api/organizations/{org_id}/jobs/{job_id}", "jobs", Member, nil, 200, "How far a job is"},
	{ListJobResults, "GET /api/organizations/{org_id}/jobs/{job_id}/results", "jobs", Member, nil, 200, "What the rows of a job came to"},

	{ListTeams, "GET /api/organizations/{org_id}/teams", "teams", Member, nil, 200, "The teams; of those who do not manage members, their own"},
	{CreateTeam, "POST /api/organizations/{org_id}/teams", "teams", Member, []p.Permission{p.MembersManage}, 201, "Make a team"},
	{UpdateTeam, "PUT /api/organizations/{org_id}/teams/{team_id}", "teams", Member, []p.Permission{p.MembersManage, p.TeamsOwn}, 200, "Rename or describe a team (merge)"},
	{DeleteTeam, "DELETE /api/organizations/{org_id}/teams/{team_id}", "teams", Member, []p.Permission{p.MembersManage}, 200, "Delete a team"},
	{AddTeamMember, "PUT /api/organizations/{org_id}/teams/{team_id}/members/{user_id}", "teams", Member, []p.Permission{p.MembersManage, p.TeamsOwn}, 200, "Put a member into a team, or change what they are in it"},
	{RemoveTeamMember, "DELETE /api/organizations/{org_id}/teams/{team_id}/members/{user_id}", "teams", Member, []p.Permission{p.MembersManage, p.TeamsOwn}, 200, "Take a member out of a team"},

	{CreateKey, "POST /api/organizations/{org_id}/keys", "keys", Member, []p.Permission{p.KeysOwn, p.KeysManage}, 201, "Create an API key; its secret is shown once"},
	{ListKeys, "GET /api/organizations/{org_id}/keys", "keys", Member, []p.Permission{p.KeysOwn, p.KeysManage}, 200, "The caller's keys, or a member's"},
	{UpdateKey, "PUT /api/organizations/{org_id}/keys/{key_id}", "keys", Member, []p.Permission{p.KeysOwn, p.KeysManage}, 200, "Change a key's name, expiry or allowed models (merge)"},
	{RevokeKey, "DELETE /api/organizations/{org_id}/keys/{key_id}", "keys", Member, []p.Permission{p.KeysOwn, p.KeysManage}, 200, "Revoke a key"},
	{RotateKey, "POST /api/organizations/{org_id}/keys/{key_id}/rotate", "keys", Member, []p.Permission{p.KeysOwn, p.KeysManage}, 200, "Give a key a new secret; the one before may stay valid for a while"},
	{TransferKey, "POST /api/organizations/{org_id}/keys/{key_id}/transfer", "keys", Member, []p.Permission{p.KeysManage}, 201, "Give a key to another member, with a new secret"},

	{CreateConnection, "POST /api/organizations/{org_id}/connections", "connections", Member, []p.Permission{p.ConnectionsManage}, 201, "Store a provider's credential for the organization; it is never shown again"},
	{ListConnections, "GET /api/organizations/{org_id}/connections", "connections", Member, []p.Permission{p.ConnectionsManage}, 200, "The organization's connections, without their credentials"},
	{UpdateConnection, "PUT /api/organizations/{org_id}/connections/{connection_id}", "connections", Member, []p.Permission{p.ConnectionsManage}, 200, "Rename, enable or disable a connection, or replace its credential (merge)"},
	{DeleteConnection, "DELETE /api/organizations/{org_id}/connections/{connection_id}", "connections", Member, []p.Permission{p.ConnectionsManage}, 200, "Delete a connection with its credential"},
	{CreateMyConnection, "POST /auth/connections", "connections", Account, nil, 201, "Store a provider's credential of the caller's own; it stays theirs in every organization"},
	{ListMyConnections, "GET /auth/connections", "connections", Account, nil, 200, "The caller's personal connections, without their credentials"},
	{UpdateMyConnection, "PUT /auth/connections/{connection_id}", "connections", Account, nil, 200, "Rename, enable or disable a personal connection, or replace its credential (merge)"},
	{DeleteMyConnection, "DELETE /auth/connections/{connection_id}", "connections", Account, nil, 200, "Delete a personal connection with its credential"},

	{GetLimits, "GET /api/organizations/{org_id}/spending-limits", "limits", Member, nil, 200, "What may be spent by a member, by a team, through a key, or by the whole organization"},
	{SetLimits, "PUT /api/organizations/{org_id}/spending-limits", "limits", Member, []p.Permission{p.MembersManage, p.KeysOwn, p.KeysManage, p.BillingManage}, 200, "Change what may be spent by a member, by a team, through a key, or by the whole organization (merge)"},
	{RequestLimit, "POST /api/organizations/{org_id}/limit-requests", "limits", Member, nil, 201, "Ask for more than one may spend"},
	{ListLimitRequests, "GET /api/organizations/{org_id}/limit-requests", "limits", Member, nil, 200, "Who asks to spend more, and what became of it; of those who do not manage members, their own"},
	{ApproveLimitRequest, "POST /api/organizations/{org_id}/limit-requests/{limit_request_id}/approve", "limits", Member, []p.Permission{p.MembersManage}, 200, "Grant what was asked for, or something else"},
	{DeclineLimitRequest, "POST /api/organizations/{org_id}/limit-requests/{limit_request_id}/decline", "limits", Member, []p.Permission{p.MembersManage}, 200, "Turn a limit request down, with a reason"},
	{Authorize, "POST /v1/authorize", "authorize", Member, []p.Permission{p.ModelsUse, p.UsageWrite}, 200, "May this key use models now?"},
	{ForwardAuth, "GET /v1/authorize", "authorize", Member, []p.Permission{p.ModelsUse, p.UsageWrite}, 200, "May the key use models now that a client sent to a gateway? Forward authentication of nginx, Caddy, Traefik and Envoy"},
	{KeyStatus, "GET /v1/key", "authorize", Member, nil, 200, "The status of the key that asks"},
	{RecordUsage, "POST /v1/usage", "meter", Member, []p.Permission{p.ModelsUse, p.UsageWrite}, 200, "Record model calls, each exactly once"},
	{RecordUsageChunk, "PUT /v1/usage/sources/{source}/{sequence}", "meter", Member, []p.Permission{p.UsageWrite}, 200, "Record the next chunk of model calls from one of up to 24 sources, exactly once: the cheapest way for a busy gateway"},
	{GetUsageSource, "GET /v1/usage/sources/{source}", "meter", Member, []p.Permission{p.UsageWrite}, 200, "Which chunk a source sends next"},
	{Reserve, "POST /v1/reservations", "meter", Member, []p.Permission{p.ModelsUse, p.UsageWrite}, 200, "Hold what a model call may cost, within every limit"},
	{CommitReservation, "POST /v1/reservations/{reservation_id}/commit", "meter", Member, []p.Permission{p.ModelsUse, p.UsageWrite}, 200, "Book what a call cost, in place of its reservation"},
	{ReleaseReservation, "DELETE /v1/reservations/{reservation_id}", "meter", Member, []p.Permission{p.ModelsUse, p.UsageWrite}, 200, "Give back what a reservation holds"},
	{AdjustUsage, "POST /api/organizations/{org_id}/usage/adjustments", "meter", Member, []p.Permission{p.BillingManage}, 201, "Refund a model call, or charge more for it, by a counter-event"},
	{UsageForecast, "GET /api/organizations/{org_id}/usage/forecast", "usage", Member, []p.Permission{p.UsageReadOwn, p.UsageRead}, 200, "How the month ends, and when it meets its limit"},
	{UsageReport, "GET /api/organizations/{org_id}/usage", "usage", Member, []p.Permission{p.UsageReadOwn, p.UsageRead}, 200, "Who used what in a period"},
	{UsageEvents, "GET /api/organizations/{org_id}/usage/events", "usage", Member, []p.Permission{p.UsageReadOwn, p.UsageRead}, 200, "Single events as they were counted, for a dispute"},

	{ExportMembers, "GET /api/organizations/{org_id}/export/members", "export", Member, []p.Permission{p.ReportsExport}, 200, "Members as a CSV or JSON file"},
	{ExportUsage, "GET /api/organizations/{org_id}/export/usage", "export", Member, []p.Permission{p.ReportsExport}, 200, "The usage report as a CSV or JSON file"},
	{ExportCostAllocation, "GET /api/organizations/{org_id}/export/cost-allocation", "export", Member, []p.Permission{p.ReportsExport}, 200, "What usage cost by what members have in their metadata, as a CSV or JSON file"},

	{ListAuditEvents, "GET /api/organizations/{org_id}/audit-events", "audit", Member, []p.Permission{p.AuditRead}, 200, "Who changed what, and what befell a member; as CSV too"},
	{ListAuditActions, "GET /api/organizations/{org_id}/audit-actions", "audit", Member, []p.Permission{p.AuditRead}, 200, "The actions that the audit log knows, and what each means"},
	{ExplainAccess, "GET /api/organizations/{org_id}/members/{user_id}/access", "audit", Member, nil, 200, "May a member use models now? If not, every reason, who brought it about, and what to do"},
	{ReviewAccess, "GET /api/organizations/{org_id}/access-review", "audit", Member, []p.Permission{p.MembersManage}, 200, "Members who have not been active for a while; as CSV too"},

	{GetBilling, "GET /api/organizations/{org_id}/billing", "billing", Member, []p.Permission{p.BillingRead}, 200, "The billing settings, and what was spent of the month's budget"},
	{UpdateBilling, "PUT /api/organizations/{org_id}/billing", "billing", Member, []p.Permission{p.BillingManage}, 200, "Change the billing settings (merge)"},
	{GetPrices, "GET /api/organizations/{org_id}/prices", "billing", Member, nil, 200, "What models cost: the organization's own prices over the built-in list"},
	{UpdatePrices, "PUT /api/organizations/{org_id}/prices", "billing", Member, []p.Permission{p.BillingManage}, 200, "Change the organization's own prices (merge), as a new version"},
	{ListStatements, "GET /api/organizations/{org_id}/billing/statements", "billing", Member, []p.Permission{p.BillingRead}, 200, "The months of which there are statements"},
	{GetStatement, "GET /api/organizations/{org_id}/billing/statements/{month}", "billing", Member, []p.Permission{p.BillingRead}, 200, "A month's statement: exact, and unchanging once it is closed"},

	{Home, "GET /", "console", Public, nil, 200, "Where things are"},
	{OpenAPI, "GET /openapi.json", "console", Public, nil, 200, "This API as an OpenAPI 3.1 document"},
	{Docs, "GET /docs", "console", Public, nil, 200, "The API reference"},
	{InvitePage, "GET /invite", "console", Public, nil, 200, "The page to which invitation links lead"},
	{VerifyPage, "GET /verify", "console", Public, nil, 200, "The page to which verification links lead"},
	{ResetPage, "GET /reset", "console", Public, nil, 200, "The page to which links to a new password lead, and on which one is asked for"},
}
