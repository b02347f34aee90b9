package organization

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/table"
)

// SuspendRequest stops an organization.
type SuspendRequest struct {
	Organization id.Organization `path:"org_id" json:"-"`
	Reason       field.Reason    `json:"reason,omitzero"`
}

// UnsuspendRequest lets an organization go on.
type UnsuspendRequest struct {
	Organization id.Organization `path:"org_id" json:"-"`
}

// SuspendOrganization stops an organization: its members may do nothing, from
// their next call on. A repeat changes nothing.
func (s Service) SuspendOrganization(ctx context.Context, by access.Identity, in SuspendRequest) (Answer, error) {
	return s.setStatus(ctx, by, in.Organization, Suspended, audit.OrganizationSuspended, in.Reason)
}

// UnsuspendOrganization lets a suspended organization go on.
func (s Service) UnsuspendOrganization(ctx context.Context, by access.Identity, in UnsuspendRequest) (Answer, error) {
	return s.setStatus(ctx, by, in.Organization, Active, audit.OrganizationUnsuspended, "")
}

func (s Service) setStatus(ctx context.Context, by access.Identity, org id.Organization, status Status, action audit.Action, reason field.Reason) (out Answer, err error) {
	err = table.Retry(ctx, func() error {
		read, err := Get(ctx, s.Table, org)
		if err != nil {
			return err
		}
		switch {
		case read == nil || read.Status == Deleted:
			return access.ErrOrg
		case read.Status == Deleting:
			return ErrDeleting
		}
		if read.Status == status {
			out = answer(*read)
			return nil
		}
		now, changed := s.Now(), *read
		changed.Status, changed.SuspensionReason = status, reason
		changed, save := Save(*read, changed, now)
		out, err = api.Commit(ctx, s.Table, answer(changed), save, audit.Record(now, org, audit.Event{
			Action: action, Actor: audit.Platform(by), Target: string(org), Reason: string(reason),
			Before: map[string]any{"status": read.Status}, After: map[string]any{"status": status},
		}))
		return err
	})
	return out, err
}
