package pool

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"roster/internal/table"
)

// change is a conditional change of a lane.
type change struct {
	of Lane
	// add is what is added, by attributes.
	add map[string]int64
	// most is what attributes may be at most before; an absent one is 0.
	most map[string]int64
	// began are records that come, in the place of others that ended, or of none.
	began map[string][]byte
	// ended are records that go. Each has to begin with what is here.
	ended map[string][]byte
	// through, if not nil, is noted, where it is not yet.
	through *Watermark
	// version, if not nil, is that of the limits on which the change rests.
	version *int64
}

// write is the Write, refused with table.ErrChanged.
func (c *change) write() table.Write {
	w := table.Write{Key: c.of.key(), Names: map[string]string{}, Values: table.V{}, Else: table.ErrChanged}
	place := func(attribute string, value any) (name, placed string) {
		n := fmt.Sprintf("a%d", len(w.Names))
		w.Names[n] = attribute
		if value != nil {
			w.Values[n] = value
		}
		return "#" + n, ":" + n
	}
	var sets, removes, adds, conditions []string
	for _, attribute := range slices.Sorted(maps.Keys(c.add)) {
		name, n := place(attribute, c.add[attribute])
		adds = append(adds, name+" "+n)
	}
	for _, attribute := range slices.Sorted(maps.Keys(c.most)) {
		name, most := place(attribute, c.most[attribute])
		condition := name + " <= " + most
		if c.most[attribute] >= 0 {
			condition = "(attribute_not_exists(" + name + ") OR " + condition + ")"
		}
		conditions = append(conditions, condition)
	}
	for _, attribute := range slices.Sorted(maps.Keys(c.began)) {
		name, record := place(attribute, c.began[attribute])
		sets = append(sets, name+" = "+record)
		if c.ended[attribute] == nil {
			conditions = append(conditions, "attribute_not_exists("+name+")")
		}
	}
	for _, attribute := range slices.Sorted(maps.Keys(c.ended)) {
		name, record := place(attribute, c.ended[attribute])
		conditions = append(conditions, "begins_with("+name+", "+record+")")
		if c.began[attribute] == nil {
			removes = append(removes, name)
		}
	}
	if c.version != nil {
		name, version := place("v", *c.version)
		sets = append(sets, name+" = "+version)
		conditions = append(conditions, "(attribute_not_exists("+name+") OR "+name+" <= "+version+")")
	}
	if c.through != nil {
		name, sequence := place(c.through.Source, c.through.Sequence)
		sets = append(sets, name+" = "+sequence)
		conditions = append(conditions, "(attribute_not_exists("+name+") OR "+name+" < "+sequence+")")
	}
	var clauses []string
	for i, parts := range [][]string{sets, removes, adds} {
		if len(parts) > 0 {
			clauses = append(clauses, []string{"SET ", "REMOVE ", "ADD "}[i]+strings.Join(parts, ", "))
		}
	}
	w.Update = strings.Join(clauses, " ")
	w.If = strings.Join(conditions, " AND ")
	return w
}

// end takes a record out of the lane, and off what it has held.
func (c *change) end(name string, record []byte) {
	c.ended[name] = record
	c.count(dayOf(record), -amountOf(record))
}

// count adds to the net amounts of the month and of a day.
func (c *change) count(day int, n int64) {
	c.add["n"] = plus(c.add["n"], n)
	c.add["n"+daySuffix(day)] = plus(c.add["n"+daySuffix(day)], n)
}

// limit makes the change conditional: after it the lane has no more than its share of a
// limit.
func (c *change) limit(limits Limits, b bound) {
	c.version = &limits.Version
	c.most["n"+b.suffix] = b.share(c.of.Pool.lanes(limits), c.of.Number) - c.add["n"+b.suffix]
}

// give lets the lane give some of a limit to another, if it has it.
func (c *change) give(limits Limits, b bound, x int64) {
	c.add["n"+b.suffix] += x
	c.add["g"+b.suffix] += x
	c.limit(limits, b)
}

// take lets the lane take what another gives.
func (c *change) take(b bound, x int64) {
	c.add["n"+b.suffix] -= x
	c.add["g"+b.suffix] -= x
}

func newChange(of Lane) *change {
	return &change{of: of, add: map[string]int64{}, most: map[string]int64{}, began: map[string][]byte{}, ended: map[string][]byte{}}
}
