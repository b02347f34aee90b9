package joinrequest

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/table"
	"roster/internal/user"
)

// RejectRequest turns someone away, who is told the reason.
type RejectRequest struct {
	Request id.JoinRequest `path:"request_id" json:"-"`
	Reason  field.Reason   `json:"reason,omitzero"`
}

// Reject ends a request. An open invitation of the same address is revoked with
// it, lest it let in who was just turned away; but not where that one only claims
// the address.
func (s Service) Reject(ctx context.Context, by access.Actor, in RejectRequest) (Answer, error) {
	var out Answer
	err := table.Retry(ctx, func() error {
		var (
			read    *member.Member
			account *user.User
		)
		if err := s.Table.Get(ctx,
			member.Read(by.Organization(), in.Request.User(), &read),
			user.Read(in.Request.User(), &account),
		); err != nil {
			return err
		}
		switch {
		case read != nil && granted(*read, in.Request):
			return errApproved
		case read == nil || !asks(*read, in.Request):
			return errNotFound
		}
		l, err := s.linked(ctx, by.Organization(), *read, account)
		if err != nil {
			return err
		}
		if err := l.invitation.Grantable(by); err != nil {
			return err
		}
		writes, err := member.RejectRequest(ctx, s.Env, by, *read, in.Reason)
		if err != nil {
			return err
		}
		now := s.Now()
		writes = append(writes, audit.Record(now, by.Organization(), audit.Event{
			Action: audit.JoinRequestRejected, Actor: audit.Member(by), Target: string(in.Request), Also: l.settled(),
			Before: map[string]any{"status": Pending}, After: map[string]any{"status": Rejected}, Reason: string(in.Reason),
		}))
		out, err = api.Commit(ctx, s.Table, Answer{ended(*read, Rejected)}, append(writes, l.rejected(now)...)...)
		return err
	})
	return out, err
}
