package usage

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/table"
)

// A transaction takes 100 writes
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
// Few members share one, so that a conflict over one of them holds up few others.
const (
	chunkEvents = 80
	chunkMonths = 10
	// chunksAtOnce bounds how many transactions of one request are under way.
	chunksAtOnce = 4
	// maxRefusals bounds how often one is tried, whatever others do to its months.
	maxRefusals = 100
)

var errBusy = fault.New(fault.Unavailable, "counters_busy", "The member's counters change too fast; try again.").WithRetryAfter(time.Second)

// commit records the events, and their results.
func (m Meter) commit(ctx context.Context, by access.Caller, entries []entry, tallies map[month]*tally, results []Result) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(chunksAtOnce)
	for _, chunk := range chunks(entries) {
		group.Go(func() error { return m.commitChunk(ctx, by, chunk, maps.Clone(tallies), results) })
	}
	return group.Wait()
}

// chunks divides events into transactions. Those of one member and month stay
// together as far as one transaction takes them.
func chunks(entries []entry) [][]entry {
	var order []month
	byMonth := map[month][]entry{}
	for _, e := range entries {
		if byMonth[e.month()] == nil {
			order = append(order, e.month())
		}
		byMonth[e.month()] = append(byMonth[e.month()], e)
	}
	var (
		all     [][]entry
		current []entry
		months  int
	)
	flush := func() {
		if len(current) > 0 {
			all = append(all, current)
		}
		current, months = nil, 0
	}
	for _, of := range order {
		for part := range slices.Chunk(byMonth[of], chunkEvents) {
			if months == chunkMonths || len(current)+len(part) > chunkEvents {
				flush()
			}
			current = append(current, part...)
			months++
		}
	}
	flush()
	return all
}

// commitChunk is one transaction, and again as long as it is refused: without the
// events that turn out to be recorded before, or whose month takes no more, and
// with models named as the months now have them. It ends, because every refusal
// leaves fewer events or fewer free names, or finds a reservation ended or days sealed,
// which no other call undoes.
func (m Meter) commitChunk(ctx context.Context, by access.Caller, chunk []entry, tallies map[month]*tally, results []Result) error {
	for attempt := 0; len(chunk) > 0; attempt++ {
		if attempt == maxRefusals {
			return errBusy
		}
		months := monthsOf(chunk)
		err := m.Table.Transact(ctx, chunkWrites(by, chunk, months, tallies)...)
		if err == nil {
			for _, e := range chunk {
				results[e.place] = e.record.result(Recorded)
			}
			return nil
		}
		refused, ok := errors.AsType[*table.Refused](err)
		if !ok {
			return err
		}
		ofEvents, ofMonths := refused.Reasons[:len(chunk)], refused.Reasons[len(chunk):]
		full, err := reread(months, ofMonths, tallies)
		if err != nil {
			return err
		}
		if chunk, err = settle(chunk, ofEvents, full, results); err != nil {
			return err
		}
	}
	return nil
}

func monthsOf(chunk []entry) []month {
	var all []month
	for _, e := range chunk {
		if !slices.Contains(all, e.month()) {
			all = append(all, e.month())
		}
	}
	return all
}

// chunkWrites are the events and then the months, each in their order.
func chunkWrites(by access.Caller, chunk []entry, months []month, tallies map[month]*tally) []table.Write {
	writes := make([]table.Write, 0, len(chunk)+len(months))
	additions := map[month]*addition{}
	for _, of := range months {
		additions[of] = newAddition(tallies[of], by)
	}
	for _, e := range chunk {
		hold, held := tallies[e.month()].holds[e.record.settles.holdName()]
		e.record.Late = e.record.settles != "" && (!held || !hold.Live(e.record.RecordedAt))
		writes = append(writes, e.record.write(e.marker))
		additions[e.month()].count(e.record)
	}
	for _, of := range months {
		writes = append(writes, additions[of].write(by.Organization(), of))
	}
	return writes
}

// reread takes over the months that changed, and returns which take no more.
func reread(months []month, reasons []error, tallies map[month]*tally) (full map[month]bool, err error) {
	full = map[month]bool{}
	for i, of := range months {
		changed, isChanged := errors.AsType[monthChanged](reasons[i])
		switch {
		case isChanged:
			tallies[of] = changed.now
		case errors.Is(reasons[i], table.ErrTooLarge):
			full[of] = true
		case reasons[i] != nil:
			return nil, reasons[i]
		}
	}
	return full, nil
}

// settle gives the events that cannot be recorded their results, and returns the others.
func settle(chunk []entry, reasons []error, full map[month]bool, results []Result) (rest []entry, err error) {
	for i, e := range chunk {
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
