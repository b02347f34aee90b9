package organization

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
)

// GetOrganization shows the caller's organization and its settings.
func (s Service) GetOrganization(ctx context.Context, by access.Actor, _ api.None) (Answer, error) {
	o, err := Get(ctx, s.Table, by.Organization())
	if err != nil {
		return Answer{}, err
	}
	return answer(*o), nil
}
