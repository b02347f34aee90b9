package deletion

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"roster/internal/access"
	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/invitation"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/pool"
	"roster/internal/table"
)

// erase deletes everything that an organization holds, whose grace is over. What
// leads to other items goes after these, and the organization's own item goes last,
// so that a run which was cut off is followed by one that finds the rest. What
// stays is one audit event, which names nobody.
func (s Service) erase(ctx context.Context, o organization.Organization) error {
	if o.Status != organization.Deleted {
		read := o
		var save table.Write
		o.Status, o.Telling = organization.Deleted, nil
		o, save = organization.Save(read, o, s.Now())
		if err := s.Table.Transact(ctx, save); err != nil {
			if errors.Is(err, table.ErrChanged) {
				return nil // restored at the last moment
			}
			return err
		}
	}
	for _, list := range []table.Query{
		{Index: table.ListIndex, PK: member.ListPartition(o.ID)},
		{Index: table.StateIndex, PK: member.StatePartition(o.ID, access.Removed)},
	} {
		if err := s.eraseListed(ctx, o.ID, list); err != nil {
			return err
		}
	}
	if err := s.erasePools(ctx, o.ID); err != nil {
		return err
	}
	for partition := range table.PartitionsOf(o.ID, o.CreatedAt, s.Now()) {
		if err := s.erasePartition(ctx, partition, table.Organization(o.ID)); err != nil {
			return err
		}
	}
	now := s.Now()
	err := s.Table.Transact(ctx,
		table.Write{Key: table.Organization(o.ID), Delete: true, If: table.Present, Else: table.ErrChanged},
		table.Write{Key: table.Near(o.ID, ""), Delete: true},
		audit.Record(now, o.ID, audit.Event{Action: audit.OrganizationErased, Actor: audit.System(), Target: string(o.ID)}))
	if errors.Is(err, table.ErrChanged) {
		return nil // another run was first
	}
	return err
}

// erasePools takes pools out of the list of those that are near a limit.
func (s Service) erasePools(ctx context.Context, org id.Organization) error {
	settings, err := pool.GetSettings(ctx, s.Table, org)
	if err != nil {
		return err
	}
	for _, of := range append(slices.Collect(maps.Keys(settings.Teams)), "") {
		if err := s.Table.Transact(ctx, table.Write{Key: table.NearPool(org, of), Delete: true}); err != nil {
			return err
		}
	}
	return nil
}

// eraseListed erases the members and invitations of a list.
func (s Service) eraseListed(ctx context.Context, org id.Organization, list table.Query) error {
	for item, err := range s.items(ctx, list) {
		if err != nil {
			return err
		}
		key, err := table.Decode[table.Key](item)
		if err != nil {
			return err
		}
		if _, user, ok := key.Member(); ok {
			if err := s.eraseMember(ctx, org, user); err != nil {
				return err
			}
			continue
		}
		if err := s.Table.Transact(ctx, table.Write{Key: key, Delete: true}); err != nil {
			return err
		}
	}
	return nil
}

// eraseMember erases what the organization holds of a member, the item by which
// lists lead here last. The account stays, and forgets the organization.
func (s Service) eraseMember(ctx context.Context, org id.Organization, user id.User) error {
	var m *member.Member
	if err := s.Table.Get(ctx, member.Read(org, user, &m)); err != nil || m == nil {
		return err
	}
	for _, partition := range table.PartitionsOfMember(org, user) {
		if err := s.erasePartition(ctx, partition, table.Member(org, user)); err != nil {
			return err
		}
	}
	writes := []table.Write{{Key: table.Membership(user, org), Delete: true}, {Key: table.Near(org, user), Delete: true}}
	if m.Email != "" {
		writes = append(writes, invitation.Erase(org, m.Email))
	}
	writes = append(writes, member.EraseDue(*m)...)
	return s.Table.Transact(ctx, append(writes, table.Write{Key: table.Member(org, user), Delete: true})...)
}

// atOnce is how many items are deleted at the same time.
const atOnce = 16

// erasePartition deletes the items of a partition but one.
func (s Service) erasePartition(ctx context.Context, partition string, but table.Key) error {
	group, deleting := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for item, err := range s.items(ctx, table.Query{PK: partition}) {
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		key, err := table.Decode[table.Key](item)
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		if key != but {
			group.Go(func() error { return s.Table.Transact(deleting, table.Write{Key: key, Delete: true}) })
		}
	}
	return group.Wait()
}

// items reads a range to its end, page by page, until ctx ends.
func (s Service) items(ctx context.Context, q table.Query) iter.Seq2[table.Item, error] {
	return func(yield func(table.Item, error) bool) {
		for {
			page, err := s.Table.Query(ctx, q)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if q.Start = page.Next; q.Start == nil {
				return
			}
		}
	}
}
