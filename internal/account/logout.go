package account

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/session"
)

// Done is an answer without a payload.
type Done struct{}

// Logout ends the caller's session, with all of its tokens.
func (s Service) Logout(ctx context.Context, by access.Identity, _ api.None) (Done, error) {
	return Done{}, s.Table.Transact(ctx, session.End(by.User(), by.Session().ID))
}
