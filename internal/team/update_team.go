package team

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/model"
	"roster/internal/table"
)

// UpdateRequest is a merge patch of a team (RFC 7396).
type UpdateRequest struct {
	Team        id.Team                      `path:"team_id" json:"-"`
	Name        field.Optional[field.Name]   `json:"name,omitzero"`
	Description field.Optional[field.Reason] `json:"description,omitzero"`
	// AllowedModels are those that its members may call; null names none. They take the
	// permission members:manage.
	AllowedModels field.Optional[model.List] `json:"allowed_models,omitzero"`
}

// Validate refuses a team without a name, and a list that is none.
func (in *UpdateRequest) Validate() []fault.Field {
	faults := modelFaults(in.AllowedModels.Value)
	if in.Name.Given && in.Name.Value == "" {
		faults = append(faults, fault.Field{Pointer: "/name", Reason: "is empty"})
	}
	return faults
}

// UpdateTeam renames or describes a team, or names the models that its members may
// call: from their next call on. A patch that changes nothing writes
// nothing.
func (s Service) UpdateTeam(ctx context.Context, by access.Actor, in UpdateRequest) (out Answer, err error) {
	if !by.Manages(in.Team) {
		return Answer{}, ErrNotFound
	}
	if in.AllowedModels.Given {
		if err := mayName(by, in.Team); err != nil {
			return Answer{}, err
		}
	}
	org := by.Organization()
	err = table.Retry(ctx, func() error {
		var read *Team
		if err := s.Table.Get(ctx, Read(org, in.Team, &read)); err != nil {
			return err
		}
		if read == nil {
			return ErrNotFound
		}
		t := *read
		in.Name.Merge(&t.Name)
		in.Description.Merge(&t.Description)
		in.AllowedModels.Merge(&t.AllowedModels)
		before, after := audit.Changes(read.recorded(), t.recorded())
		if len(after) == 0 {
			out = Answer{read.view()}
			return nil
		}
		now := s.Now()
		t.UpdatedAt = now
		writes, err := s.saveModels(ctx, org, *read, t)
		if err != nil {
			return err
		}
		writes = append(writes, table.Write{
			Key:    table.Team(org, t.ID),
			Update: "SET #name = :name, #description = :description, #allowed_models = :models, #updated_at = :now, #version = :version",
			If:     "#version = :read",
			Values: table.V{
				"name": t.Name, "description": t.Description, "models": t.AllowedModels, "now": now, "version": read.Version + 1, "read": read.Version,
			},
			Else: table.ErrChanged,
		}, audit.Record(now, org, audit.Event{
			Action: audit.TeamUpdated, Actor: audit.Member(by), Target: string(t.ID), Before: before, After: after,
		}))
		if fold(t.Name) != fold(read.Name) {
			writes = append(writes, claim(org, t), release(org, *read))
		}
		out, err = api.Commit(ctx, s.Table, Answer{t.view()}, writes...)
		return err
	})
	return out, err
}
