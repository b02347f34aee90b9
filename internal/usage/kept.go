package usage

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"roster/internal/access"
	"roster/internal/calendar"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/permission"
	"roster/internal/price"
	"roster/internal/table"
)

// Record is an event as it is kept.
type Record struct {
	ID        EventID `dynamodbav:"id"`
	User      id.User `dynamodbav:"user"`
	Key       id.Key  `dynamodbav:"key,omitempty"`
	Model     string  `dynamodbav:"model"`
	Provider  string  `dynamodbav:"provider,omitempty"`
	Input     int64   `dynamodbav:"input"`
	Output    int64   `dynamodbav:"output"`
	Cached    int64   `dynamodbav:"cached,omitempty"`
	Reasoning int64   `dynamodbav:"reasoning,omitempty"`
	// CacheWrite are those of the input that were written to a cache.
	CacheWrite int64        `dynamodbav:"cache_write,omitempty"`
	Cost       money.Amount `dynamodbav:"cost"`
	// Basis is on what the cost rests, where it was computed, and Prices the version of
	// the prices by which it was.
	Basis  price.Basis   `dynamodbav:"cost_basis,omitempty"`
	Prices price.Version `dynamodbav:"price_version,omitempty"`
	// Month and Day are where the event is counted: those of the organization's
	// time zone when it was recorded, whatever the zone is later.
	Month      string    `dynamodbav:"month"`
	Day        int       `dynamodbav:"day"`
	OccurredAt time.Time `dynamodbav:"occurred_at"`
	RecordedAt time.Time `dynamodbav:"recorded_at"`
	Scope      Scope     `dynamodbav:"scope,omitempty"`
	// Test: the event is of a test key, or was reported by one.
	Test bool `dynamodbav:"test,omitempty"`
	Tags Tags `dynamodbav:"tags,omitempty"`
	// Reservation is the id that the reporter named.
	Reservation Reference `dynamodbav:"reservation,omitempty"`
	// settles is the reservation that ends with the event, where Reservation is one of
	// the user's.
	settles settled
	// rated are whose rates by the minute the event counts against, by their marks.
	rated []string
	// Late: the reservation had expired.
	Late bool `dynamodbav:"late,omitempty"`
	// Teams are those of the member when the event was recorded; it counts in each.
	Teams []id.Team `dynamodbav:"teams,omitempty"`
	// Status is the member's when the event was recorded, where it was not active.
	Status access.Status `dynamodbav:"member_status,omitempty"`

	// Hash is of the content, by which a repeat is known.
	Hash []byte `dynamodbav:"hash"`
	// Call is that of the reporter which recorded the event.
	Call []byte `dynamodbav:"call"`
	// Adjustment: it is a counter-event, to the event that it Adjusts, for a reason. It
	// counts as no request.
	Adjustment bool    `dynamodbav:"adjustment,omitempty"`
	Adjusts    EventID `dynamodbav:"adjusts,omitempty"`
	Reason     string  `dynamodbav:"reason,omitempty"`
	// Adjusted is what all adjustments of the event come to: the one thing that an event
	// learns later.
	Adjusted money.Amount `dynamodbav:"adjusted,omitempty"`
	// TTL is the Unix second until which the event is kept at least: longer than one is
	// taken late, so an id counts once.
	TTL int64 `dynamodbav:"ttl"`
}

// requests is as how many the event counts.
func (r Record) requests() int64 {
	if r.Adjustment {
		return 0
	}
	return 1
}

// newRecord is an event of a member, reported now by a call.
func newRecord(e Event, of subject, test bool, now time.Time, zone *time.Location, call []byte) Record {
	r := Record{
		ID: e.ID, User: of.user, Key: of.key, Model: e.modelName(), Provider: string(e.Provider),
		Input: *e.InputTokens, Output: *e.OutputTokens, Cached: e.CachedTokens, Reasoning: e.ReasoningTokens,
		CacheWrite: e.CacheWriteTokens, RecordedAt: now, Scope: e.Scope, Test: test, Tags: e.Tags,
		Reservation: e.Reservation, Call: call,
	}
	if e.Cost != nil {
		r.Cost = *e.Cost
	}
	if r.Scope == Organization {
		r.Scope = ""
	}
	if e.OccurredAt != nil {
		r.OccurredAt = e.OccurredAt.Time()
	}
	r.Hash = hash(e, r)
	if e.OccurredAt == nil {
		r.OccurredAt = now
	}
	local := r.OccurredAt.In(zone)
	if r.settles = settles(r); r.settles != "" {
		local = id.Reservation(r.settles).Day()
	}
	r.Month, r.Day = local.Format(calendar.MonthForm), local.Day()
	return r
}

// settled is a reservation; empty, none.
type settled id.Reservation

// holdName is its name in the month; of none, one that no hold has.
func (s settled) holdName() string {
	if s == "" {
		return ""
	}
	return id.Reservation(s).Name()
}

// ofTest reports whether a reference is to a reservation that a user's test key made.
func (r Reference) ofTest(user id.User) bool {
	var of id.Reservation
	return of.UnmarshalText([]byte(r)) == nil && of.Test() && of.User() == user
}

// settles returns which reservation of the user an event ends: its cost counts in the
// day of that. One that names another's ends none.
func settles(r Record) settled {
	var of id.Reservation
	if of.UnmarshalText([]byte(r.Reservation)) != nil || of.User() != r.User || of.Test() != r.Test {
		return ""
	}
	return settled(of)
}

// check refuses a reservation of a day in which nothing is counted now: it was made
// longer ago than events are taken, or not yet, in any time zone.
func (s settled) check(now time.Time) error {
	switch made := id.Reservation(s); {
	case s == "":
	case now.Sub(made.Day()) > MaxAge:
		return errOld
	case made.Day().Sub(now) > easternmost:
		return errFuture
	}
	return nil
}

// easternmost is how far the time zone furthest ahead of UTC is ahead of it.
const easternmost = 14 * time.Hour

// hash is of what the reporter said, in one form, so not of a cost that was computed:
// prices may change before the repeat. The key counts only where it
// was named: a repeat may come with a new key or an access token.
func hash(e Event, r Record) []byte {
	if e.Key == "" && e.KeyID == "" {
		r.Key = ""
	}
	said := []any{
		r.User, r.Key, r.Model, r.Input, r.Output, r.Cached, r.Reasoning, e.Cost,
		r.OccurredAt, r.Scope, r.Tags, r.Reservation,
	}
	if r.CacheWrite > 0 {
		said = append(said, r.CacheWrite)
	}
	content, err := json.Marshal(said, json.Deterministic(true))
	if err != nil {
		panic(fmt.Sprintf("usage: an event that was read cannot be written: %v", err))
	}
	sum := sha256.Sum256(content)
	return sum[:16]
}

func (r Record) sameContent(as Record) bool { return bytes.Equal(r.Hash, as.Hash) }

// recordedBefore is the refusal of a second event of one id.
type recordedBefore struct{ Record }

func (recordedBefore) Error() string { return "the event's id is recorded" }

// marker is the key under which an event's id counts once. Only reporters with
// usage:write, who are trusted with everyone's usage, share the organization's
// ids: anyone else could report under an id that they foresee, and the real event
// would be refused. For that reason events of test keys have ids of their own too.
//
// An event that ends a reservation is known by that, whoever reports it: a second one is
// a repeat. No event's id has a space.
func marker(by access.Caller, event EventID, test bool, ends settled) table.Key {
	if ends != "" {
		event = EventID(settlement(ends))
	}
	org, trusted := by.Organization(), by.Can(permission.UsageWrite) || ends != ""
	switch {
	case trusted && test:
		return table.TestUsageEvent(org, string(event))
	case trusted:
		return table.UsageEvent(org, string(event))
	case test:
		return table.OwnTestUsageEvent(org, by.User(), string(event))
	}
	return table.OwnUsageEvent(org, by.User(), string(event))
}

// settlement stands for the id of the event that ends a reservation.
func settlement(ends settled) string { return " " + string(ends) }

// write is the Write of the event, refused with recordedBefore.
func (r Record) write(marker table.Key) table.Write {
	return table.Write{
		Key: marker, Put: r, If: table.Absent,
		ElseFrom: func(found table.Item) error {
			before, err := table.Decode[Record](found)
			if err != nil {
				return err
			}
			return recordedBefore{before}
		},
	}
}

// recordsIn are the events that an item holds, one or a chunk of them, and the Unix second
// until which it is kept.
func recordsIn(key table.Key, item table.Item) (all []Record, ttl int64, err error) {
	if !key.UsageChunk() {
		r, err := table.Decode[Record](item)
		return []Record{r}, r.TTL, err
	}
	stored, err := table.Decode[storedPortion](item)
	if err != nil {
		return nil, 0, err
	}
	p, err := stored.portion()
	return p.Records, stored.TTL, err
}
