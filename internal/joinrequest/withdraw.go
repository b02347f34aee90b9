package joinrequest

import (
	"context"
	"slices"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/table"
)

// WithdrawRequest names one of the caller's requests.
type WithdrawRequest struct {
	Request id.JoinRequest `path:"request_id" json:"-"`
}

// Withdraw takes the caller's own request back. An invitation of theirs stays:
// it is the organization's.
func (s Service) Withdraw(ctx context.Context, by access.Identity, in WithdrawRequest) (Answer, error) {
	var out Answer
	err := table.Retry(ctx, func() error {
		mine, err := s.mine(ctx, by)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(mine, func(r member.Membership) bool { return r.Member.Request.ID == in.Request })
		if i < 0 {
			return errNotFound
		}
		m, now := mine[i].Member, s.Now()
		out, err = api.Commit(ctx, s.Table, Answer{ended(m, Withdrawn).in(mine[i].Organization)},
			append(member.EndRequest(m, now), audit.Record(now, m.Organization, audit.Event{
				Action: audit.JoinRequestWithdrawn, Actor: audit.User(by.User(), by.Client()), Target: string(in.Request),
				Before: map[string]any{"status": Pending}, After: map[string]any{"status": Withdrawn},
			}))...)
		return err
	})
	return out, err
}
