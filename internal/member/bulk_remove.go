package member

import (
	"context"

	"roster/internal/access"
	"roster/internal/fault"
)

// BulkRemoveRequest ends many memberships.
type BulkRemoveRequest struct {
	// DryRun only tells what would become of each entry.
	DryRun  bool        `query:"dry_run" json:"-"`
	UserIDs []Reference `json:"user_ids,omitzero"`
}

// Validate refuses a list of no or too many members. Clients that drop the body of a
// DELETE hear how to go on.
func (in *BulkRemoveRequest) Validate() []fault.Field {
	return listed(in.UserIDs, "is required; if your client sends no body with DELETE, use POST /api/organizations/{org_id}/members/bulk-remove")
}

// BulkRemove ends memberships, each by the rules of RemoveMember.
func (s Service) BulkRemove(ctx context.Context, by access.Actor, in BulkRemoveRequest) (BulkAnswer, error) {
	return s.bulk(ctx, by, in.UserIDs, in.DryRun, func(m Member) (Member, error) {
		return m.Remove(by)
	})
}
