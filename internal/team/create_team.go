package team

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/table"
)

// CreateRequest makes a team.
type CreateRequest struct {
	Name        field.Name   `json:"name" required:"true"`
	Description field.Reason `json:"description,omitzero"`
}

// CreateTeam makes a team without members.
func (s Service) CreateTeam(ctx context.Context, by access.Actor, in CreateRequest) (Answer, error) {
	org, now := by.Organization(), s.Now()
	teams, err := all(ctx, s.Table, org)
	if err != nil {
		return Answer{}, err
	}
	if len(teams) >= MaxTeams {
		return Answer{}, errTooMany
	}
	t := Team{ID: id.NewTeam(now), Name: in.Name, Description: in.Description, CreatedAt: now, UpdatedAt: now, Version: 1}
	return api.Commit(ctx, s.Table, Answer{t.view()},
		table.Write{Key: table.Team(org, t.ID), Put: t, If: table.Absent}, claim(org, t),
		audit.Record(now, org, audit.Event{
			Action: audit.TeamCreated, Actor: audit.Member(by), Target: string(t.ID), After: t.recorded(),
		}))
}
