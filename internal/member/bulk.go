package member

import (
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/job"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/table"
)

// Bulk calls change many members, each as the call for one would: by the same
// decision, in a transaction of its own. Made again, they change nothing. Up to
// bulkAtOnce named members are changed at once, and answered entry by entry; more, and
// those who match a filter, by a job.

// entriesAtOnce bounds how many of them are under way.
const entriesAtOnce = 8

// Reference names a member in a list. What is no id of a member fails by itself,
// not the list.
type Reference string

func (r *Reference) UnmarshalText(b []byte) error {
	if len(b) > 100 {
		return errors.New("is longer than any id")
	}
	*r = Reference(strings.ToValidUTF8(string(b), "\ufffd"))
	return nil
}

// user is the id; empty where it is none.
func (r Reference) user() id.User {
	var user id.User
	if user.UnmarshalText([]byte(r)) != nil {
		return ""
	}
	return user
}

// Outcome is what became of an entry of a bulk call.
type Outcome string

const (
	OutcomeDone      Outcome = "done"
	OutcomeUnchanged Outcome = "unchanged"
	OutcomeFailed    Outcome = "failed"
)

// BulkAnswer tells what became of each entry, in the order of the call; or which job
// does the work, whose results will tell it.
type BulkAnswer struct {
	// DryRun: nothing is changed, and the results are what would become.
	DryRun  bool         `json:"dry_run,omitzero"`
	Results []BulkResult `json:"results,omitzero"`
	Job     *job.View    `json:"job,omitzero"`
}

// StatusCode is 202 where a job does the work.
func (a BulkAnswer) StatusCode() int {
	if a.Job != nil {
		return 202
	}
	return 200
}

// BulkResult is what became of one entry. Code and Detail say why it failed, as
// the problem of a call for this member alone would.
type BulkResult struct {
	Index  int       `json:"index"`
	UserID Reference `json:"user_id"`
	Status Outcome   `json:"status"`
	Code   string    `json:"code,omitzero"`
	Detail string    `json:"detail,omitzero"`
}

// settled is the entry with its outcome. An error that is no refusal is returned:
// it is of the storage, and the whole call is to be made again.
func (r BulkResult) settled(changed bool, err error) (BulkResult, error) {
	refused, isRefused := errors.AsType[*fault.Error](err)
	switch {
	case isRefused && refused.Kind != fault.Unavailable:
		r.Status, r.Code, r.Detail = OutcomeFailed, refused.Code, refused.Detail
		if len(refused.Fields) > 0 {
			r.Detail = strings.TrimPrefix(refused.Fields[0].Pointer, "/") + " " + refused.Fields[0].Reason
		}
		return r, nil
	case changed:
		r.Status = OutcomeDone
	default:
		r.Status = OutcomeUnchanged
	}
	return r, err
}

// bulk is a bulk call under way.
type bulk struct {
	Service
	by      access.Actor
	prepare func(Member) error
	decide  Decision
	entries []entry
	results []BulkResult
}

// entry is one member of a bulk call, as first read.
type entry struct {
	index int
	user  id.User
	read  *Member
}

// Bulk decides about each of the members, at the same time as far as none waits for
// another: entries about owners follow one another in the order of the call, so
// that it tells which owner is the last; the caller comes after all others. Where
// prepare is set, it does what comes before the change, and may refuse it.
func (s Service) Bulk(ctx context.Context, by access.Actor, named []Reference, dryRun bool, prepare func(Member) error, decide Decision) (BulkAnswer, error) {
	b := bulk{Service: s, by: by, prepare: prepare, decide: decide}
	if err := b.read(ctx, named); err != nil {
		return BulkAnswer{}, err
	}
	run := b.run
	if dryRun {
		run = b.rehearse
	}
	return BulkAnswer{DryRun: dryRun, Results: b.results}, run(ctx)
}

// read reads the members that are named, in one round trip, and settles what needs
// no decision: who is named again, and who is no member.
func (b *bulk) read(ctx context.Context, named []Reference) error {
	b.results = make([]BulkResult, len(named))
	b.entries = make([]entry, 0, len(named))
	reads := make([]table.Read, 0, len(named))
	seen := map[id.User]bool{}
	for i, reference := range named {
		result, user := BulkResult{Index: i, UserID: reference}, reference.user()
		if user == "" || seen[user] {
			var err error
			if user == "" {
				err = ErrNotFound
			}
			b.results[i], _ = result.settled(false, err)
			continue
		}
		seen[user] = true
		b.results[i] = result
		b.entries = append(b.entries, entry{index: i, user: user})
	}
	for i := range b.entries {
		reads = append(reads, Read(b.by.Organization(), b.entries[i].user, &b.entries[i].read))
	}
	if len(reads) == 0 {
		return nil
	}
	return b.Table.Get(ctx, reads...)
}

// lanes are the entries by who waits for whom.
func (b *bulk) lanes() (free, owners, self []entry) {
	for _, e := range b.entries {
		switch {
		case e.user == b.by.User():
			self = append(self, e)
		case e.read != nil && e.read.Role == permission.Owner:
			owners = append(owners, e)
		default:
			free = append(free, e)
		}
	}
	return free, owners, self
}

func (b *bulk) run(ctx context.Context) error {
	free, owners, self := b.lanes()
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(entriesAtOnce)
	group.Go(func() error { return b.inOrder(within, owners) })
	for _, e := range free {
		group.Go(func() error { return b.settle(within, e) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return b.inOrder(ctx, self)
}

func (b *bulk) inOrder(ctx context.Context, entries []entry) error {
	for _, e := range entries {
		if err := b.settle(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// settle makes the change of an entry.
func (b *bulk) settle(ctx context.Context, e entry) error {
	changed, read := false, e.read
	err := table.Retry(ctx, func() error {
		p, err := b.Propose(ctx, b.by, read, b.decide)
		if err == nil && b.prepare != nil {
			err = b.prepare(*read)
		}
		if err == nil {
			changed = p.Changes()
			err = b.Table.Transact(ctx, p.Writes...)
		}
		if errors.Is(err, table.ErrChanged) {
			if reading := b.Table.Get(ctx, Read(b.by.Organization(), e.user, &read)); reading != nil {
				return reading
			}
		}
		return err
	})
	b.results[e.index], err = b.results[e.index].settled(changed, err)
	return err
}

// rehearse finds what each entry would come to, counting the owners that would be
// left.
func (b *bulk) rehearse(ctx context.Context) error {
	org, err := organization.Get(ctx, b.Table, b.by.Organization())
	if err != nil {
		return err
	}
	owners := org.Owners
	free, of, self := b.lanes()
	for _, e := range slices.Concat(free, of, self) {
		e.read = e.read.rehearsing(b.Now())
		p, err := b.Propose(ctx, b.by, e.read, b.decide)
		if err == nil && b.prepare != nil {
			err = b.prepare(*e.read)
		}
		if err == nil {
			left := owners + gained(p.Before, p.After)
			if left < 1 && left < owners {
				err = organization.ErrLastOwner
			} else {
				owners = left
			}
		}
		if b.results[e.index], err = b.results[e.index].settled(p.Changes(), err); err != nil {
			return err
		}
	}
	return nil
}

// gained is how many active owners more there are after a change.
func gained(before, after Member) int {
	switch was, is := before.activeOwner(), after.activeOwner(); {
	case is && !was:
		return 1
	case was && !is:
		return -1
	}
	return 0
}
