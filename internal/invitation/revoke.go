package invitation

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/table"
	"roster/internal/user"
)

// RevokeRequest names an invitation.
type RevokeRequest struct {
	Invitation id.Invitation `path:"invitation_id" json:"-"`
}

// Revoke ends a pending invitation: none of its links works any more. A request
// to join by the holder of the address is rejected with it; one by whoever claims
// the address is not. A repeat changes nothing.
func (s Service) Revoke(ctx context.Context, by access.Actor, in RevokeRequest) (Answer, error) {
	var out Answer
	err := table.Retry(ctx, func() error {
		now := s.Now()
		read, err := s.get(ctx, by.Organization(), in.Invitation)
		if err != nil {
			return err
		}
		switch read.Status {
		case Revoked:
			out = Answer{read.view(now)}
			return nil
		case Accepted:
			return errGone
		}
		if err := read.Grantable(by); err != nil {
			return err
		}
		next := read.settled(Revoked, "", now)
		writes := []table.Write{save(read, next)}
		request, err := s.requestOf(ctx, *read)
		if err != nil {
			return err
		}
		var also []string
		if request != nil {
			also = []string{string(request.Request.ID)}
			rejected, err := member.RejectRequest(ctx, s.Env, by, *request, "")
			if err != nil {
				return err
			}
			writes = append(writes, rejected...)
		}
		writes = append(writes, record(audit.InvitationRevoked, by, read, next, also...))
		out, err = api.Commit(ctx, s.Table, Answer{next.view(now)}, writes...)
		return err
	})
	return out, err
}

// requestOf reads the pending member who proved to hold the invited address; nil
// if there is none.
func (s Service) requestOf(ctx context.Context, i Invitation) (*member.Member, error) {
	var holder *user.Holder
	if err := s.Table.Get(ctx, user.ReadHolder(i.Email, &holder)); err != nil || holder == nil {
		return nil, err
	}
	var (
		account *user.User
		m       *member.Member
	)
	if err := s.Table.Get(ctx, user.Read(holder.User, &account), member.Read(i.Organization, holder.User, &m)); err != nil {
		return nil, err
	}
	if account == nil || !account.Verified || m == nil || m.Status != access.Pending {
		return nil, nil
	}
	return m, nil
}
