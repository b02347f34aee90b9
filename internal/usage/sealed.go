package usage

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// sealedDays is the attribute with the counters of days that are over, in less than half
// the bytes: an item of more than 1 KB costs more with every event. What is counted in a
// sealed day later stands beside it, until it is sealed too.
const sealedDays = "z"

const (
	// dayLetters are the counters of a day, in the order in which they are sealed.
	dayLetters = "criop"
	// sealedAtOnce bounds how many days one write seals.
	sealedAtOnce = 8
)

// dayCounters are those of days, by their letters, as the item has them: with what is
// held.
type dayCounters map[int]map[string]int64

func (d dayCounters) add(letter string, day int, n int64) {
	if d[day] == nil {
		d[day] = map[string]int64{}
	}
	d[day][letter] += n
}

// unseal reads the days that are sealed; a day may stand there more than once.
func unseal(b []byte) dayCounters {
	all := dayCounters{}
	for len(b) > 0 {
		day := int(b[0])
		b = b[1:]
		for _, letter := range dayLetters {
			n, length := binary.Varint(b)
			if length <= 0 {
				return all
			}
			all.add(string(letter), day, n)
			b = b[length:]
		}
	}
	return all
}

// sealed is the sealed days with others.
func sealed(before []byte, days dayCounters) []byte {
	all := unseal(before)
	for day, counters := range days {
		for letter, n := range counters {
			all.add(letter, day, n)
		}
	}
	var b []byte
	for _, day := range slices.Sorted(maps.Keys(all)) {
		b = append(b, byte(day))
		for _, letter := range dayLetters {
			b = binary.AppendVarint(b, all[day][string(letter)])
		}
	}
	return b
}

// seal packs the open days before a day to whose counters nothing is added: as many as
// one write seals. A day that has outgrown an int64 stays as it is.
func (c *change) seal(before int) {
	touched := map[int]bool{}
	for name := range c.sums {
		if _, day, ok := dayOf(name); ok {
			touched[day] = true
		}
	}
	over := dayCounters{}
	for _, day := range slices.Sorted(maps.Keys(c.t.open)) {
		counters := c.t.open[day]
		outgrown := slices.Contains(slices.Collect(maps.Values(counters)), math.MaxInt64)
		if day >= before || touched[day] || outgrown || len(over) == sealedAtOnce {
			continue
		}
		over[day] = counters
		for letter, n := range counters {
			name := fmt.Sprintf("%s%02d", letter, day)
			c.expect(name, n)
			c.remove(name)
		}
	}
	if len(over) == 0 {
		return
	}
	if c.t.sealed == nil {
		c.expect(sealedDays, nil)
	} else {
		c.expect(sealedDays, c.t.sealed)
	}
	c.set("#"+sealedDays+" = :sealed", "sealed", sealed(c.t.sealed, over))
}

// sealedOf reads the attribute.
func sealedOf(attributes map[string]types.AttributeValue) []byte {
	if b, ok := attributes[sealedDays].(*types.AttributeValueMemberB); ok {
		return b.Value
	}
	return nil
}
