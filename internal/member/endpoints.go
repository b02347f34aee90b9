package member

import (
	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/route"
)

// Service has the use cases of members.
type Service struct{ *env.Env }

// Endpoints are the routes of members; those by which they are removed are package
// offboarding's.
func Endpoints(e *env.Env) []api.Endpoint {
	s := Service{e}
	return []api.Endpoint{
		api.Handle(route.TransferOwnership, access.Member(e), s.TransferOwnership),
		api.Handle(route.ListMembers, access.Member(e), s.ListMembers),
		api.Handle(route.GetMember, access.Member(e), s.GetMember),
		api.Handle(route.UpdateMember, access.Member(e), s.UpdateMember),
		api.Handle(route.ListMemberSessions, access.Member(e), s.ListMemberSessions),
		api.Handle(route.EndMemberSessions, access.Member(e), s.EndMemberSessions),
		api.Handle(route.EndMemberSession, access.Member(e), s.EndMemberSession),
		api.Handle(route.SuspendMember, access.Member(e), s.SuspendMember),
		api.Handle(route.UnsuspendMember, access.Member(e), s.UnsuspendMember),
		api.Handle(route.LeaveOrganization, access.Member(e), s.LeaveOrganization),
		api.Handle(route.AcceptPolicy, access.Member(e), s.AcceptPolicy),
		api.Handle(route.BulkEditMembers, access.Member(e), s.BulkEdit),
		api.Handle(route.CreateServiceAccount, access.Member(e), s.CreateServiceAccount),
		api.Handle(route.AddTeamMember, access.Member(e), s.AddTeamMember),
		api.Handle(route.RemoveTeamMember, access.Member(e), s.RemoveTeamMember),
		api.Handle(route.ListUsers, access.Member(e), s.ListUsers),
		api.Handle(route.ChangeUserRole, access.Member(e), s.ChangeUserRole),
	}
}
