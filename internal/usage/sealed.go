package usage

import (
	"encoding/binary"
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

// unseal reads the days that are sealed; a day may stand there more than once.
func unseal(b []byte) dayCounters {
	all := dayCounters{}
	for len(b) > 0 {
		day := int(b[0])
		b = b[1:]
		if all[day] == nil {
			all[day] = map[string]int64{}
		}
		for _, letter := range dayLetters {
			n, length := binary.Varint(b)
			if length <= 0 {
				return all
			}
			all[day][string(letter)] += n
			b = b[length:]
		}
	}
	return all
}

// seal is the sealed days with others.
func seal(sealed []byte, days dayCounters) []byte {
	all := unseal(sealed)
	for day, counters := range days {
		if all[day] == nil {
			all[day] = map[string]int64{}
		}
		for letter, n := range counters {
			all[day][letter] += n
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

// over are the open days before a day of which the addition counts nothing: as many as
// one write seals. One that has outgrown an int64 stays as it is.
func (a *addition) over(before int) dayCounters {
	touched := map[int]bool{}
	for name := range a.sums {
		if _, day, ok := dayOf(name); ok {
			touched[day] = true
		}
	}
	days := dayCounters{}
	for _, day := range slices.Sorted(maps.Keys(a.to.open)) {
		counters := a.to.open[day]
		outgrown := slices.Contains(slices.Collect(maps.Values(counters)), math.MaxInt64)
		if day < before && !touched[day] && !outgrown && len(days) < sealedAtOnce {
			days[day] = counters
		}
	}
	return days
}

// sealedOf reads the attribute.
func sealedOf(attributes map[string]types.AttributeValue) []byte {
	if b, ok := attributes[sealedDays].(*types.AttributeValueMemberB); ok {
		return b.Value
	}
	return nil
}
