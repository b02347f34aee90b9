package spent

import (
	"encoding/binary"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/table"
)

// Holds is the attribute of a member's month with what is reserved in it: a map of
// records by the names of the reservations (id.Reservation). The sums of cost beside it have what was spent and what is
// held together, so that one condition keeps both below a limit.
const Holds = "h"

// Hold is what is reserved for a call that has not been made, or reported, yet.
type Hold struct {
	Amount money.Amount
	// Expires, to the second, is until when it counts.
	Expires time.Time
	// Day is the one of the month in which it counts.
	Day int
	// Key is the KeyMark of the key through which it counts too; empty, none.
	Key string
	// Model is the one that is to be called; empty, it was not said.
	Model string
}

// holdBytes is the length of a record without its key and model: amount (8 bytes),
// expiry (4), day (1), length of the key (1).
const holdBytes = 8 + 4 + 1 + 1

// Encode is the record of the hold.
func (h Hold) Encode() []byte {
	b := make([]byte, 0, holdBytes+len(h.Key)+len(h.Model))
	b = binary.BigEndian.AppendUint64(b, uint64(h.Amount))
	b = binary.BigEndian.AppendUint32(b, uint32(h.Expires.Unix()))
	b = append(b, byte(h.Day), byte(len(h.Key)))
	return append(append(b, h.Key...), h.Model...)
}

// DecodeHold reads a record; one that is none has no amount.
func DecodeHold(b []byte) Hold {
	if len(b) < holdBytes || len(b) < holdBytes+int(b[13]) {
		return Hold{}
	}
	key, model := b[holdBytes:holdBytes+int(b[13])], b[holdBytes+int(b[13]):]
	return Hold{
		Amount: money.Amount(binary.BigEndian.Uint64(b)), Expires: time.Unix(int64(binary.BigEndian.Uint32(b[8:])), 0).UTC(),
		Day: int(b[12]), Key: string(key), Model: string(model),
	}
}

// KeyMark names a key among those of its member.
func KeyMark(key id.Key) string {
	own := key[:len(key)-keyOwner]
	return string(own[len(own)-KeyMarkLength:])
}

// KeyMarkLength is that of a KeyMark, which is random.
const KeyMarkLength = 8

// keyOwner is the length of the owner's ULID at the end of a key's id.
const keyOwner = 26

// Live reports whether the hold still counts.
func (h Hold) Live(now time.Time) bool { return now.Before(h.Expires) }

// DecodeHolds reads what is reserved in a month, by the names of the records.
func DecodeHolds(month table.Item) map[string]Hold {
	all := map[string]Hold{}
	records, _ := month[Holds].(*types.AttributeValueMemberM)
	if records == nil {
		return all
	}
	for name, value := range records.Value {
		if record, ok := value.(*types.AttributeValueMemberB); ok {
			all[name] = DecodeHold(record.Value)
		}
	}
	return all
}
