package limitrequest

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/table"
)

// DeclineRequest turns a request down; the member is told the reason.
type DeclineRequest struct {
	Request id.LimitRequest `path:"limit_request_id" json:"-"`
	Reason  field.Reason    `json:"reason,omitzero"`
}

// Decline leaves the member's limits as they are. Declining again, by whomever, changes
// nothing.
func (s Service) Decline(ctx context.Context, by access.Actor, in DeclineRequest) (out Answer, err error) {
	err = table.Retry(ctx, func() error {
		d, err := s.read(ctx, by.Organization(), in.Request)
		if err != nil {
			return err
		}
		if d.settled != nil {
			if d.settled.Status == Approved {
				return errApproved
			}
			out = Answer{d.settled.view()}
			return nil
		}
		if d.member == nil {
			return member.ErrNotFound
		}
		if err := member.MayChange(by, *d.member); err != nil {
			return err
		}
		now := s.Now()
		becomes := d.open.decided(Declined, by.User(), now)
		becomes.Request.DeclineReason = in.Reason
		data := mail.Data{Organization: string(d.organization.Name), Actor: by.Name(), Reason: string(in.Reason)}
		told, err := s.tell(ctx, *d.member, mail.LimitRequestDeclined, data)
		if err != nil {
			return err
		}
		out, err = api.Commit(ctx, s.Table, Answer{becomes.view()}, append([]table.Write{
			d.open.remove(by.Organization()), becomes.put(by.Organization()),
			audit.Record(now, by.Organization(), audit.Event{
				Action: audit.LimitRequestDeclined, Actor: audit.Member(by), Target: string(in.Request),
				Before: map[string]any{"status": Open}, After: map[string]any{"status": Declined}, Reason: string(in.Reason),
			}),
		}, told...)...)
		return err
	})
	return out, err
}
