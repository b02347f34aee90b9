package team

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/pool"
	"roster/internal/spending"
	"roster/internal/table"
)

// DeleteRequest names a team.
type DeleteRequest struct {
	Team id.Team `path:"team_id" json:"-"`
}

// DeleteTeam ends a team that nobody is in. Usage that was recorded for it stays.
func (s Service) DeleteTeam(ctx context.Context, by access.Actor, in DeleteRequest) (out Answer, err error) {
	org := by.Organization()
	err = table.Retry(ctx, func() error {
		var read *Team
		if err := s.Table.Get(ctx, Read(org, in.Team, &read)); err != nil {
			return err
		}
		switch {
		case read == nil:
			return ErrNotFound
		case read.Members > 0:
			return errInUse.With("members", read.Members)
		}
		writes, err := s.saveModels(ctx, org, *read, Team{ID: read.ID})
		if err != nil {
			return err
		}
		settings, err := pool.GetSettings(ctx, s.Table, org)
		if err != nil {
			return err
		}
		if settings.Of(read.ID).Limited() {
			writes = append(writes, pool.Save(org, settings, settings.With(read.ID, spending.Chosen{})))
		}
		out, err = api.Commit(ctx, s.Table, Answer{read.view()}, append(writes,
			table.Write{
				Key: table.Team(org, read.ID), Delete: true,
				If: "#version = :read AND #members = :none", Values: table.V{"read": read.Version, "none": 0},
				Else: table.ErrChanged,
			}, release(org, *read),
			audit.Record(s.Now(), org, audit.Event{
				Action: audit.TeamDeleted, Actor: audit.Member(by), Target: string(read.ID), Before: read.recorded(),
			}))...)
		return err
	})
	return out, err
}
