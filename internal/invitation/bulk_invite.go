package invitation

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/job"
	"roster/internal/member"
	"roster/internal/permission"
	"roster/internal/table"
	"roster/internal/user"
)

// A bulk invitation invites many people, each as the invitation of one would: by
// the same decision, in a transaction of its own. Who is invited on the same terms
// already stays so: the same file again changes nothing.

const (
	// maxRows is how many entries a bulk invitation may have.
	maxRows = 10_000
	// rowsAtOnce is how many of them one call answers itself; more are a job.
	rowsAtOnce = 100
	// rowsUnderWay bounds how many of these are under way.
	rowsUnderWay = 8
)

// BulkInviteRequest offers memberships to many addresses.
type BulkInviteRequest struct {
	// Only tell what would become of each entry.
	DryRun bool `query:"dry_run" json:"-"`
	// Invitations are read one by one: one that cannot be read fails by itself.
	Invitations []jsontext.Value `json:"invitations" required:"true"`
	// The same as a table.
	Sheet Sheet `body:"text/csv" json:"-"`
}

// Validate refuses a request without entries.
func (in *BulkInviteRequest) Validate() []fault.Field {
	if len(in.Invitations)+len(in.Sheet.rows) == 0 {
		return []fault.Field{{Pointer: "/invitations", Reason: "must hold at least one"}}
	}
	return nil
}

// BulkInviteAnswer is what became of each entry, or the job that does them.
type BulkInviteAnswer struct {
	// DryRun: nothing was changed, and the results are what would have become.
	DryRun  bool         `json:"dry_run,omitzero"`
	Results []job.Result `json:"results,omitzero"`
	Job     *job.View    `json:"job,omitzero"`
}

// StatusCode is 202 where a job does what was asked.
func (a BulkInviteAnswer) StatusCode() int {
	if a.Job != nil {
		return 202
	}
	return 200
}

// Codes of results that did not fail.
const (
	codeInvited   = "invited"
	codeRenewed   = "renewed"
	codeStands    = "already_invited"
	codeDuplicate = "duplicate"
)

// BulkInvite invites many people, each as the invitation of one would. Up to 100 entries are
// answered at once; more, up to 10,000, are a job, whose results tell the same.
//
// A result's code is `invited` or `renewed` where a mail goes out (status `done`);
// `already_invited`, where an invitation on the same terms is open, or `duplicate`,
// where the address stands in an entry before (`unchanged`); else it is that of the
// refusal, such as `already_member` or `member_suspended` (`failed`). With `dry_run`
// it is the same, and nothing is changed and nobody is mailed.
func (s Service) BulkInvite(ctx context.Context, by access.Actor, in BulkInviteRequest) (BulkInviteAnswer, error) {
	if len(in.Invitations) > maxRows {
		return BulkInviteAnswer{}, errTooMany
	}
	inviter, err := user.Get(ctx, s.Table, by.User())
	if err != nil {
		return BulkInviteAnswer{}, err
	}
	if err := s.inviterIsVerified(ctx, by, inviter); err != nil {
		return BulkInviteAnswer{}, err
	}
	entries, err := s.entries(ctx, by, in)
	if err != nil {
		return BulkInviteAnswer{}, err
	}
	if len(entries) > rowsAtOnce {
		j, writes, err := s.inviting(in.DryRun).Submit(ctx, s.Env, by, struct{}{}, entries)
		if err != nil {
			return BulkInviteAnswer{}, err
		}
		return api.Commit(ctx, s.Table, BulkInviteAnswer{DryRun: in.DryRun, Job: new(j.View(s.Now()))}, writes...)
	}
	out := BulkInviteAnswer{DryRun: in.DryRun, Results: make([]job.Result, len(entries))}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(rowsUnderWay)
	for i, e := range entries {
		group.Go(func() (err error) {
			out.Results[i], err = s.inviteEntry(within, by, e, in.DryRun)
			return err
		})
	}
	return out, group.Wait()
}

// Jobs are the jobs of invitations.
func Jobs(e *env.Env) []job.Kind {
	s := Service{e}
	return []job.Kind{s.inviting(false).Kind(), s.inviting(true).Kind()}
}

// inviting is the job of a bulk invitation.
func (s Service) inviting(dryRun bool) job.Definition[struct{}, entry] {
	name := "bulk_invite"
	if dryRun {
		name = "bulk_invite_dry_run"
	}
	return job.Definition[struct{}, entry]{
		Name: name, Permission: permission.MembersManage, Subject: entry.subject,
		Do: func(ctx context.Context, t job.Task[struct{}], e entry) (job.Outcome, []table.Write, error) {
			return s.settle(ctx, t.By, e, dryRun, s.countMail(ctx, id.AddressHash(string(e.Invite.Email))))
		},
	}
}

// inviteEntry settles an entry, and returns its result. An error is of the storage:
// the whole call is to be made again.
func (s Service) inviteEntry(ctx context.Context, by access.Actor, e entry, dryRun bool) (job.Result, error) {
	var outcome job.Outcome
	count := s.countMail(ctx, id.AddressHash(string(e.Invite.Email)))
	err := table.Retry(ctx, func() error {
		var (
			writes []table.Write
			err    error
		)
		if outcome, writes, err = s.settle(ctx, by, e, dryRun, count); err != nil {
			return err
		}
		return s.Table.Transact(ctx, writes...)
	})
	r := job.Result{
		Index: e.Place.Index, Subject: e.subject(), Status: job.RowDone, Code: outcome.Code, Detail: outcome.Detail,
	}
	refused, isRefused := errors.AsType[*fault.Error](err)
	switch {
	case isRefused && refused.Kind != fault.Unavailable:
		r.Status, r.Code, r.Detail = job.RowFailed, refused.Code, job.Detail(refused)
		return r, nil
	case outcome.Unchanged:
		r.Status = job.RowUnchanged
	}
	if outcome.Invitation != "" {
		r.Invitation = &job.Invitation{ID: outcome.Invitation, Link: outcome.Link}
	}
	return r, err
}

// settle decides what an entry comes to, and what it changes.
func (s Service) settle(ctx context.Context, by access.Actor, e entry, dryRun bool, count func() error) (job.Outcome, []table.Write, error) {
	if err := e.fault(); err != nil {
		return job.Outcome{}, nil, err
	}
	if e.Repeats != nil {
		detail := fmt.Sprintf("The address stands in %s already.", *e.Repeats)
		return job.Outcome{Unchanged: true, Code: codeDuplicate, Detail: detail}, nil, nil
	}
	c, t, err := s.consider(ctx, by, e.Invite)
	if err != nil {
		return job.Outcome{}, nil, e.Place.locate(err)
	}
	if stands, err := s.stands(ctx, c, t); err != nil {
		return job.Outcome{}, nil, err
	} else if stands {
		return job.Outcome{Unchanged: true, Code: codeStands, Invitation: c.invitation.ID}, nil, nil
	}
	next, l, err := c.next(by, t, s.Now())
	if err != nil {
		return job.Outcome{}, nil, err
	}
	out := job.Outcome{Code: codeInvited}
	if c.invitation.Open() {
		out.Code, out.Invitation = codeRenewed, c.invitation.ID
	}
	if dryRun {
		return out, nil, mails.Check(ctx, s.Env, next.ID.AddressHash())
	}
	if err := count(); err != nil {
		return job.Outcome{}, nil, err
	}
	out.Invitation, out.Link = next.ID, inviteLink(s.Env, l.shown)
	writes, err := s.offer(ctx, by, c, next, l)
	return out, writes, err
}

// stands reports whether an invitation on these terms is open, and acceptable: its
// time is not over, and its inviter may still grant what it offers.
func (s Service) stands(ctx context.Context, c circumstances, t terms) (bool, error) {
	if !c.invitation.Open() || !c.invitation.offers(t) {
		return false, nil
	}
	p := prospect{invitation: c.invitation, organization: c.organization, member: c.member}
	err := s.Table.Get(ctx, member.Read(c.organization.ID, c.invitation.Invite.By, &p.inviter))
	return err == nil && p.acceptable(s.Now()) == nil, err
}
