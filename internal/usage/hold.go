package usage

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/pool"
	"roster/internal/spent"
	"roster/internal/table"
)

// endedAtOnce bounds how many reservations one write ends beside what else it does: an
// expression has 300 operators at most
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
const endedAtOnce = 20

// over are the names of the reservations that have expired, in order.
func (t *tally) over(now time.Time) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(t.holds)) {
		if !t.holds[name].Live(now) {
			names = append(names, name)
		}
	}
	return names
}

// reserve is the Write that makes a reservation in a month as it was read. It is refused
// where a limit leaves less by then, the name is taken, or the member's limits are
// others than in the version that was read. Expired reservations end with it.
func (r reserving) reserve(t *tally, org id.Organization) table.Write {
	name, h, now := r.id.Name(), r.hold, r.now
	c := t.changing(r.month.key(org))
	c.w.Values["version"] = r.by.Version()
	c.demand("(attribute_not_exists(#lv) OR #lv <= :version)")
	path := ""
	for _, over := range t.over(now) {
		if over == name { // the new one takes its place
			path = c.without(over)
			continue
		}
		c.end(over)
	}
	for place, b := range r.binding(t) {
		n := "l" + strconv.Itoa(place)
		c.w.Names[n], c.w.Values[n] = b.sum, int64(b.Limit-h.Amount)-c.sums[b.sum]
		c.demand("(attribute_not_exists(#" + n + ") OR #" + n + " <= :" + n + ")")
	}
	for _, sum := range holdSums(h) {
		c.sums[sum] += int64(h.Amount)
	}
	for _, of := range r.rated {
		if of.rates.PerMinute() {
			c.ask(of.mark, now, r.ask, of.rates)
		}
		c.fly(of.mark, of.rates.InFlight)
	}
	if h.KeyCounts {
		c.sums[flightSum(h.Key)]++
	}
	if !t.holding {
		c.set("#"+spent.Holds+" = :holds", "holds", map[string][]byte{name: h.Encode()})
		c.demand("attribute_not_exists(#" + spent.Holds + ")")
		return c.write()
	}
	if path == "" {
		path = "#" + spent.Holds + ".#name"
		c.w.Names["name"] = name
		c.demand("attribute_not_exists(" + path + ")")
	}
	c.set(path+" = :hold", "hold", h.Encode())
	return c.write()
}

// end ends reservations that nothing came of, as far as they are still there, and
// returns the month after.
func (m Meter) end(ctx context.Context, by access.Caller, of month, t *tally, names []string) (*tally, error) {
	for range maxDecisions {
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !t.has(name) })
		if len(names) == 0 {
			return t, nil
		}
		c := t.changing(of.key(by.Organization()))
		c.end(names...)
		err := m.Table.Transact(ctx, c.write())
		changed, refused := errors.AsType[monthChanged](err)
		switch {
		case err == nil:
			for _, name := range names {
				delete(t.holds, name)
			}
			return t, nil
		case !refused:
			return nil, err
		}
		t = changed.now
	}
	return nil, errBusy
}

// lanesOf are the lanes of pools in which a hold of a month counts.
func lanesOf(org id.Organization, month string, h spent.Hold) []pool.Lane {
	lanes := make([]pool.Lane, len(h.Lanes))
	for i, lane := range h.Lanes {
		lanes[i] = pool.Lane{Pool: pool.Pool{Organization: org, Team: lane.Team, Month: month}, Number: lane.Number}
	}
	return lanes
}

// inPools is a reservation's hold as pools have it.
func inPools(reservation id.Reservation, h spent.Hold) pool.Hold {
	return pool.Hold{ID: string(reservation) + h.Claim, Amount: h.Amount, Day: h.Day, Expires: h.Expires}
}
