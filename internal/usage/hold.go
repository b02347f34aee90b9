package usage

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"roster/internal/access"
	"roster/internal/money"
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

// change collects what a write does to the holds of a month as it was read, and to the
// sums in which they count.
type change struct {
	t          *tally
	w          table.Write
	conditions []string
	removed    []string
	sums       map[string]money.Amount
}

// changing is a change of nothing. The Write is refused with monthChanged.
func (t *tally) changing(month table.Key) *change {
	return &change{t: t, sums: map[string]money.Amount{}, w: table.Write{
		Key: month, Names: map[string]string{}, Values: table.V{},
		ElseFrom: func(found table.Item) error {
			now, err := counters(found)
			if err != nil {
				return err
			}
			return monthChanged{now}
		},
	}}
}

// end ends reservations, each as it was read.
func (c *change) end(names ...string) {
	for _, name := range names {
		c.removed = append(c.removed, c.without(name))
	}
}

// without takes a reservation, as it was read, out of the sums, and returns its path.
func (c *change) without(name string) string {
	n := "e" + strconv.Itoa(len(c.conditions))
	path := "#" + spent.Holds + ".#" + n
	c.w.Names[n], c.w.Values[n] = name, c.t.holds[name].Encode()
	c.conditions = append(c.conditions, path+" = :"+n)
	for _, sum := range holdSums(c.t.holds[name]) {
		c.sums[sum] -= c.t.holds[name].Amount
	}
	return path
}

// write is the Write of what was collected, which sets something besides.
func (c *change) write(set ...string) table.Write {
	if len(set) > 0 {
		c.w.Update = "SET " + strings.Join(set, ", ") + " "
	}
	adds := make([]string, 0, len(c.sums))
	for place, sum := range slices.Sorted(maps.Keys(c.sums)) {
		n := "a" + strconv.Itoa(place)
		c.w.Names[n], c.w.Values[n] = sum, c.sums[sum]
		adds = append(adds, "#"+n+" :"+n)
	}
	c.w.Update += "ADD " + strings.Join(adds, ", ")
	if len(c.removed) > 0 {
		c.w.Update += " REMOVE " + strings.Join(c.removed, ", ")
	}
	c.w.If = strings.Join(c.conditions, " AND ")
	return c.w
}

// reserve is the Write that holds an amount in a month as it was read. It is refused
// where a limit leaves less by then, the name is taken, or the member's limits are
// others than in the version that was read. Expired reservations end with it.
func (t *tally) reserve(month table.Key, name string, h spent.Hold, bounds []Bound, version int, now time.Time) table.Write {
	c := t.changing(month)
	c.w.Values["version"] = version
	c.conditions = append(c.conditions, "(attribute_not_exists(#lv) OR #lv <= :version)")
	path := ""
	for _, over := range t.over(now) {
		if over == name { // the new one takes its place
			path = c.without(over)
			continue
		}
		c.end(over)
	}
	for place, b := range bounds {
		n := "l" + strconv.Itoa(place)
		c.w.Names[n], c.w.Values[n] = b.sum, b.Limit-h.Amount-c.sums[b.sum]
		c.conditions = append(c.conditions, "(attribute_not_exists(#"+n+") OR #"+n+" <= :"+n+")")
	}
	for _, sum := range holdSums(h) {
		c.sums[sum] += h.Amount
	}
	if !t.holding {
		c.w.Values["holds"] = map[string][]byte{name: h.Encode()}
		c.conditions = append(c.conditions, "attribute_not_exists(#"+spent.Holds+")")
		return c.write("#" + spent.Holds + " = :holds")
	}
	if path == "" {
		path = "#" + spent.Holds + ".#name"
		c.w.Names["name"] = name
		c.conditions = append(c.conditions, "attribute_not_exists("+path+")")
	}
	c.w.Values["hold"] = h.Encode()
	return c.write(path + " = :hold")
}

// end ends reservations that nothing came of, as far as they are still there, and
// returns the month after.
func (m Meter) end(ctx context.Context, by access.Caller, of month, t *tally, names []string) (*tally, error) {
	for range maxDecisions {
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { _, held := t.holds[name]; return !held })
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
