package offboarding

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/fault"
	"roster/internal/job"
	"roster/internal/member"
	"roster/internal/permission"
	"roster/internal/table"
)

// BulkRemoveRequest ends many memberships.
type BulkRemoveRequest struct {
	// DryRun only tells what would become of each entry.
	DryRun bool `query:"dry_run" json:"-"`
	member.Selection
	Terms
}

// Validate refuses a selection of nobody in particular. Clients that drop the body of a
// DELETE hear how to go on.
func (in *BulkRemoveRequest) Validate() []fault.Field {
	if in.Filter != nil && *in.Filter == (member.Filter{}) {
		return []fault.Field{{Pointer: "/filter", Reason: "is empty: it would mean everyone"}}
	}
	return in.Faults("is required, or filter; if your client sends no body with DELETE, use POST /api/organizations/{org_id}/members/bulk-remove")
}

// BulkRemove ends memberships, each by the rules of RemoveMember.
func (s Service) BulkRemove(ctx context.Context, by access.Actor, in BulkRemoveRequest) (member.BulkAnswer, error) {
	if !in.Large() {
		return s.members.Bulk(ctx, by, in.UserIDs, in.DryRun, s.preparing(ctx, by, in.Terms, in.DryRun), in.removal(by))
	}
	if in.Filter != nil {
		if err := in.Filter.Known(by); err != nil {
			return member.BulkAnswer{}, err
		}
	}
	params := removeParams{Filter: in.Filter, Terms: in.Terms, DryRun: in.DryRun}
	j, writes, err := s.removing().Submit(ctx, s.Env, by, params, in.Rows())
	if err != nil {
		return member.BulkAnswer{}, err
	}
	return api.Commit(ctx, s.Table, member.BulkAnswer{DryRun: in.DryRun, Job: new(j.View(s.Now()))}, writes...)
}

// preparing is prepare for one of many.
func (s Service) preparing(ctx context.Context, by access.Actor, t Terms, dryRun bool) func(member.Member) error {
	return func(m member.Member) error {
		_, err := s.prepare(ctx, by, m, t, dryRun)
		return err
	}
}

// removeParams are what a job that removes members is told.
type removeParams struct {
	Filter *member.Filter `json:"filter,omitzero"`
	Terms
	DryRun bool `json:"dry_run,omitzero"`
}

func (s Service) removing() job.Definition[removeParams, member.BulkRow] {
	return job.Definition[removeParams, member.BulkRow]{
		Name: "members.remove", Permission: permission.MembersManage, Subject: member.BulkRow.Subject,
		List: func(ctx context.Context, t job.Task[removeParams], cursor string) ([]member.BulkRow, string, error) {
			return s.members.Listed(ctx, t.By, t.Params.Filter, cursor)
		},
		Do: func(ctx context.Context, t job.Task[removeParams], r member.BulkRow) (job.Outcome, []table.Write, error) {
			p := t.Params
			return r.Do(ctx, s.members, t.By, p.Filter, p.DryRun, s.preparing(ctx, t.By, p.Terms, p.DryRun), p.removal(t.By))
		},
	}
}
