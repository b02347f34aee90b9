package usage

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/spending"
	"roster/internal/spent"
)

// RateName is what a rate is of.
type RateName string

const (
	RequestsPerMinute RateName = "requests_per_minute"
	TokensPerMinute   RateName = "tokens_per_minute"
	MaxInFlight       RateName = "max_in_flight"
)

// Rate is one that binds a call, and how much of it is used: by the minutes of the
// clock, or by the reservations that there are.
type Rate struct {
	Of        Owner          `json:"of"`
	Name      RateName       `json:"rate"`
	Limit     spending.Count `json:"limit"`
	Used      spending.Count `json:"used"`
	Remaining spending.Count `json:"remaining"`
	// ResetsAt is the end of the minute.
	ResetsAt time.Time `json:"resets_at,omitzero"`
}

// ErrRate refuses a call that asks for too much at once; With says which rate.
var ErrRate = fault.New(fault.TooMany, "rate_limited", "Too much is asked for at once; rate says of what, and when there is room again.")

// inFlightRetry is when to try again, where reservations have to end first.
const inFlightRetry = time.Second

// refusal says that the rate leaves no room.
func (r Rate) refusal(now time.Time) *fault.Error {
	detail := fmt.Sprintf("Of the %s's %s, which is %d, %d are left.", r.Of, r.Name, r.Limit, r.Remaining)
	wait := inFlightRetry
	if !r.ResetsAt.IsZero() {
		wait = max(time.Second, r.ResetsAt.Sub(now))
	}
	return ErrRate.WithDetail(detail).With("rate", r).WithRetryAfter(wait)
}

// asked is how much a call asks for.
type asked struct{ requests, tokens, inFlight int64 }

// one is the least that a call asks for.
var one = asked{1, 1, 1}

func (a asked) of(name RateName) int64 {
	switch name {
	case RequestsPerMinute:
		return a.requests
	case TokensPerMinute:
		return a.tokens
	}
	return a.inFlight
}

// rateReached is the first rate that leaves too little, nil if none; where the
// organization only observes, none does.
func rateReached(rates []Rate, ask asked, mode spending.Mode) *Rate {
	for _, r := range rates {
		if mode != spending.Observe && ask.of(r.Name) > int64(r.Remaining) {
			return &r
		}
	}
	return nil
}

// minute is what was asked for in the last minute in which anything was.
type minute struct{ number, requests, tokens int64 }

// minuteOf numbers the minutes of Unix time.
func minuteOf(now time.Time) int64 { return now.Unix() / 60 }

// The attributes of a minute, before nothing for the member or keyMark and a key.
const (
	minuteNumber   = "qn"
	minuteRequests = "qr"
	minuteTokens   = "qt"
)

// setMinute sets one of those of a month.
func (t *tally) setMinute(name string, n int64) {
	owner := strings.TrimPrefix(name[2:], keyMark)
	m := t.minutes[owner]
	switch name[:2] {
	case minuteNumber:
		m.number = n
	case minuteRequests:
		m.requests = n
	case minuteTokens:
		m.tokens = n
	}
	t.minutes[owner] = m
}

// ofOwner is the end of the attributes of a key, by its mark; of the member, none.
func ofOwner(mark string) string {
	if mark == "" {
		return ""
	}
	return keyMark + mark
}

// inFlight counts the reservations that hold something, through a key or, without one, in
// all.
func (t *tally) inFlight(mark string, now time.Time) (n int64) {
	for _, h := range t.holds {
		if h.Live(now) && (mark == "" || h.KeyCounts && h.Key == mark) {
			n++
		}
	}
	return n
}

// rates are those that bind a member's calls through a key (of none, by themselves). None
// binds test keys.
func (t *tally) rates(s access.Standing, key id.Key, now time.Time) []Rate {
	if key.Test() {
		return nil
	}
	all := t.ratesOf(OfMember, "", s.Rates(), now)
	if limits := s.KeyLimits(key); key != "" && limits != nil {
		all = append(all, t.ratesOf(OfKey, spent.KeyMark(key), limits.Over(spending.Rates{}), now)...)
	}
	return all
}

func (t *tally) ratesOf(of Owner, mark string, rates spending.Rates, now time.Time) (all []Rate) {
	m := t.minutes[mark]
	if m.number < minuteOf(now) {
		m = minute{}
	}
	end := time.Unix((max(m.number, minuteOf(now))+1)*60, 0).UTC()
	add := func(name RateName, limit *spending.Count, used int64, resets time.Time) {
		if limit != nil {
			all = append(all, Rate{of, name, *limit, spending.Count(used), max(0, *limit-spending.Count(used)), resets})
		}
	}
	add(RequestsPerMinute, rates.RequestsPerMinute, m.requests, end)
	add(TokensPerMinute, rates.TokensPerMinute, m.tokens, end)
	add(MaxInFlight, rates.InFlight, t.inFlight(mark, now), time.Time{})
	return all
}

// ask counts what is asked for in the current minute of the member, or of a key, and
// demands that the rates have room for it. It may be refused with monthChanged.
func (c *change) ask(mark string, now time.Time, ask asked, rates spending.Rates) {
	suffix, before := ofOwner(mark), c.t.minutes[mark]
	attribute := func(name string) string {
		n := "q" + strconv.Itoa(len(c.w.Names))
		c.w.Names[n] = name + suffix
		return n
	}
	counted := []struct {
		name string
		n    int64
		most *spending.Count
	}{{minuteRequests, ask.requests, rates.RequestsPerMinute}, {minuteTokens, ask.tokens, rates.TokensPerMinute}}
	if before.number < minuteOf(now) { // a minute begins
		if before.number == 0 {
			c.expect(minuteNumber+suffix, nil)
		} else {
			c.expect(minuteNumber+suffix, before.number)
		}
		n := attribute(minuteNumber)
		c.set("#"+n+" = :"+n, n, minuteOf(now))
		for _, of := range counted {
			n := attribute(of.name)
			c.set("#"+n+" = :"+n, n, of.n)
		}
		return
	}
	c.expect(minuteNumber+suffix, before.number) // a clock that is behind counts in the later one
	for _, of := range counted {
		c.sums[of.name+suffix] += of.n
		if of.most != nil {
			n := attribute(of.name)
			c.w.Values[n] = int64(*of.most) - of.n
			c.demand("#" + n + " <= :" + n)
		}
	}
}

// flightSum counts the reservations through a key whose number is limited.
func flightSum(mark string) string { return "f" + keyMark + mark }

// fly demands that there is room for one reservation more beside those that are there,
// less those that end with the change.
func (c *change) fly(mark string, limit *spending.Count) {
	switch {
	case limit == nil:
	case mark == "":
		c.w.Values["flights"] = int64(*limit) - 1 + int64(c.ends)
		c.demand("(attribute_not_exists(#" + spent.Holds + ") OR size(#" + spent.Holds + ") <= :flights)")
	default:
		c.w.Names["flight"], c.w.Values["flight"] = flightSum(mark), int64(*limit)-1-c.sums[flightSum(mark)]
		c.demand("(attribute_not_exists(#flight) OR #flight <= :flight)")
	}
}

// rated are the owners whose rates by the minute a member's usage through a key counts
// against, by their marks: of the member, it is empty.
func (p *person) rated(key id.Key, user id.User, defaults spending.Rates) (marks []string) {
	if spending.First(p.Terms.Limits, p.Offer).Over(defaults).PerMinute() {
		marks = append(marks, "")
	}
	if limits := p.Keys[key].Limits; key != "" && key.User() == user && spending.First(limits).Over(spending.Rates{}).PerMinute() {
		marks = append(marks, spent.KeyMark(key))
	}
	return marks
}

// ratedFor is how long after it happened usage counts against rates: what is reported
// later says nothing of now.
const ratedFor = 5 * time.Minute
