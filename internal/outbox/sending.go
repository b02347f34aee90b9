package outbox

import (
	"context"
	"errors"
	"iter"
	"time"

	"roster/internal/table"
)

// ErrTaken is the refusal of a claim: another sender has the mail, or it is sent.
var ErrTaken = errors.New("outbox: the mail is taken or gone")

// Get reads the item at a key; nil if there is none.
func Get(ctx context.Context, t *table.Table, key table.Key) (*Item, error) {
	var item *Item
	err := t.Get(ctx, table.Into(key, &item))
	return item, err
}

// Due yields the mails of a shard that may be tried at that time, oldest first.
// It ends after the first error.
func Due(ctx context.Context, t *table.Table, shard int, now time.Time) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		q := table.Query{PK: table.Outbox(shard, "").PK}
		for {
			page, err := t.Query(ctx, q)
			if err != nil {
				yield(Item{}, err)
				return
			}
			items, err := table.DecodeAll[Item](page.Items)
			if err != nil {
				yield(Item{}, err)
				return
			}
			for _, item := range items {
				if !item.NotBefore.After(now) && !yield(item, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			q.Start = page.Next
		}
	}
}

// Claimed returns the item as its sender has it: one attempt more, and nobody
// else's until the lease ends.
func (i Item) Claimed(until time.Time) Item {
	i.Attempts++
	i.NotBefore = until
	return i
}

// Claim is the Write by which exactly one sender gets the item; i is as Claimed
// returned it.
func (i Item) Claim() table.Write {
	return table.Write{
		Key:    i.key(),
		Update: "SET #attempts = :attempts, #not_before = :until",
		If:     "#attempts = :before",
		Values: table.V{"attempts": i.Attempts, "before": i.Attempts - 1, "until": i.NotBefore},
		Else:   ErrTaken,
	}
}

// Postpone is the Write that lets a claimed item wait, unless its lease ended
// and another sender has it.
func (i Item) Postpone(until time.Time) table.Write {
	return table.Write{
		Key:    i.key(),
		Update: "SET #not_before = :until",
		If:     "#attempts = :attempts",
		Values: table.V{"attempts": i.Attempts, "until": until},
		Else:   ErrTaken,
	}
}

// Remove is the Write that ends the item.
func (i Item) Remove() table.Write { return table.Write{Key: i.key(), Delete: true} }
