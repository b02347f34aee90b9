package member

import (
	"context"
	"fmt"
	"slices"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/job"
	"roster/internal/model"
	"roster/internal/permission"
	"roster/internal/table"
	"roster/internal/team"
)

// BulkEditRequest changes many members alike.
type BulkEditRequest struct {
	// DryRun only tells what would become of each entry.
	DryRun bool `query:"dry_run" json:"-"`
	Selection
	Changes Changes `json:"changes" required:"true"`
}

// Changes is a merge patch of each of the members (RFC 7396), and the teams that they
// come into and leave.
type Changes struct {
	Role             field.Optional[field.Label]   `json:"role,omitzero"`
	Status           field.Optional[Standing]      `json:"status,omitzero"`
	SuspensionReason field.Reason                  `json:"suspension_reason,omitzero"`
	Metadata         field.Optional[MetadataPatch] `json:"metadata,omitzero"`
	Alias            field.Optional[field.Label]   `json:"alias,omitzero"`
	SuspendedFrom    field.Optional[field.Time]    `json:"suspended_from,omitzero"`
	SuspendedUntil   field.Optional[field.Time]    `json:"suspended_until,omitzero"`
	EndsAt           field.Optional[EndDate]       `json:"ends_at,omitzero"`
	AllowedModels    field.Optional[model.List]    `json:"allowed_models,omitzero"`
	Teams            TeamChanges                   `json:"teams,omitzero"`
}

// TeamChanges are teams that members come into, as user where they are not in them
// yet, and teams that they leave.
type TeamChanges struct {
	Add    []id.Team `json:"add,omitzero"`
	Remove []id.Team `json:"remove,omitzero"`
}

// teamsAtOnce bounds what one change says about teams: each is an item of the
// transaction.
const teamsAtOnce = 20

func (c TeamChanges) faults() []fault.Field {
	var faults []fault.Field
	for _, list := range []struct {
		pointer string
		teams   []id.Team
	}{{"/teams/add", c.Add}, {"/teams/remove", c.Remove}} {
		if len(list.teams) > teamsAtOnce {
			faults = append(faults, fault.Field{Pointer: list.pointer, Reason: fmt.Sprintf("names more than %d teams", teamsAtOnce)})
		}
	}
	for i, of := range c.Remove {
		if slices.Contains(c.Add, of) {
			faults = append(faults, fault.Field{Pointer: fmt.Sprintf("/teams/remove/%d", i), Reason: "is also to be added"})
		}
	}
	return faults
}

func (c Changes) patch() Patch {
	return Patch{
		Role: c.Role, Status: c.Status, SuspensionReason: c.SuspensionReason, Metadata: c.Metadata, Alias: c.Alias,
		AllowedModels: c.AllowedModels,
		SuspendedFrom: c.SuspendedFrom, SuspendedUntil: c.SuspendedUntil, EndsAt: c.EndsAt,
	}
}

// Validate refuses what the patch of one member would be refused for.
func (in *BulkEditRequest) Validate() []fault.Field {
	faults := in.Faults("is required, or filter")
	for _, f := range append(in.Changes.patch().Validate(), in.Changes.Teams.faults()...) {
		f.Pointer = "/changes" + f.Pointer
		faults = append(faults, f)
	}
	return faults
}

// BulkEdit merges one patch into many members, each by the rules of UpdateMember and
// of those for teams.
func (s Service) BulkEdit(ctx context.Context, by access.Actor, in BulkEditRequest) (out BulkAnswer, err error) {
	if !in.Large() {
		return s.Bulk(ctx, by, in.UserIDs, in.DryRun, nil, s.edit(ctx, by, in.Changes))
	}
	if in.Filter != nil {
		if err := in.Filter.Known(by); err != nil {
			return BulkAnswer{}, err
		}
	}
	j, writes, err := s.editing().Submit(ctx, s.Env, by, editParams{in.Filter, in.Changes, in.DryRun}, in.Rows())
	if err != nil {
		return BulkAnswer{}, err
	}
	return api.Commit(ctx, s.Table, BulkAnswer{DryRun: in.DryRun, Job: new(j.View(s.Now()))}, writes...)
}

// edit is the decision of a bulk edit.
func (s Service) edit(ctx context.Context, by access.Actor, c Changes) Decision {
	return func(m Member) (Member, error) {
		m, err := m.Apply(by, c.patch(), s.Now())
		if err != nil {
			return m, err
		}
		// A team that ends meanwhile refuses to count the member, who is decided anew.
		there, err := team.Names(ctx, s.Table, m.Organization, c.Teams.Add)
		for _, of := range c.Teams.Add {
			if _, ok := there[of]; !ok && err == nil {
				err = team.ErrNotFound
			}
			if m.Teams[of] == "" && err == nil {
				m, err = m.JoinTeam(by, of, access.TeamUser)
			}
		}
		for _, of := range c.Teams.Remove {
			if m.Teams[of] != "" && err == nil {
				m, err = m.LeaveTeam(by, of)
			}
		}
		return m, err
	}
}

// editParams are what a job that edits members is told.
type editParams struct {
	Filter  *Filter `json:"filter,omitzero"`
	Changes Changes `json:"changes"`
	DryRun  bool    `json:"dry_run,omitzero"`
}

// Jobs are the kinds of jobs that change members.
func Jobs(e *env.Env) []job.Kind { return []job.Kind{Service{e}.editing().Kind()} }

func (s Service) editing() job.Definition[editParams, BulkRow] {
	return job.Definition[editParams, BulkRow]{
		Name: "members.edit", Permission: permission.MembersManage, Subject: BulkRow.Subject,
		List: func(ctx context.Context, t job.Task[editParams], cursor string) ([]BulkRow, string, error) {
			return s.Listed(ctx, t.By, t.Params.Filter, cursor)
		},
		Do: func(ctx context.Context, t job.Task[editParams], r BulkRow) (job.Outcome, []table.Write, error) {
			return r.Do(ctx, s, t.By, t.Params.Filter, t.Params.DryRun, nil, s.edit(ctx, t.By, t.Params.Changes))
		},
	}
}
