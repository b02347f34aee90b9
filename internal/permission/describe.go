package permission

// descriptions say what each permission allows, for who makes a role of them.
var descriptions = map[Permission]string{
	ModelsUse:          "Use models: authorize, reserve and report one's own usage",
	UsageReadOwn:       "See one's own usage and limits",
	UsageRead:          "See everyone's usage",
	UsageWrite:         "Authorize, reserve and report usage on behalf of others, as a gateway does",
	MembersManage:      "Invite, approve, change, suspend and remove members, and manage teams",
	ConnectionsOwn:     "Use personal provider connections in the organization",
	ConnectionsManage:  "Manage the organization's provider connections",
	KeysOwn:            "Create, change and revoke one's own API keys",
	KeysManage:         "Create, change and revoke the API keys of others",
	RolesManage:        "Create, change and delete roles",
	SettingsManage:     "Change the organization's settings",
	SecurityManage:     "Change the organization's security policies",
	AnnouncementsSend:  "Send announcements to members",
	ReportsExport:      "Export members, usage and cost allocation",
	AuditRead:          "Read and export audit events",
	BillingRead:        "See billing details and statements",
	BillingManage:      "Change billing details, the organization's budget and its prices of models",
	OrganizationDelete: "Delete the organization",
	TeamsOwn:           "See and manage the teams that one is a manager of; every manager has it, whatever the role",
}

// Describe says what a permission allows.
func Describe(p Permission) string { return descriptions[p] }
