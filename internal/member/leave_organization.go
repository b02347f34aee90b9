package member

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
)

// LeaveOrganization ends the caller's membership. What they shared with others stays,
// and has nobody who answers for it until someone hands it over: by removing them
// once more, with transfer_to.
func (s Service) LeaveOrganization(ctx context.Context, by access.Actor, _ api.None) (Answer, error) {
	return change(ctx, s, by, by.User(), Member.Leave, answer)
}
