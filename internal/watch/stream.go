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
	"roster/internal/usage"
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

// tells reports whether a month says more than what was seen before.
func (s sight) tells(name string, month table.Item) (bool, error) {
	if name != s.name {
		return name > s.name, nil
	}
	return spent.More(s.month, month)
}

// Stream warns whom a batch of changes brought near a limit. It fails as a whole; a
// batch may come again, and in any order.
func (s Service) Stream(ctx context.Context, event events.DynamoDBEvent) error {
	seen, charged := map[user]sight{}, map[pooled]bool{}
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
			if !more {
				continue
			}
			for _, team := range append(usage.TeamsCharged(before, after), "") {
				charged[pooled{org, team}] = true
			}
			tells, err := one.tells(name, after)
			if err != nil {
				return err
			}
			if !tells {
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
	subjects, err := s.subjects(ctx, seen)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for of, subject := range subjects {
		group.Go(func() error { return s.look(ctx, of, *subject) })
	}
	group.Go(func() error { return s.pools(ctx, subjects, charged) })
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

// subjects are the members of a batch. What it does not show is read: the month as it is, and
// the member as they were lately, for a change of them is a record of its own. Whoever's
// month is over is left out.
func (s Service) subjects(ctx context.Context, seen map[user]sight) (map[user]*subject, error) {
	subjects := make(map[user]*subject, len(seen))
	orgs := map[id.Organization]**organization.Organization{}
	var reads []table.Read
	for of, one := range seen {
		if orgs[of.org] == nil {
			orgs[of.org] = new(*organization.Organization)
			reads = append(reads, organization.Read(of.org, orgs[of.org]))
		}
		subjects[of] = &subject{member: one.member, month: one.month}
		if one.member == nil {
			reads = append(reads, member.Read(of.org, of.id, &subjects[of].member))
		}
	}
	if len(reads) == 0 {
		return nil, nil
	}
	if err := s.Table.GetSettled(ctx, reads...); err != nil {
		return nil, err
	}
	reads = nil
	for of, one := range seen {
		o := *orgs[of.org]
		if o == nil {
			delete(subjects, of)
			continue
		}
		subjects[of].org = o
		name := s.Now().In(o.TimeZone.Location()).Format(calendar.MonthForm)
		switch {
		case one.month == nil:
			reads = append(reads, table.Raw(table.MemberMonth(of.org, of.id, name), &subjects[of].month))
		case one.name != name:
			delete(subjects, of)
		}
	}
	if len(reads) == 0 {
		return subjects, nil
	}
	return subjects, s.Table.Get(ctx, reads...)
}

// look warns a member, whom it puts into the list of those who are near a limit.
func (s Service) look(ctx context.Context, of user, subject subject) error {
	near, err := subject.near(s.Now())
	if err != nil || len(near) == 0 {
		return err
	}
	listed, err := s.warn(ctx, subject, near)
	if err != nil || listed {
		return err
	}
	return s.list(ctx, of.org, of.id)
}
