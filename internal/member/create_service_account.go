package member

import (
	"cmp"
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/permission"
)

// CreateServiceAccountRequest makes a member without a person.
type CreateServiceAccountRequest struct {
	Name field.Name `json:"name" required:"true"`
	// Role is gateway where it is not said.
	Role     field.Label   `json:"role,omitzero"`
	Metadata MetadataPatch `json:"metadata,omitzero"`
	// Responsible is an active person of the organization; the caller where it is
	// not said.
	Responsible id.User `json:"responsible,omitzero"`
}

// CreateServiceAccount makes an active member that has keys and no log-in.
func (s Service) CreateServiceAccount(ctx context.Context, by access.Actor, in CreateServiceAccountRequest) (Answer, error) {
	now := s.Now()
	m := Member{
		ID: id.NewUser(now), Organization: by.Organization(), Kind: ServiceAccount, Name: in.Name,
		Role: cmp.Or(string(in.Role), permission.Gateway), Status: access.Active,
		Responsible: cmp.Or(in.Responsible, by.User()), CreatedAt: now,
	}
	if err := MayGrant(by, m.Role, m.Kind); err != nil {
		return Answer{}, err
	}
	metadata, err := m.Metadata.Merge(in.Metadata)
	if err != nil {
		return Answer{}, fault.InvalidField("/metadata", err.Error())
	}
	m.Metadata = metadata
	_, after := Difference(nil, m)
	after["responsible"] = m.Responsible
	writes := append(Save(nil, m, now),
		m.responsibleStands(by),
		audit.Record(now, m.Organization, audit.Event{
			Action: audit.ServiceAccountCreated, Actor: audit.Member(by), Target: string(m.ID), After: after,
		}))
	return api.Commit(ctx, s.Table, answer(m.next(Member{}, now)), writes...)
}
