package usage

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"roster/internal/spent"
	"roster/internal/table"
)

// change collects what one write does to a month as it was read.
type change struct {
	t                         *tally
	w                         table.Write
	conditions, sets, removed []string
	// sums are what is added to the counters, by their attributes.
	sums map[string]int64
	// ends is how many reservations end.
	ends int
}

// monthChanged is the refusal of a change that was decided on a month whose models,
// reservations, limits or open days are others since.
type monthChanged struct{ now *tally }

func (monthChanged) Error() string { return "the month changed since it was read" }

// changing is a change of nothing.
func (t *tally) changing(month table.Key) *change {
	return &change{t: t, sums: map[string]int64{}, w: table.Write{
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

// demand adds a condition.
func (c *change) demand(condition string) { c.conditions = append(c.conditions, condition) }

// set adds an assignment, whose placeholder :name stands for the value.
func (c *change) set(assignment, name string, value any) {
	c.sets = append(c.sets, assignment)
	c.w.Values[name] = value
}

// remove takes an attribute out.
func (c *change) remove(attribute string) {
	n := "r" + strconv.Itoa(len(c.removed))
	c.w.Names[n] = attribute
	c.removed = append(c.removed, "#"+n)
}

// expect demands that an attribute is what was read; nil, that there was none.
func (c *change) expect(attribute string, read any) {
	n := "x" + strconv.Itoa(len(c.conditions))
	c.w.Names[n] = attribute
	if read == nil {
		c.demand("attribute_not_exists(#" + n + ")")
		return
	}
	c.w.Values[n] = read
	c.demand("#" + n + " = :" + n)
}

// pass demands that a chunk of a source is not counted yet, and notes that it is.
func (c *change) pass(w watermark) {
	c.w.Names["through"], c.w.Values["through"] = w.source.attribute(), w.sequence
	c.demand("(attribute_not_exists(#through) OR #through < :through)")
	c.sets = append(c.sets, "#through = :through")
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
	c.demand(path + " = :" + n)
	c.ends++
	for _, sum := range holdSums(c.t.holds[name]) {
		c.sums[sum] -= int64(c.t.holds[name].Amount)
	}
	if h := c.t.holds[name]; h.KeyCounts {
		c.sums[flightSum(h.Key)]--
	}
	return path
}

// write is the Write of what was collected. With conditions, it may be refused with
// monthChanged.
func (c *change) write() table.Write {
	var adds []string
	for place, sum := range slices.Sorted(maps.Keys(c.sums)) {
		if c.sums[sum] == 0 {
			continue
		}
		n := "n" + strconv.Itoa(place)
		c.w.Names[n], c.w.Values[n] = sum, c.sums[sum]
		adds = append(adds, "#"+n+" :"+n)
	}
	var clauses []string
	for _, clause := range []struct {
		word  string
		parts []string
	}{{"ADD ", adds}, {"SET ", c.sets}, {"REMOVE ", c.removed}} {
		if len(clause.parts) > 0 {
			clauses = append(clauses, clause.word+strings.Join(clause.parts, ", "))
		}
	}
	c.w.Update, c.w.If = strings.Join(clauses, " "), strings.Join(c.conditions, " AND ")
	return c.w
}
