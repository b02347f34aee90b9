package watch

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"roster/internal/access"
	"roster/internal/calendar"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/spending"
	"roster/internal/spent"
	"roster/internal/stream"
	"roster/internal/table"
)

// atOnce bounds how many members are looked at at the same time.
const atOnce = 8

// user is a member by their organization.
type user struct {
	org id.Organization
	id  id.User
}

// sight is what a batch says of a member: the image of the last month in which the most
// was spent, and of the member, where their limits changed.
type sight struct {
	name   string
	month  table.Item
	member *member.Member
}

// Stream warns whom a batch of changes brought near a limit. It fails as a whole; a
// batch may come again, and in any order.
func (s Service) Stream(ctx context.Context, event events.DynamoDBEvent) error {
	seen := map[user]sight{}
	for _, record := range event.Records {
		key := stream.Key(record)
		org, of, ok := key.Member()
		if !ok {
			continue
		}
		one := seen[user{org, of}]
		before, after := stream.Images(record)
		if _, _, name, isMonth := key.Month(); isMonth {
			more, err := spent.More(before, after)
			if err != nil {
				return err
			}
			if name == one.name && more {
				more, err = spent.More(one.month, after)
			}
			if err != nil {
				return err
			}
			if !more || name < one.name {
				continue
			}
			one.name, one.month = name, after
		} else {
			changed, err := limited(key, before, after)
			if err != nil {
				return err
			}
			if changed == nil {
				continue
			}
			one.member = changed
		}
		seen[user{org, of}] = one
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for of, one := range seen {
		group.Go(func() error { return s.look(ctx, of, one) })
	}
	return group.Wait()
}

// limited is the member after a change of what binds them, or of whether they are warned;
// nil, it was none.
func limited(key table.Key, before, after table.Item) (*member.Member, error) {
	org, user, _ := key.Member()
	if key != table.Member(org, user) || before == nil || after == nil {
		return nil, nil
	}
	was, err := table.Decode[member.Member](before)
	if err != nil {
		return nil, err
	}
	is, err := table.Decode[member.Member](after)
	if err != nil {
		return nil, err
	}
	if was.Status != is.Status && is.Status == access.Active || !was.Chosen().Same(is.Chosen()) || !was.Temporary.SameAs(is.Temporary) {
		return &is, nil
	}
	for key, record := range is.Keys {
		if record.Limits != nil && !spending.First(was.Keys[key].Limits).Same(*record.Limits) {
			return &is, nil
		}
	}
	return nil, nil
}

// look warns a member, whom it puts into the list of those who are near a limit. What
// the batch does not show is read: the month as it is, and the member as they were
// lately, for a change of them is a record of its own.
func (s Service) look(ctx context.Context, of user, seen sight) error {
	var o *organization.Organization
	reads, m := []table.Read{organization.Read(of.org, &o)}, seen.member
	if m == nil {
		reads = append(reads, member.Read(of.org, of.id, &m))
	}
	if err := s.Table.GetSettled(ctx, reads...); err != nil || o == nil {
		return err
	}
	now := s.Now()
	month, current := seen.month, now.In(o.TimeZone.Location()).Format(calendar.MonthForm)
	switch {
	case month == nil:
		if err := s.Table.Get(ctx, table.Raw(table.MemberMonth(of.org, of.id, current), &month)); err != nil {
			return err
		}
	case seen.name != current:
		return nil // that month is over
	}
	subject := subject{o, m, month}
	near, err := subject.near(now)
	if err != nil || len(near) == 0 {
		return err
	}
	listed, err := s.warn(ctx, subject, near)
	if err != nil || listed {
		return err
	}
	return s.list(ctx, of.org, of.id)
}
