package pool

import (
	"context"
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"roster/internal/table"
)

// content is what a lane's item has. Its attributes are a letter, followed by nothing
// for the month or by two digits for a day:
//
//	n  net: what is spent and held, and what was given to other lanes, without what was
//	   taken from them; it may grow up to the lane's share of the limit
//	g  given to other lanes without what was taken from them; so n - g is spent and held
//	r  requests, i input tokens, o output tokens (of the month alone)
//	h  followed by a hash: the record of a hold
//	v  the version of the limits under which the lane was last held from
//	s  the version of the limits for which the lane caught up (CatchUp)
//	w  followed by two digits: up to where something is booked (Watermark)
//
// There is no sum of what is spent: it is n - g without the records, and cannot drift.
type content struct {
	version    int64
	caughtUp   int64
	net, given map[string]int64 // by what follows the letter
	used       Usage            // without the cost
	holds      map[string][]byte
	passed     map[string]int64 // by the whole attribute
}

// contentOf reads an item; of none, it is empty. A number that has outgrown an int64 is
// held at the largest.
func contentOf(item table.Item) content {
	c := content{net: map[string]int64{}, given: map[string]int64{}, holds: map[string][]byte{}, passed: map[string]int64{}}
	for name, value := range item {
		switch value := value.(type) {
		case *types.AttributeValueMemberB:
			c.holds[name] = value.Value
		case *types.AttributeValueMemberN:
			n, _ := strconv.ParseInt(value.Value, 10, 64)
			c.set(name[:1], name[1:], n)
		}
	}
	return c
}

func (c *content) set(letter, suffix string, n int64) {
	switch letter {
	case "v":
		c.version = n
	case "w":
		c.passed[letter+suffix] = n
	case "s":
		c.caughtUp = n
	case "n":
		c.net[suffix] = n
	case "g":
		c.given[suffix] = n
	case "r":
		c.used.Requests = n
	case "i":
		c.used.Input = n
	case "o":
		c.used.Output = n
	}
}

// spent is what was spent in a window.
func (c content) spent(suffix string) int64 {
	return plus(plus(c.net[suffix], -c.given[suffix]), -sumOf(c.holds, suffix))
}

// sumOf is what records have in a window.
func sumOf(records map[string][]byte, suffix string) int64 {
	var sum int64
	for _, record := range records {
		if suffix == "" || suffix == daySuffix(dayOf(record)) {
			sum = plus(sum, amountOf(record))
		}
	}
	return sum
}

func amountOf(record []byte) int64 {
	n, _ := binary.Uvarint(record)
	return int64(n)
}

func dayOf(record []byte) int {
	_, length := binary.Uvarint(record)
	return int(record[length])
}

func expired(record []byte, now time.Time) bool {
	return now.Unix() >= int64(binary.BigEndian.Uint32(record[len(record)-expiryBytes:]))
}

// reclaimed is how many records a write removes at most: expressions have a largest
// length.
const reclaimed = 20

// expired are holds that nobody has any more, as many as a write removes.
func (c content) expired(now time.Time) map[string][]byte {
	all := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(c.holds)) {
		if len(all) < reclaimed && expired(c.holds[name], now) {
			all[name] = c.holds[name]
		}
	}
	return all
}

// contents reads the lanes of a pool, by their numbers.
func (p Pool) contents(ctx context.Context, t *table.Table, settled bool) ([]content, error) {
	pk, prefix := table.PoolLanes(p.Organization, p.Team, p.Month)
	items, err := t.QueryAll(ctx, table.Query{PK: pk, Prefix: prefix, Settled: settled})
	if err != nil {
		return nil, err
	}
	all := make([]content, p.lanesKept())
	for _, item := range items {
		key, err := table.Decode[table.Key](item)
		if err != nil {
			return nil, err
		}
		number, err := strconv.Atoi(strings.TrimPrefix(key.SK, prefix))
		if err != nil {
			return nil, err
		}
		all[number] = contentOf(item)
	}
	return all, nil
}

// plus adds, and stays at the largest or smallest number where the sum has none.
func plus(a, b int64) int64 {
	switch {
	case b > 0 && a > math.MaxInt64-b:
		return math.MaxInt64
	case b < 0 && a < math.MinInt64-b:
		return math.MinInt64
	}
	return a + b
}
