package member

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/env"
	"roster/internal/mail"
	"roster/internal/organization"
	"roster/internal/outbox"
	"roster/internal/table"
)

// reserve is what a run of Expire keeps of its time for the calls that are under way.
const reserve = 3 * time.Second

// attendedAtOnce bounds how many members a run attends to at the same time.
const attendedAtOnce = 8

// Expire does what is due about memberships: it writes down what has changed by
// itself, and reminds of the ends that come near. No check waits for it. It may be
// cut off anywhere, and made again: what is left is the next run's.
func (s Service) Expire(ctx context.Context, _ events.EventBridgeEvent) error {
	inTime, cancel := env.InTime(ctx, reserve)
	defer cancel()
	var failed error
	for shard := range table.DueShards {
		failed = errors.Join(failed, s.expireShard(inTime, shard))
	}
	if inTime.Err() != nil {
		return nil
	}
	return failed
}

// expireShard attends to each member of a shard of whom something is due. That one
// of them fails keeps no other waiting.
func (s Service) expireShard(ctx context.Context, shard int) error {
	due := table.Query{PK: table.Due(shard, time.Time{}, "", "").PK, To: table.DueBy(s.Now().Add(time.Second)), Limit: 100}
	var failed error
	for ctx.Err() == nil {
		page, err := s.Table.Query(ctx, due)
		if err != nil {
			return errors.Join(failed, err)
		}
		keys, err := table.DecodeAll[table.Key](page.Items)
		if err != nil {
			return err
		}
		attended := make([]error, len(keys))
		var group errgroup.Group
		group.SetLimit(attendedAtOnce)
		for i, key := range keys {
			group.Go(func() error {
				if attended[i] = s.attend(ctx, key); attended[i] != nil {
					attended[i] = fmt.Errorf("%s: %w", key.SK, attended[i])
				}
				return nil
			})
		}
		_ = group.Wait() // each error has its place
		failed = errors.Join(append(attended, failed)...)
		if due.Start = page.Next; due.Start == nil {
			break
		}
	}
	return failed
}

// attend does what is due about the member to whom a key leads, as they stand now.
func (s Service) attend(ctx context.Context, key table.Key) error {
	org, user, ok := key.Due()
	if !ok {
		return nil
	}
	return table.Retry(ctx, func() error {
		var (
			m *Member
			o *organization.Organization
		)
		if err := s.Table.Get(ctx, Read(org, user, &m), organization.Read(org, &o)); err != nil {
			return err
		}
		if m != nil && (o == nil || o.Status == organization.Deleted) {
			return nil // it is being erased, and this with it
		}
		if err := Lapse(ctx, s.Env, m); err != nil {
			return err
		}
		if m == nil || m.due() != key { // nothing is due any more, or later
			return s.Table.Transact(ctx, Unchanged(org, user, m), table.Write{Key: key, Delete: true})
		}
		if at, remind := m.remindAt(); remind && !s.Now().Before(at) {
			return s.remind(ctx, *m, *o)
		}
		return nil
	})
}

// remind tells who is concerned, once, that a membership is to end: the member, of a
// service account who answers for it, and whoever gave it its end.
func (s Service) remind(ctx context.Context, m Member, o organization.Organization) error {
	told := m
	told.EndTold = m.EndsAt
	writes := Save(&m, told, s.Now())
	var others [2]*Member
	reads := []table.Read{Read(m.Organization, m.EndsBy, &others[0])}
	if m.Kind == ServiceAccount {
		reads = append(reads, Read(m.Organization, m.Responsible, &others[1]))
	}
	if err := s.Table.Get(ctx, reads...); err != nil {
		return err
	}
	heard := map[email.Address]bool{"": true}
	for _, to := range []*Member{&m, others[0], others[1]} {
		if to == nil || to.ID != m.ID && to.At(s.Now()).Status != access.Active || heard[to.Email] {
			continue
		}
		heard[to.Email] = true
		data := mail.Data{Organization: string(o.Name), Recipient: string(to.Name), ExpiresAt: m.EndsAt}
		if to.ID != m.ID {
			data.Member = m.DisplayName()
		}
		write, err := outbox.Enqueue(ctx, s.Env, outbox.Mail{To: to.Email, Kind: mail.MembershipEnding, Data: data})
		if err != nil {
			return err
		}
		writes = append(writes, write)
	}
	return s.Table.Transact(ctx, writes...)
}

// EraseDue is the Writes by which nothing leads to a member who is erased any more.
func EraseDue(m Member) []table.Write {
	if due := m.due(); due != (table.Key{}) {
		return []table.Write{{Key: due, Delete: true}}
	}
	return nil
}
