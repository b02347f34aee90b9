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

// CreateRequest makes a team.
type CreateRequest struct {
	Name        field.Name   `json:"name" required:"true"`
	Description field.Reason `json:"description,omitzero"`
	// AllowedModels are those that its members may call; the team names none where it is
	// not said.
	AllowedModels model.List `json:"allowed_models,omitzero"`
}

// Validate refuses a list that is none.
func (in CreateRequest) Validate() []fault.Field { return modelFaults(in.AllowedModels) }

// CreateTeam makes a team without members.
func (s Service) CreateTeam(ctx context.Context, by access.Actor, in CreateRequest) (out Answer, err error) {
	org, now := by.Organization(), s.Now()
	teams, err := all(ctx, s.Table, org)
	if err != nil {
		return Answer{}, err
	}
	if len(teams) >= MaxTeams {
		return Answer{}, errTooMany
	}
	t := Team{
		ID: id.NewTeam(now), Name: in.Name, Description: in.Description, AllowedModels: in.AllowedModels,
		CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	err = table.Retry(ctx, func() error {
		models, err := s.saveModels(ctx, org, Team{}, t)
		if err != nil {
			return err
		}
		out, err = api.Commit(ctx, s.Table, Answer{t.view()}, append(models,
			table.Write{Key: table.Team(org, t.ID), Put: t, If: table.Absent}, claim(org, t),
			audit.Record(now, org, audit.Event{
				Action: audit.TeamCreated, Actor: audit.Member(by), Target: string(t.ID), After: t.recorded(),
			}))...)
		return err
	})
	return out, err
}
