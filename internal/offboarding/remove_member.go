package offboarding

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/table"
)

// RemoveRequest names a member, and what becomes of what they shared with others: by
// parameters, or for clients that send a body with DELETE, in it.
type RemoveRequest struct {
	User id.User `path:"user_id" json:"-"`
	// Preview changes nothing, and shows what would become of everything.
	Preview             bool    `query:"preview" json:"-"`
	TransferParameter   id.User `query:"transfer_to" json:"-"`
	RevokeKeysParameter bool    `query:"revoke_made_keys" json:"-"`
	Terms
}

// Validate refuses two people to take over.
func (in RemoveRequest) Validate() []fault.Field {
	if in.TransferTo != "" && in.TransferParameter != "" && in.TransferTo != in.TransferParameter {
		return []fault.Field{{Pointer: "/transfer_to", Reason: "is another than the parameter transfer_to"}}
	}
	return nil
}

// terms are those of the body and of the parameters.
func (in RemoveRequest) terms() Terms {
	t := in.Terms
	if t.TransferTo == "" {
		t.TransferTo = in.TransferParameter
	}
	t.RevokeMadeKeys = t.RevokeMadeKeys || in.RevokeKeysParameter
	return t
}

// RemovedAnswer shows the member, and what was handed over, or in a preview what there
// is.
type RemovedAnswer struct {
	Member     member.Row  `json:"member"`
	HandedOver *HandedOver `json:"handed_over,omitzero"`
	Preview    *Preview    `json:"preview,omitzero"`
}

// RemoveMember ends a membership: keys are revoked, history stays, and what was shared
// goes to whoever takes over. A repeat does what is left; of a member who is removed
// already, it hands over what they still hold.
func (s Service) RemoveMember(ctx context.Context, by access.Actor, in RemoveRequest) (out RemovedAnswer, err error) {
	t := in.terms()
	if in.Preview {
		return s.preview(ctx, by, in.User, t)
	}
	if t.given() {
		m, err := s.removable(ctx, by, in.User, t)
		if err != nil {
			return RemovedAnswer{}, err
		}
		done, err := s.prepare(ctx, by, m, t, false)
		if err != nil {
			return RemovedAnswer{}, err
		}
		out.HandedOver = &done
	}
	err = table.Retry(ctx, func() error {
		read, err := member.Get(ctx, s.Table, by.Organization(), in.User)
		if err != nil {
			return err
		}
		p, err := s.members.Propose(ctx, by, read, t.removal(by))
		if err != nil {
			return err
		}
		out.Member = p.After.View()
		out, err = api.Commit(ctx, s.Table, out, p.Writes...)
		return err
	})
	return out, err
}

// removal is the decision by which a member is removed on these terms.
func (t Terms) removal(by access.Actor) member.Decision {
	return func(m member.Member) (member.Member, error) { return m.RemoveFor(by, t.TransferTo) }
}
