// Package arrange keeps the lists that are made of entries, and notes when members
// were last active and keys last used, from the table's stream.
//
// An item tells which entries it should have (member.Entries, spent.Entries). Of
// each record of the stream, the entries that the item had before and has no more
// are removed, and those that are new are put. What a record does to an entry
// depends on the record alone, and the last record that moves an entry decides: so
// a batch may come twice, or again from an earlier record on, as long as it comes
// to its end in order, as records of one item do. Records of different items never
// share an entry. Nothing but lists depends on any of it, and what a list shows is
// read anew: a surplus entry is not shown, and a missing one is put by Rebuild.
package arrange

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/spent"
	"roster/internal/stream"
	"roster/internal/table"
)

// Service keeps the lists.
type Service struct {
	*env.Env
	zones *zones
}

// New makes a Service.
func New(e *env.Env) Service { return Service{e, newZones(e)} }

// writesAtOnce bounds how many single writes of a batch are under way.
const writesAtOnce = 8

// Stream takes over a batch of changes. It fails as a whole.
func (s Service) Stream(ctx context.Context, event events.DynamoDBEvent) error {
	changes := map[table.Key]bool{} // by entry: whether it shall be there
	var seen []sighting
	for _, record := range event.Records {
		key := stream.Key(record)
		before, after := stream.Images(record)
		had, err := entries(key, before)
		if err != nil {
			return err
		}
		has, err := entries(key, after)
		if err != nil {
			return err
		}
		for _, entry := range had {
			if !slices.Contains(has, entry) {
				changes[entry] = false
			}
		}
		for _, entry := range has {
			if !slices.Contains(had, entry) {
				changes[entry] = true
			}
		}
		signs, err := sightings(key, before, after)
		if err != nil {
			return err
		}
		seen = append(seen, signs...)
	}
	if err := s.place(ctx, changes); err != nil {
		return err
	}
	return s.note(ctx, seen)
}

// entries are all that an item should have, in whatever lists.
func entries(key table.Key, item table.Item) ([]table.Key, error) {
	all, err := member.Entries(key, item)
	if err != nil {
		return nil, err
	}
	further, err := spent.Entries(key, item)
	return append(all, further...), err
}

func (s Service) place(ctx context.Context, changes map[table.Key]bool) error {
	var put, remove []table.Key
	for entry, there := range changes {
		if there {
			put = append(put, entry)
		} else {
			remove = append(remove, entry)
		}
	}
	return s.Table.Place(ctx, put, remove)
}

// note writes down when members were last active and keys last used, each once.
func (s Service) note(ctx context.Context, seen []sighting) error {
	type one struct {
		org  id.Organization
		user id.User
		key  id.Key
	}
	days := map[one]time.Time{}
	for _, sign := range seen {
		zone, err := s.zones.of(ctx, sign.org)
		if err != nil {
			return err
		}
		of := one{sign.org, sign.user, sign.key}
		if day, ok := sign.day(zone); ok && day.After(days[of]) {
			days[of] = day
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writesAtOnce)
	for of, day := range days {
		group.Go(func() error {
			write := member.Seen(of.org, of.user, day)
			if of.key != "" {
				write = member.KeyUsed(of.org, of.key, day)
			}
			err := s.Table.Transact(ctx, write)
			if errors.Is(err, member.ErrSeen) {
				return nil
			}
			return err
		})
	}
	return group.Wait()
}
