package watch

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"roster/internal/calendar"
	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/table"
	"roster/internal/usage"
)

const (
	// reserve is what a run keeps of its time for the calls that are under way.
	reserve = 3 * time.Second
	// perPage is how many members are read together.
	perPage = 100
)

// Sweep looks at everyone, and at every pool, near a limit, with exact values: it tells what has not
// been told, and takes out of the list who is near no more. It may be cut off anywhere,
// and made again. That it fails for some keeps no other waiting.
func (s Service) Sweep(ctx context.Context, _ events.EventBridgeEvent) error {
	inTime, cancel := env.InTime(ctx, reserve)
	defer cancel()
	var failed error
	for shard := range table.NearShards {
		failed = errors.Join(failed, s.sweepShard(inTime, shard))
	}
	if inTime.Err() != nil {
		return nil
	}
	return failed
}

func (s Service) sweepShard(ctx context.Context, shard int) error {
	near := table.Query{PK: table.NearPartition(shard), Limit: perPage}
	var failed error
	for {
		page, err := s.Table.Query(ctx, near)
		if err != nil {
			return errors.Join(failed, err)
		}
		keys, err := table.DecodeAll[table.Key](page.Items)
		if err != nil {
			return errors.Join(failed, err)
		}
		var members []user
		for _, key := range keys {
			org, team, isPool := key.NearPool()
			if isPool {
				failed = errors.Join(failed, s.attendPool(ctx, pooled{org, team}))
				continue
			}
			switch org, of, _ := key.Near(); of {
			case "":
				failed = errors.Join(failed, s.lookThrough(ctx, org))
			default:
				members = append(members, user{org, of})
			}
		}
		failed = errors.Join(failed, s.attend(ctx, members))
		if near.Start = page.Next; near.Start == nil {
			return failed
		}
	}
}

// attend looks at members of the list.
func (s Service) attend(ctx context.Context, members []user) error {
	gone, err := s.check(ctx, members)
	if len(gone) == 0 {
		return err
	}
	for _, of := range gone {
		if deleted := s.Table.Transact(ctx, table.Write{Key: table.Near(of.org, of.id), Delete: true}); deleted != nil {
			return errors.Join(err, deleted)
		}
	}
	// Who came near meanwhile may have been found in the list, and is put back.
	still, back := s.check(ctx, gone)
	for _, of := range gone {
		if back == nil && !slices.Contains(still, of) {
			back = s.list(ctx, of.org, of.id)
		}
	}
	return errors.Join(err, back)
}

// check warns members, who are read in few round trips, and puts those into the list
// who are near a limit. It returns who is near none.
func (s Service) check(ctx context.Context, members []user) (gone []user, err error) {
	subjects, err := s.read(ctx, members)
	if err != nil {
		return nil, err
	}
	now, failures, far := s.Now(), make([]error, len(members)), make([]bool, len(members))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, of := range members {
		group.Go(func() error {
			near, err := subjects[i].near(now)
			if failures[i] = err; err != nil {
				return nil
			}
			if far[i] = len(near) == 0; far[i] {
				return nil
			}
			listed, err := s.warn(ctx, subjects[i], near)
			if err == nil && !listed {
				err = s.list(ctx, of.org, of.id)
			}
			failures[i] = err
			return nil
		})
	}
	_ = group.Wait() // each error has its place
	for i, of := range members {
		if far[i] {
			gone = append(gone, of)
		}
	}
	return gone, errors.Join(failures...)
}

// read reads members with their organizations and current months.
func (s Service) read(ctx context.Context, members []user) ([]subject, error) {
	orgs := map[id.Organization]**organization.Organization{}
	var reads []table.Read
	for _, of := range members {
		if orgs[of.org] == nil {
			orgs[of.org] = new(*organization.Organization)
			reads = append(reads, organization.Read(of.org, orgs[of.org]))
		}
	}
	if len(reads) == 0 {
		return nil, nil
	}
	if err := s.Table.Get(ctx, reads...); err != nil {
		return nil, err
	}
	subjects := make([]subject, len(members))
	reads = nil
	for i, of := range members {
		o := *orgs[of.org]
		if o == nil {
			continue
		}
		subjects[i].org = o
		reads = append(reads, member.Read(of.org, of.id, &subjects[i].member),
			table.Raw(table.MemberMonth(of.org, of.id, s.Now().In(o.TimeZone.Location()).Format(calendar.MonthForm)), &subjects[i].month))
	}
	if len(reads) == 0 {
		return subjects, nil
	}
	return subjects, s.Table.Get(ctx, reads...)
}

// pass is how far the looking through an organization's members is.
type pass struct {
	// Version is that of the settings for which it is made.
	Version int     `dynamodbav:"version"`
	After   id.User `dynamodbav:"after,omitempty"`
}

// lookThrough looks once at the pools of an organization, and at everyone who spent
// something in the current month, from where the run before came to. Another change of the settings
// begins it anew.
func (s Service) lookThrough(ctx context.Context, org id.Organization) error {
	var (
		o  *organization.Organization
		at *pass
	)
	key := table.Near(org, "")
	if err := s.Table.Get(ctx, organization.Read(org, &o), table.Into(key, &at)); err != nil || at == nil {
		return err
	}
	done := table.Write{Key: key, Delete: true, If: "#version = :version", Values: table.V{"version": at.Version}, Else: table.ErrChanged}
	if o != nil {
		if err := s.lookAtAllPools(ctx, *o); err != nil {
			return err
		}
	}
	for more := o != nil; more; {
		var (
			users []id.User
			err   error
		)
		month := s.Now().In(o.TimeZone.Location()).Format(calendar.MonthForm)
		if users, more, err = usage.UsersAfter(ctx, s.Table, org, month, at.After, perPage); err != nil {
			return err
		}
		members := make([]user, len(users))
		for i, of := range users {
			members[i] = user{org, of}
		}
		if _, err := s.check(ctx, members); err != nil {
			return err
		}
		if !more {
			break
		}
		at.After = users[len(users)-1]
		err = s.Table.Transact(ctx, table.Write{
			Key: key, Update: "SET #after = :after", If: done.If,
			Values: table.V{"after": at.After, "version": at.Version}, Else: table.ErrChanged,
		})
		if err != nil {
			return ignoreChanged(err)
		}
	}
	return ignoreChanged(s.Table.Transact(ctx, done))
}

// ignoreChanged: the next run begins with what changed.
func ignoreChanged(err error) error {
	if errors.Is(err, table.ErrChanged) {
		return nil
	}
	return err
}
