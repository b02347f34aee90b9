package billing

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"roster/internal/id"
	"roster/internal/table"
	"roster/internal/usage"
)

const (
	// usersAtOnce is how many members one query of the index lists, and readsAtOnce how
	// many batches of their items are read at the same time.
	usersAtOnce = 500
	readsAtOnce = 8
	batchUsers  = 100
)

// lookback is how many months before its own a statement reads again. Usage is
// reported 35 days late at most (usage.MaxAge), and a month is closed in the next.
const lookback = 2

// draft is a statement that is being made: of which month, and whether it shows what
// was reported late. It does only when the statement before it is closed, or it is
// the first: otherwise late usage is that one's to show.
type draft struct {
	org     id.Organization
	month   Month
	adjusts bool
}

// block is the entries of the next members behind one, at most usersAtOnce for each
// month that is read, and whether there are more.
type block struct {
	entries []entry
	last    id.User
	more    bool
}

// block reads members' counters as they are now. Memory is bounded by the block.
func (s Service) block(ctx context.Context, d draft, after id.User) (block, error) {
	months := []Month{d.month}
	if d.adjusts {
		for n := range lookback {
			months = append(months, d.month.plus(-n-1))
		}
	}
	users, more, err := s.users(ctx, d.org, months, after)
	if err != nil || len(users) == 0 {
		return block{}, err
	}
	out := block{entries: make([]entry, len(users)), last: users[len(users)-1], more: more}
	var before map[id.User]entry
	group, reads := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	if d.adjusts {
		group.Go(func() (err error) {
			before, err = s.entries(reads, d.org, d.month.plus(-1), users[0], out.last)
			return err
		})
	}
	read := make([]map[usage.MemberMonth]usage.Sums, len(users))
	perBatch := max(1, batchUsers/(len(months)+1))
	for from := 0; from < len(users); from += perBatch {
		to := min(len(users), from+perBatch)
		group.Go(func() error {
			sums, err := s.readMembers(reads, d.org, months, users[from:to], out.entries[from:to])
			for i := from; i < to; i++ {
				read[i] = sums
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return block{}, err
	}
	for i := range out.entries {
		out.entries[i].fill(d, read[i], before[users[i]])
	}
	return out, nil
}

// users lists in order who has counters in one of the months, behind a user.
func (s Service) users(ctx context.Context, org id.Organization, months []Month, after id.User) (users []id.User, more bool, err error) {
	var until id.User // up to where every month was listed; empty, to its end
	for _, m := range months {
		listed, further, err := usage.UsersAfter(ctx, s.Table, org, string(m), after, usersAtOnce)
		if err != nil {
			return nil, false, err
		}
		users = append(users, listed...)
		if further && (until == "" || listed[len(listed)-1] < until) {
			until = listed[len(listed)-1]
		}
	}
	slices.Sort(users)
	users = slices.Compact(users)
	if until != "" {
		users = slices.DeleteFunc(users, func(u id.User) bool { return u > until })
	}
	return users, until != "", nil
}

// readMembers reads the counters of members, and fills in what they are called.
func (s Service) readMembers(ctx context.Context, org id.Organization, months []Month, users []id.User, into []entry) (map[usage.MemberMonth]usage.Sums, error) {
	people := make([]*struct {
		Email string `dynamodbav:"email"`
		Name  string `dynamodbav:"name"`
	}, len(users))
	var (
		of    []usage.MemberMonth
		reads []table.Read
	)
	for i, user := range users {
		reads = append(reads, table.Into(table.Member(org, user), &people[i]))
		for _, m := range months {
			of = append(of, usage.MemberMonth{User: user, Month: string(m)})
		}
	}
	sums, err := usage.Months(ctx, s.Table, org, of, reads...)
	for i, user := range users {
		into[i].User = user
		if person := people[i]; person != nil {
			into[i].Email, into[i].Name = person.Email, person.Name
		}
	}
	return sums, err
}

// fill completes an entry from the months as they are now, and from the entry of the
// statement before.
func (e *entry) fill(d draft, read map[usage.MemberMonth]usage.Sums, before entry) {
	month := func(m Month) usage.Sums { return read[usage.MemberMonth{User: e.User, Month: string(m)}] }
	e.This = month(d.month)
	if !e.This.IsZero() {
		e.Lines++
	}
	if !d.adjusts {
		return
	}
	e.Before = month(d.month.plus(-1))
	for _, earlier := range []adjustment{
		{d.month.plus(-1), e.Before.Since(before.This)},
		{d.month.plus(-2), month(d.month.plus(-2)).Since(before.Before)},
	} {
		if !earlier.Of.IsZero() {
			e.Adjustments = append(e.Adjustments, earlier)
			e.Lines++
		}
	}
}
