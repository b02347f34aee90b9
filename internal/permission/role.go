package permission

// Names of the built-in roles.
const (
	Owner     = "owner"
	Admin     = "admin"
	Member    = "member"
	Developer = "developer"
	Viewer    = "viewer"
	Gateway   = "gateway"
)

// Role is a named set of permissions.
type Role struct {
	Name        string
	Description string
	Permissions Set
}

var (
	everything = Of(All...)
	memberSet  = Of(ModelsUse, UsageReadOwn, KeysOwn)
)

// BuiltIn lists the roles that every organization has, the most powerful first.
var BuiltIn = []Role{
	{Owner, "Full control, billing and deletion included", everything},
	{Admin, "Manages members, keys, connections, settings and reports",
		everything.Without(BillingManage, OrganizationDelete, SecurityManage)},
	{Developer, "Uses models, with keys and personal connections of their own", memberSet | Of(ConnectionsOwn)},
	{Member, "Uses models, with keys of their own", memberSet},
	{Viewer, "Sees their own usage; may not use models", Of(UsageReadOwn)},
	{Gateway, "Service account of a gateway: authorizes and reports usage on behalf of others", Of(UsageWrite)},
}

// BuiltInRole returns the built-in role of that name.
func BuiltInRole(name string) (Role, bool) {
	for _, r := range BuiltIn {
		if r.Name == name {
			return r, true
		}
	}
	return Role{}, false
}
