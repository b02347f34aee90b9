package connection

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/table"
)

// CreateRequest stores a credential.
type CreateRequest struct {
	Name       field.Label `json:"name" required:"true"`
	Provider   Provider    `json:"provider" required:"true"`
	Credential *Credential `json:"credential" required:"true"`
	// Enabled is true where it is not said.
	Enabled *bool `json:"enabled,omitzero"`
}

// CreateConnection stores a credential of the organization.
func (s Service) CreateConnection(ctx context.Context, by access.Actor, in CreateRequest) (Answer, error) {
	return s.create(ctx, ofOrganization(by), in)
}

// CreateMyConnection stores a credential of the caller's own. It stays theirs when
// they leave an organization; in one, members use theirs with the permission
// connections:own.
func (s Service) CreateMyConnection(ctx context.Context, by access.Identity, in CreateRequest) (Answer, error) {
	return s.create(ctx, ofPerson(by), in)
}

func (s Service) create(ctx context.Context, of owner, in CreateRequest) (out Answer, err error) {
	now := s.Now()
	c := Connection{
		ID: id.NewConnection(now), Name: in.Name, Provider: in.Provider, Enabled: in.Enabled == nil || *in.Enabled,
		Hint: in.Credential.hint(), CreatedBy: of.by, CreatedAt: now, UpdatedAt: now, RotatedAt: now, Version: 1,
	}
	sealed, err := s.seal(ctx, of, c.ID, *in.Credential)
	if err != nil {
		return Answer{}, err
	}
	err = table.Retry(ctx, func() error {
		found, err := of.read(ctx, s.Table, "")
		if err != nil {
			return err
		}
		if found.counts != nil && found.counts.Total >= of.most() {
			return ErrTooMany
		}
		writes := append(
			[]table.Write{of.save(nil, c), sealed, of.count(found.counts, c.Provider, 1, c.use())},
			of.recorded(now, audit.Event{Action: audit.ConnectionCreated, Target: string(c.ID), After: c.recorded()})...)
		out, err = api.Commit(ctx, s.Table, Answer{c.view()}, writes...)
		return err
	})
	return out, err
}
