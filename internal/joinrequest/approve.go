package joinrequest

import (
	"cmp"
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/table"
	"roster/internal/user"
)

// ApproveRequest lets someone in.
type ApproveRequest struct {
	Request id.JoinRequest `path:"request_id" json:"-"`
	// Role is the organization's default role where it is not said.
	Role field.Label `json:"role,omitzero"`
}

// Approve makes the person a member with a role that the caller may grant. An
// invitation of the same address is settled with it, if the person proved to hold
// the address. Approving again, by whomever, changes nothing.
func (s Service) Approve(ctx context.Context, by access.Actor, in ApproveRequest) (Answer, error) {
	var out Answer
	err := table.Retry(ctx, func() error {
		var (
			org     *organization.Organization
			read    *member.Member
			account *user.User
		)
		if err := s.Table.Get(ctx,
			organization.Read(by.Organization(), &org),
			member.Read(by.Organization(), in.Request.User(), &read),
			user.Read(in.Request.User(), &account),
		); err != nil {
			return err
		}
		if read == nil {
			return errNotFound
		}
		if granted(*read, in.Request) {
			out = Answer{approved(*read).in(*org)}
			return nil
		}
		if !asks(*read, in.Request) {
			return errNotFound
		}
		if err := org.Policy.Join(read.Email); err != nil {
			return err
		}
		role := cmp.Or(string(in.Role), org.DefaultRole)
		if err := member.MayGrant(by, role, member.Person); err != nil {
			return err
		}
		l, err := s.linked(ctx, org.ID, *read, account)
		if err != nil {
			return err
		}
		if err := l.invitation.Grantable(by); err != nil {
			return err
		}
		asking := *read
		asking.TwoFactor = account != nil && account.TwoFactor != nil
		answer, writes, err := s.admission(ctx, *org, read, asking, role, l,
			audit.Event{Action: audit.JoinRequestApproved, Actor: audit.Member(by)})
		if err != nil {
			return err
		}
		out, err = api.Commit(ctx, s.Table, answer, writes...)
		return err
	})
	return out, err
}

// asks reports whether the request is the one that a pending member waits with.
func asks(m member.Member, request id.JoinRequest) bool {
	return m.Status == access.Pending && m.Request.ID == request
}

// granted reports whether the request is the one with which a member came. One of
// an earlier membership is not: its person is removed, or asks anew.
func granted(m member.Member, request id.JoinRequest) bool {
	present := m.Status == access.Active || m.Status == access.Suspended
	return present && m.Granted != nil && m.Granted.ID == request
}
