package billing

import (
	"context"

	"roster/internal/organization"
)

// CloseDue closes what is due of one organization.
func (s Service) CloseDue(ctx context.Context, o organization.Organization) error {
	return s.closeUntil(ctx, organization.Listed{ID: o.ID, CreatedAt: o.CreatedAt}, due(s.Now()))
}
