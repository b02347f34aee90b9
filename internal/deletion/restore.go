package deletion

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/organization"
	"roster/internal/table"
)

var errOver = fault.New(fault.Gone, "organization_deleted", "The grace is over: the organization's data are being erased.")

// Restore ends the deletion of the organization: all is as it was before, API keys
// and sessions included. It takes an owner's own session, of this organization:
// log in with its org_id, or switch to it. Whoever heard of the deletion hears of
// this. A repeat changes nothing; after the 30 days it is a 410.
func (s Service) Restore(ctx context.Context, by access.Actor, _ api.None) (out organization.Answer, err error) {
	err = table.Retry(ctx, func() error {
		read, err := s.live(ctx, by)
		if err != nil {
			return err
		}
		if read.Status == organization.Active {
			out = read.Answer()
			return nil
		}
		now := s.Now()
		restored, save := organization.Save(*read, read.Restore(), now)
		out, err = api.Commit(ctx, s.Table, restored.Answer(), save, audit.Record(now, read.ID, audit.Event{
			Action: audit.OrganizationRestored, Actor: audit.Member(by), Target: string(read.ID),
			Before: map[string]any{"status": read.Status}, After: map[string]any{"status": restored.Status},
		}))
		return err
	})
	return out, err
}
