package member

import (
	"context"
	"fmt"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/job"
	"roster/internal/table"
)

const (
	// bulkAtOnce is how many members a bulk call changes before it answers.
	bulkAtOnce = 100
	// bulkNamed is how many it may name: more than bulkAtOnce are changed by a job.
	bulkNamed = 10_000
)

// Selection is whom a bulk call is about: those whom it names, or those who match a
// filter.
type Selection struct {
	// UserIDs are up to 10,000. Up to 100 are answered entry by entry, more by a job.
	UserIDs []Reference `json:"user_ids,omitzero"`
	// Filter goes without user_ids, and is answered by a job. It never means the
	// caller.
	Filter *Filter `json:"filter,omitzero"`
}

// Faults refuses a selection of nobody, of too many, or by both ways; missing says
// what an empty one lacks.
func (in Selection) Faults(missing string) []fault.Field {
	n := len(in.UserIDs)
	switch {
	case in.Filter != nil && n > 0:
		return []fault.Field{{Pointer: "/filter", Reason: "cannot stand beside user_ids"}}
	case in.Filter != nil:
		return in.Filter.faults()
	case n == 0:
		return []fault.Field{{Pointer: "/user_ids", Reason: missing}}
	case n > bulkNamed:
		return []fault.Field{{Pointer: "/user_ids", Reason: fmt.Sprintf("names more than %d members", bulkNamed)}}
	}
	return nil
}

// Large reports whether the selection takes a job.
func (in Selection) Large() bool { return in.Filter != nil || len(in.UserIDs) > bulkAtOnce }

// Rows are those of a job about who is named; none of a filter, whom the job lists.
func (in Selection) Rows() []BulkRow { return rowsOf(in.UserIDs) }

// BulkRow is a row of a job that changes members.
type BulkRow struct {
	User Reference `json:"user_id"`
}

func rowsOf[T ~string](users []T) []BulkRow {
	rows := make([]BulkRow, len(users))
	for i, user := range users {
		rows[i] = BulkRow{Reference(user)}
	}
	return rows
}

// Subject tells whom a row is about.
func (r BulkRow) Subject() job.Subject { return job.Subject{User: r.User.user()} }

// Listed lists the rows of a job about those who match a filter, from a cursor on.
func (s Service) Listed(ctx context.Context, by access.Actor, f *Filter, cursor string) ([]BulkRow, string, error) {
	users, next, err := s.matching(ctx, by, *f, cursor)
	return rowsOf(users), next, err
}

var errStarter = fault.New(fault.Forbidden, "not_oneself", "A job changes everyone but who started it: make a call for yourself alone.")

// Do makes the row of a job by a decision; prepare, where set, comes before it. Who
// does not match the filter any more is left as they are; in a dry run, everyone is.
func (r BulkRow) Do(ctx context.Context, s Service, by access.Actor, f *Filter, dryRun bool, prepare func(Member) error, decide Decision) (job.Outcome, []table.Write, error) {
	var m *Member
	if user := r.User.user(); user != "" {
		var err error
		if m, err = Get(ctx, s.Table, by.Organization(), user); err != nil {
			return job.Outcome{}, nil, err
		}
	}
	switch {
	case m == nil:
		return job.Outcome{}, nil, ErrNotFound
	case m.ID == by.User():
		return job.Outcome{}, nil, errStarter
	case f != nil && !f.Matches(by, m.At(s.Now())):
		return job.Outcome{Unchanged: true}, nil, nil
	}
	if dryRun {
		m = m.rehearsing(s.Now())
	}
	p, err := s.Propose(ctx, by, m, decide)
	if err == nil && prepare != nil {
		err = prepare(*m)
	}
	if err != nil {
		return job.Outcome{}, nil, err
	}
	if dryRun {
		p.Writes = nil
	}
	return job.Outcome{Unchanged: !p.Changes()}, p.Writes, nil
}
