// Package pool keeps what an organization, or one of its teams, spends in a month and
// in each of its days, within limits that no number of calls at once passes.
//
// A pool is divided into lanes, an item each, because one item takes only some tens of
// transactions a second. Every lane has a share of each limit, and the shares are the
// limit: nothing has to be handed out when a day begins or a limit changes. A call
// holds an amount in the lane of its id by one conditional write, and what it used is
// booked in that lane. A lane whose share is used up takes, in the same transaction
// with the hold, what another has left. So a pool refuses when it is exhausted as a
// whole, and not before.
//
// What was used without a hold, or beyond it, is booked all the same. It may take a
// lane beyond its share; that is made up for from the other lanes when the next call
// meets such a lane.
package pool

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/spending"
	"roster/internal/table"
)

// Pool is what is spent in a month: by a team or, without one, by the organization.
type Pool struct {
	Organization id.Organization
	Team         id.Team
	// Month is "2026-11", in the organization's time zone.
	Month string
}

// Limits bind a pool.
type Limits struct {
	spending.Limits
	// Version rises whenever a limit is changed: of two callers with different limits,
	// the one with the older is refused (ErrStale).
	Version int64
}

// ErrStale is the refusal of limits that are not the newest: to be read again.
var ErrStale = errors.New("pool: the limits changed since they were read")

const (
	// lanesMost is how many lanes an organization's pool has. A team's has one.
	lanesMost = 16
	// laneLimit is how much of a limit is worth a lane: some hundred times what a call
	// holds, so that a lane is seldom short while others have something left.
	laneLimit = 10 * money.USD
)

// lanesKept is how many lanes the pool may have, whatever its limits.
func (p Pool) lanesKept() int {
	if p.Team != "" {
		return 1
	}
	return lanesMost
}

// lanes is how many lanes have a share of the limits.
func (p Pool) lanes(l Limits) int {
	n := p.lanesKept()
	for _, limit := range []*money.Amount{l.Monthly, l.Daily} {
		if limit != nil {
			n = max(1, min(n, int(*limit/laneLimit)))
		}
	}
	return n
}

// Lane is one of the items of a pool.
type Lane struct {
	Pool   Pool
	Number int
}

// Lane is that of a call or event with this id. Who needs it later keeps it: it depends
// on the limits.
func (p Pool) Lane(id string, l Limits) Lane {
	sum := sha256.Sum256([]byte(id))
	return Lane{p, int(binary.BigEndian.Uint64(sum[24:]) % uint64(p.lanes(l)))}
}

// LaneOf is a lane for what comes from one of some sources: it depends on nothing else.
func (p Pool) LaneOf(source int) Lane { return Lane{p, source % p.lanesKept()} }

func (l Lane) key() table.Key {
	return table.PoolLane(l.Pool.Organization, l.Pool.Team, l.Pool.Month, l.Number)
}

// Hold is an amount that a call may use. Once expired it is nobody's any more, as soon
// as somebody else needs it.
type Hold struct {
	ID string
	// Amount counts as a billionth of a dollar at least: in an exhausted pool, nothing
	// is for free.
	Amount money.Amount
	// Day of the pool's month, in which the call counts, whenever it ends.
	Day     int
	Expires time.Time
}

func (h Hold) amount() int64 { return int64(max(h.Amount, 1)) }

// name is the attribute of the hold's record in its lane. Of its 72 bits, a second id
// takes hours to find, and would save no more than one of two holds under way.
func (h Hold) name() string {
	sum := sha256.Sum256([]byte(h.ID))
	return "h" + base64.RawURLEncoding.EncodeToString(sum[:9])
}

// held is the beginning of the hold's record, which is the same when it is prolonged:
// the amount, and the day in a byte.
func (h Hold) held() []byte {
	return append(binary.AppendUvarint(nil, uint64(h.amount())), byte(h.Day))
}

// expiryBytes is how long the end of a record is: the second in which it expires.
const expiryBytes = 4

// record is as short as it can be: there may be hundreds in a lane, and every write of
// it pays for their length.
func (h Hold) record() []byte {
	end := h.Expires.Add(time.Second - time.Nanosecond).Unix() // the second that has begun counts
	return binary.BigEndian.AppendUint32(h.held(), uint32(end))
}

// Usage is what calls used.
type Usage struct {
	Cost                    money.Amount
	Requests, Input, Output int64
}

// Window is a span of time that has a limit.
type Window string

const (
	Month Window = "month"
	Day   Window = "day"
)

// Exhausted is the refusal of a hold.
type Exhausted struct {
	Pool   Pool
	Window Window
	Limit  money.Amount
	// Left is what a hold may have at most.
	Left money.Amount
}

func (e *Exhausted) Error() string {
	return fmt.Sprintf("pool: %s USD are left of the %s's limit of %s USD", e.Left, e.Window, e.Limit)
}

// bound is a limit of one window.
type bound struct {
	window Window
	// suffix of the attributes that count in the window: nothing, or a day's two digits.
	suffix string
	limit  money.Amount
}

func daySuffix(day int) string { return fmt.Sprintf("%02d", day) }

// bounds are the limits of a month and of one of its days.
func (l Limits) bounds(day int) []bound {
	var all []bound
	if l.Monthly != nil {
		all = append(all, bound{Month, "", *l.Monthly})
	}
	if l.Daily != nil {
		all = append(all, bound{Day, daySuffix(day), *l.Daily})
	}
	return all
}

// share is what a lane has of the limit before it takes or gives any. All shares
// together are the limit.
func (b bound) share(lanes, number int) int64 {
	n, limit := int64(lanes), int64(b.limit)
	switch {
	case number >= lanes:
		return 0
	case int64(number) < limit%n:
		return limit/n + 1
	}
	return limit / n
}
