package price

import (
	"context"
	"time"

	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/recent"
	"roster/internal/table"
)

// Delay is how long a process goes on with the prices that it read last.
const Delay = 2 * time.Second

// mostKept bounds the memory of a process that serves many organizations.
const mostKept = 1000

// Book has the prices of organizations at hand. What it reads is which version is in
// force, half a read unit within Delay; a version itself is read once, since it never
// changes.
type Book struct {
	env   *env.Env
	lists recent.Values[id.Organization, *List]
}

// NewBook makes a Book; the endpoints of a process share one.
func NewBook(e *env.Env) *Book {
	return &Book{env: e, lists: recent.Values[id.Organization, *List]{TTL: Delay, Most: mostKept}}
}

// List is the list of an organization that was in force within Delay, and a moment.
func (b *Book) List(ctx context.Context, org id.Organization) (*List, error) {
	now := b.env.Now()
	last, fresh := b.lists.Get(org, now)
	if fresh {
		return last, nil
	}
	list, err := b.read(ctx, org, last)
	if err != nil {
		return nil, err
	}
	b.lists.Put(org, list, now)
	return list, nil
}

// read returns the list that is in force: the last one where no newer is.
func (b *Book) read(ctx context.Context, org id.Organization, last *List) (*List, error) {
	var found *head
	if err := b.env.Table.GetSettled(ctx, table.Into(table.Prices(org), &found)); err != nil {
		return nil, err
	}
	if found == nil {
		found = new(head)
	}
	if last != nil {
		if known, _ := last.version.parts(); known >= found.Version {
			return last, nil
		}
	}
	own, err := version(ctx, b.env.Table, org, found.Version)
	if err != nil {
		return nil, err
	}
	return newList(own, newest()), nil
}
