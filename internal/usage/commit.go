package usage

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/pool"
	"roster/internal/spent"
	"roster/internal/table"
)

const (
	// chunkWrites is how many writes a transaction takes
	// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
	chunkWrites = 100
	// Few members share one, so that a conflict over one of them holds up few others.
	chunkEvents = 80
	chunkMonths = 10
	// chunksAtOnce bounds how many transactions of one request are under way.
	chunksAtOnce = 4
	// maxRefusals bounds how often one is tried, whatever others do to its months.
	maxRefusals = 100
	// maxConflicts bounds how often others may be at its items.
	maxConflicts = 10
)

var errBusy = fault.New(fault.Unavailable, "counters_busy", "The member's counters change too fast; try again.").WithRetryAfter(time.Second)

// commit records the events, and their results.
func (m Meter) commit(ctx context.Context, by access.Caller, entries []entry, tallies map[month]*tally, results []Result) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(chunksAtOnce)
	for _, c := range chunks(by, entries, tallies) {
		group.Go(func() error { return m.commitChunk(ctx, c, results) })
	}
	return group.Wait()
}

// chunk is events that one transaction records, and what it is decided on.
type chunk struct {
	by      access.Caller
	events  []entry
	tallies map[month]*tally
	// gone are holds that pools have no more.
	gone map[pool.Lane][]pool.Hold
	// lane decides in which lanes what no pool holds is booked.
	lane string
}

// chunks divides events into transactions. Those of one member and month stay
// together as far as one transaction takes them.
func chunks(by access.Caller, entries []entry, tallies map[month]*tally) []chunk {
	var order []month
	byMonth := map[month][]entry{}
	for _, e := range entries {
		if byMonth[e.month()] == nil {
			order = append(order, e.month())
		}
		byMonth[e.month()] = append(byMonth[e.month()], e)
	}
	size := func(events []entry) int { return chunk{by: by, events: events, tallies: tallies}.size() }
	var (
		all     []chunk
		current []entry
		months  int
	)
	flush := func() {
		if len(current) > 0 {
			all = append(all, chunk{by, current, maps.Clone(tallies), map[pool.Lane][]pool.Hold{}, string(current[0].record.ID)})
		}
		current, months = nil, 0
	}
	var add func([]entry)
	add = func(part []entry) {
		switch {
		case len(part) > 1 && (len(part) > chunkEvents || size(part) > chunkWrites):
			add(part[:len(part)/2])
			add(part[len(part)/2:])
			return
		case months == chunkMonths, len(current)+len(part) > chunkEvents, size(slices.Concat(current, part)) > chunkWrites:
			flush()
		}
		current = append(current, part...)
		months++
	}
	for _, of := range order {
		add(byMonth[of])
	}
	flush()
	return all
}

// months are those of the events.
func (c chunk) months() []month {
	var all []month
	for _, e := range c.events {
		if !slices.Contains(all, e.month()) {
			all = append(all, e.month())
		}
	}
	return all
}

// size is how many writes the chunk is.
func (c chunk) size() int {
	lanes, _ := c.bookings()
	return len(c.events) + len(c.months()) + len(lanes)
}

// hold is what was reserved for an event, if it is there.
func (c chunk) hold(e entry) (spent.Hold, bool) {
	h, ok := c.tallies[e.month()].holds[e.record.settles.holdName()]
	return h, ok
}

// commitChunk is one transaction, and again as long as it is refused: without the
// events that turn out to be recorded before, or whose month takes no more, and
// with models named as the months now have them. It ends, because every refusal
// leaves fewer events or fewer free names, or finds a reservation ended or days sealed,
// which no other call undoes. Where other transactions are at some of its items, it goes
// on with the others, and in other lanes.
func (m Meter) commitChunk(ctx context.Context, c chunk, results []Result) error {
	conflicts := 0
	for attempt := 0; len(c.events) > 0; attempt++ {
		if attempt == maxRefusals || conflicts == maxConflicts {
			return errBusy
		}
		months := c.months()
		lanes, bookings := c.bookings()
		err := m.Table.TransactOnce(ctx, c.writes(months, bookings)...)
		if conflict, ok := errors.AsType[*table.Conflict](err); ok {
			free, rest := c.apart(conflict, months)
			if err := m.commitChunk(ctx, free, results); err != nil {
				return err
			}
			conflicts++
			if err := table.Pause(ctx, conflicts); err != nil {
				return err
			}
			c = rest
			c.lane = rand.Text()
			continue
		}
		if err == nil {
			for _, e := range c.events {
				results[e.place] = e.record.result(Recorded)
			}
			return nil
		}
		refused, ok := errors.AsType[*table.Refused](err)
		if !ok {
			return err
		}
		ofEvents, rest := refused.Reasons[:len(c.events)], refused.Reasons[len(c.events):]
		ofMonths, ofLanes := rest[:len(months)], rest[len(months):]
		full, err := c.reread(months, ofMonths)
		if err != nil {
			return err
		}
		if err := c.lose(lanes, ofLanes); err != nil {
			return err
		}
		if c.events, err = settle(c.events, ofEvents, full, results); err != nil {
			return err
		}
	}
	return nil
}

// apart divides the events into those at which no other transaction is, and the rest: all
// of them, where it is at none of their months, or at all.
func (c chunk) apart(conflict *table.Conflict, months []month) (free, rest chunk) {
	busy := map[month]bool{}
	for i, e := range c.events {
		if conflict.At != nil && conflict.At[i] {
			busy[e.month()] = true
		}
	}
	for i, of := range months {
		if conflict.At != nil && conflict.At[len(c.events)+i] {
			busy[of] = true
		}
	}
	free, rest = c, c
	if len(busy) == 0 || len(busy) == len(months) {
		free.events = nil
		return free, rest
	}
	free.events, rest.events = nil, nil
	for _, e := range c.events {
		if busy[e.month()] {
			rest.events = append(rest.events, e)
		} else {
			free.events = append(free.events, e)
		}
	}
	return free, rest
}

// writes are the events, then the months, and then the lanes, each in their order.
func (c chunk) writes(months []month, bookings []pool.Booking) []table.Write {
	writes := make([]table.Write, 0, len(c.events)+len(months)+len(bookings))
	additions := map[month]*addition{}
	for _, of := range months {
		additions[of] = newAddition(c.tallies[of], namesFor(c.by), c.by.Key())
	}
	for i, e := range c.events {
		hold, held := c.hold(e)
		e.record.Late = e.record.settles != "" && (!held || !hold.Live(e.record.RecordedAt))
		c.events[i] = e
		writes = append(writes, e.record.write(e.marker))
		additions[e.month()].count(e.record)
	}
	for _, of := range months {
		writes = append(writes, additions[of].write(c.by.Organization(), of))
	}
	for _, b := range bookings {
		writes = append(writes, b.Write())
	}
	return writes
}

// bookings are what the events are in pools: in that of the organization, and in those of
// the limited teams that the member is in, or that hold for the event. Events without
// reservation share the lane of the first one.
func (c chunk) bookings() (lanes []pool.Lane, bookings []pool.Booking) {
	org, settings := c.by.Organization(), c.by.Own.Pools()
	booking := func(of pool.Lane) *pool.Booking {
		i := slices.Index(lanes, of)
		if i < 0 {
			i = len(lanes)
			lanes, bookings = append(lanes, of), append(bookings, pool.Booking{Lane: of, Days: map[int]pool.Usage{}})
		}
		return &bookings[i]
	}
	for _, e := range c.events {
		r := e.record
		if r.Test {
			continue
		}
		hold, _ := c.hold(e)
		into := map[id.Team]pool.Lane{}
		for _, lane := range lanesOf(org, r.Month, hold) {
			into[lane.Pool.Team] = lane
			if h := inPools(id.Reservation(r.settles), hold); !slices.Contains(c.gone[lane], h) {
				b := booking(lane)
				b.Ended = append(b.Ended, h)
			}
		}
		if r.Scope == Personal {
			continue
		}
		for _, team := range append([]id.Team{""}, settings.Binding(r.Teams)...) {
			if _, held := into[team]; !held {
				into[team] = pool.Pool{Organization: org, Team: team, Month: r.Month}.Lane(c.lane, settings.Of(team).Limits())
			}
		}
		for _, team := range slices.Sorted(maps.Keys(into)) {
			b := booking(into[team])
			b.Days[r.Day] = b.Days[r.Day].Plus(pool.Usage{Cost: r.Cost, Requests: r.requests(), Input: r.Input, Output: r.Output})
		}
	}
	return lanes, bookings
}

// reread takes over the months that changed, and returns which take no more.
func (c chunk) reread(months []month, reasons []error) (full map[month]bool, err error) {
	full = map[month]bool{}
	for i, of := range months {
		changed, isChanged := errors.AsType[monthChanged](reasons[i])
		switch {
		case isChanged:
			c.tallies[of] = changed.now
		case errors.Is(reasons[i], table.ErrTooLarge):
			full[of] = true
		case reasons[i] != nil:
			return nil, reasons[i]
		}
	}
	return full, nil
}

// lose takes over which holds pools have no more.
func (c chunk) lose(lanes []pool.Lane, reasons []error) error {
	for i, of := range lanes {
		gone, ok := errors.AsType[*pool.Gone](reasons[i])
		switch {
		case ok:
			c.gone[of] = append(c.gone[of], gone.Holds...)
		case reasons[i] != nil:
			return reasons[i]
		}
	}
	return nil
}

// settle gives the events that cannot be recorded their results, and returns the others.
func settle(events []entry, reasons []error, full map[month]bool, results []Result) (rest []entry, err error) {
	for i, e := range events {
		before, isBefore := errors.AsType[recordedBefore](reasons[i])
		switch {
		case isBefore:
			results[e.place] = again(e.record, before.Record)
		case reasons[i] != nil:
			return nil, reasons[i]
		case full[e.month()]:
			results[e.place] = reject(e.record.ID, errFull)
		default:
			rest = append(rest, e)
		}
	}
	return rest, nil
}

// again is the result of an event whose id is recorded. Recorded by this very
// call, the answer to its transaction was lost on the way.
func again(e, before Record) Result {
	switch {
	case bytes.Equal(e.Call, before.Call):
		return before.result(Recorded)
	case e.sameContent(before), e.settles != "": // whoever settles a reservation first does
		return before.result(Duplicate)
	}
	return reject(e.ID, errConflict)
}
