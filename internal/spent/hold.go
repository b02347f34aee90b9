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
	// KeyCounts: the reservations through the key are counted, and this is one.
	KeyCounts bool
	// TokensCounted: the tokens of the call count in a rate already.
	TokensCounted bool
	// Lanes are those of pools in which it counts too, and Claim is its name there; empty
	// without lanes.
	Lanes []Lane
	Claim string
	// Model is the one that is to be called; empty, it was not said.
	Model string
}

// Lane is one of the pool of a team or, without one, of the organization, in the month
// of the hold.
type Lane struct {
	Team   id.Team
	Number int
}

// holdBytes is the length of a record without key, lanes and model: amount (8 bytes),
// expiry (4), day and flags (1 each), length of the key (1), number of lanes (1).
const holdBytes = 8 + 4 + 1 + 1 + 1 + 1

// The flags.
const (
	keyCounts     = 1
	tokensCounted = 2
)

// ClaimLength is that of a Claim: enough to tell holds of one name apart.
const ClaimLength = 6

// Encode is the record of the hold.
func (h Hold) Encode() []byte {
	b := make([]byte, 0, holdBytes+len(h.Key)+len(h.Model))
	b = binary.BigEndian.AppendUint64(b, uint64(h.Amount))
	b = binary.BigEndian.AppendUint32(b, uint32(h.Expires.Unix()))
	var flags byte
	if h.KeyCounts {
		flags |= keyCounts
	}
	if h.TokensCounted {
		flags |= tokensCounted
	}
	b = append(b, byte(h.Day), flags, byte(len(h.Key)))
	b = append(append(b, h.Key...), byte(len(h.Lanes)))
	for _, lane := range h.Lanes {
		b = append(b, byte(lane.Number), byte(len(lane.Team)))
		b = append(b, lane.Team...)
	}
	return append(append(b, h.Claim...), h.Model...)
}

// DecodeHold reads a record; one that is none has no amount.
func DecodeHold(b []byte) Hold {
	if len(b) < holdBytes {
		return Hold{}
	}
	h := Hold{
		Amount: money.Amount(binary.BigEndian.Uint64(b)), Expires: time.Unix(int64(binary.BigEndian.Uint32(b[8:])), 0).UTC(),
		Day: int(b[12]), KeyCounts: b[13]&keyCounts != 0, TokensCounted: b[13]&tokensCounted != 0,
	}
	rest, whole := b[14:], true
	next := func(n int) string { // the next n bytes
		if n > len(rest) {
			whole, n = false, len(rest)
		}
		part := rest[:n]
		rest = rest[n:]
		return string(part)
	}
	length := func() int {
		if s := next(1); s != "" {
			return int(s[0])
		}
		return 0
	}
	h.Key = next(length())
	if lanes := length(); lanes > 0 {
		h.Lanes = make([]Lane, lanes)
		for i := range h.Lanes {
			h.Lanes[i].Number = length()
			h.Lanes[i].Team = id.Team(next(length()))
		}
		h.Claim = next(ClaimLength)
	}
	if !whole {
		return Hold{}
	}
	h.Model = string(rest)
	return h
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
