package deletion

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/organization"
	"roster/internal/stepup"
	"roster/internal/table"
)

// DeleteRequest deletes the organization.
type DeleteRequest struct {
	stepup.Proof
	// Confirm is the organization's name.
	Confirm field.Name `json:"confirm" required:"true"`
}

var errConfirm = fault.InvalidField("/confirm", "is not the organization's name")

// Delete begins to delete the organization. It takes an owner's own session, their
// password, and their code where they have two-factor authentication.
//
// From now on members may do nothing in it, and API keys, invitations and
// requests to join are refused. Everyone active or suspended hears of it by mail.
// Nothing is lost for 30 days: the owners may still log in, read and export what it
// holds, and restore it. Then all of it is erased: members, keys, invitations,
// settings, connections, counters and events of usage, audit events. Accounts,
// other organizations and personal connections stay with their people. A repeat
// changes nothing.
func (s Service) Delete(ctx context.Context, by access.Actor, in DeleteRequest) (out organization.Answer, err error) {
	proof, err := stepup.Confirm(ctx, s.Env, by, in.Proof)
	if err != nil {
		return out, err
	}
	err = table.Retry(ctx, func() error {
		read, err := s.live(ctx, by)
		if err != nil {
			return err
		}
		switch {
		case in.Confirm != read.Name:
			return errConfirm
		case read.Status == organization.Deleting:
			out = read.Answer()
			return nil
		}
		now := s.Now()
		deleted, save := organization.Save(*read, read.Delete(organization.Deletion{By: by.User(), Name: by.Name(), At: now}), now)
		out, err = api.Commit(ctx, s.Table, deleted.Answer(), append(proof, save, audit.Record(now, read.ID, audit.Event{
			Action: audit.OrganizationDeleted, Actor: audit.Member(by), Target: string(read.ID),
			Before: map[string]any{"status": read.Status}, After: map[string]any{"status": deleted.Status, "deletes_at": deleted.DeletesAt},
		}))...)
		return err
	})
	return out, err
}

// live reads the caller's organization, if it is there to be changed: whoever
// stopped or deleted it since the caller was authenticated came first.
func (s Service) live(ctx context.Context, by access.Actor) (*organization.Organization, error) {
	o, err := organization.Get(ctx, s.Table, by.Organization())
	switch {
	case err != nil:
		return nil, err
	case o == nil || o.Over(s.Now()):
		return nil, errOver
	case o.Status == organization.Suspended:
		return nil, access.ErrOrgStopped
	}
	return o, nil
}
