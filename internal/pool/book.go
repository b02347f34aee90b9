package pool

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"roster/internal/table"
)

// Booking books usage in a lane: always, whatever is left.
type Booking struct {
	Lane Lane
	// Days has what was used, by the day of the month; of a call that held, by that of
	// its hold.
	Days map[int]Usage
	// Ended are holds that end with it, up to some fifty.
	Ended []Hold
	// Through, if not nil, books once: the lane notes it.
	Through *Watermark
}

// Watermark is up to where something is booked that comes in an order of its own.
type Watermark struct {
	// Source is the attribute of the lane that has it: a "w" and two digits.
	Source   string
	Sequence int64
}

// ErrBooked is the refusal of a Booking that was booked before.
var ErrBooked = errors.New("pool: it was booked before")

// Gone is the refusal of a Booking: some of its holds have ended. Without them, it
// books what was used all the same.
type Gone struct{ Holds []Hold }

func (g *Gone) Error() string { return fmt.Sprintf("pool: %d holds are gone", len(g.Holds)) }

// Write is the Booking as a part of a transaction: 2 write units, up to a kilobyte of
// the lane. It may be refused with *Gone, unless it ends no holds, or with ErrBooked.
func (b Booking) Write() table.Write {
	c := newChange(b.Lane)
	var all Usage
	for day, u := range b.Days {
		c.count(day, int64(u.Cost))
		all = all.Plus(u)
	}
	for letter, n := range map[string]int64{"r": all.Requests, "i": all.Input, "o": all.Output} {
		if n != 0 {
			c.add[letter] = n
		}
	}
	for _, h := range b.Ended {
		c.end(h.name(), h.held())
	}
	if b.Through != nil {
		c.through = b.Through
	}
	w := c.write()
	w.ElseFrom = func(item table.Item) error {
		if b.Through != nil && contentOf(item).passed[b.Through.Source] >= b.Through.Sequence {
			return ErrBooked
		}
		there, gone := contentOf(item).holds, &Gone{}
		for _, h := range b.Ended {
			if !bytes.HasPrefix(there[h.name()], h.held()) {
				gone.Holds = append(gone.Holds, h)
			}
		}
		return gone
	}
	return w
}

// Release ends a hold under which nothing was used; one that is gone is released. It
// takes a write unit.
func (l Lane) Release(ctx context.Context, t *table.Table, h Hold) error {
	err := t.Transact(ctx, Booking{Lane: l, Ended: []Hold{h}}.Write())
	if _, gone := errors.AsType[*Gone](err); gone {
		return nil
	}
	return err
}
