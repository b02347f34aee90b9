package usage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/money"
	"roster/internal/price"
	"roster/internal/table"
)

// RecordRequest reports model calls.
type RecordRequest struct {
	// Events are read one by one, each in the shape that it has: one that cannot be read is
	// rejected by itself. A body that is a list is one of events, as LiteLLM sends it.
	Events []jsontext.Value `json:"events,omitzero" list:"true"`
	// Spans stand in place of Events where OpenTelemetry exports traces.
	Spans *GenAISpans `json:"resourceSpans,omitzero"`
}

// entries are what is reported, in whatever shape.
func (in *RecordRequest) entries() []jsontext.Value {
	if in.Spans != nil {
		return *in.Spans
	}
	return in.Events
}

// MaxEvents is how many events one request may report.
const MaxEvents = 500

func (in *RecordRequest) Validate() []fault.Field {
	switch {
	case in.Spans != nil && in.Events != nil:
		return []fault.Field{{Pointer: "/resourceSpans", Reason: "cannot stand beside events"}}
	case in.Spans != nil && len(*in.Spans) > MaxEvents:
		return []fault.Field{{Pointer: "/resourceSpans", Reason: fmt.Sprintf("must hold at most %d model calls", MaxEvents)}}
	case in.Spans == nil && (len(in.Events) < 1 || len(in.Events) > MaxEvents):
		return []fault.Field{{Pointer: "/events", Reason: fmt.Sprintf("must hold 1 to %d events", MaxEvents)}}
	}
	return nil
}

// Recording answers event by event, in the order of the request.
type Recording struct {
	Results []Result `json:"results"`
}

// Result is what became of one event.
type Result struct {
	ID     EventID `json:"id"`
	Status Outcome `json:"status"`
	Code   string  `json:"code,omitzero"`
	Detail string  `json:"detail,omitzero"`
	// Late: the reservation that it settles had expired.
	Late bool `json:"late,omitzero"`
	// Computed is told of an event that was reported without its cost.
	*Computed
}

// Computed is what an event costs by the organization's prices.
type Computed struct {
	Cost money.Amount `json:"cost_usd"`
	// Basis is on what the cost rests: a price of the model, or what stands in for one.
	Basis price.Basis `json:"cost_basis"`
	// Prices is the version of the prices when the event was recorded.
	Prices price.Version `json:"price_version"`
	// Unpriced: the model has no price.
	Unpriced bool `json:"unpriced,omitzero"`
}

// Outcome of a reported event.
type Outcome string

const (
	// Recorded: counted, now and for the first time.
	Recorded Outcome = "recorded"
	// Duplicate: the same event was recorded before.
	Duplicate Outcome = "duplicate"
	// Rejected: not counted; the code says why.
	Rejected Outcome = "rejected"
)

var (
	errConflict = fault.New(fault.Conflict, "conflict", "Another event is recorded under this id.")
	errFull     = fault.New(fault.TooLarge, "counters_full", "The member's counters of that month take no more.")
	errNoMember = fault.New(fault.NotFound, "member_not_found", "There never was such a member in the organization.")
)

// entry is an event on its way to its result.
type entry struct {
	place  int
	marker table.Key
	record Record
	// costed: the reporter said what it cost.
	costed bool
}

// month is where the event is counted.
func (e entry) month() month { return month{e.record.User, e.record.Month, e.record.Test} }

// Record records model calls, each exactly once however often it is reported.
// Where it fails, some may be recorded: the same request again settles the rest.
func (m Meter) Record(ctx context.Context, by access.Caller, in RecordRequest) (Recording, error) {
	results := make([]Result, len(in.entries()))
	entries, err := m.read(by, in.entries(), results)
	if err != nil {
		return Recording{}, err
	}
	return Recording{results}, m.record(ctx, by, entries, results)
}

// record gives every entry its result.
func (m Meter) record(ctx context.Context, by access.Caller, entries []entry, results []Result) error {
	entries, err := m.charge(ctx, by, entries, results)
	if err != nil {
		return err
	}
	unique, repeats := distinct(entries, results)
	unique, tallies, err := m.place(ctx, by, unique, results)
	if err != nil {
		return err
	}
	if err := m.commit(ctx, by, unique, tallies, results); err != nil {
		return err
	}
	for repeat, first := range repeats {
		results[repeat] = results[first]
		if results[repeat].Status == Recorded {
			results[repeat].Status = Duplicate
		}
	}
	return nil
}

// read reads the events; what cannot be recorded gets its result. It fails where
// one names another member without the right to.
func (m Meter) read(by access.Caller, raw []jsontext.Value, results []Result) ([]entry, error) {
	now, call := m.Now(), newCall()
	entries := make([]entry, 0, len(raw))
	for place, value := range raw {
		event, err := readEvent(value)
		if err != nil {
			results[place] = reject(event.ID, err)
			continue
		}
		results[place].ID = event.ID
		e, err := newEntry(by, event, place, now, call)
		switch {
		case errors.Is(err, errOthers):
			return nil, err
		case err != nil:
			results[place] = reject(event.ID, err)
		default:
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// newEntry is an event as it is to be recorded, if its reporter may report it.
func newEntry(by access.Caller, event Event, place int, now time.Time, call []byte) (entry, error) {
	of, err := event.subject(by)
	if err != nil {
		return entry{}, err
	}
	if err := event.check(by, now); err != nil {
		return entry{}, err
	}
	test := of.isTest(by) || event.Reservation.ofTest(of.user)
	record := newRecord(event, of, test, now, by.Own.Location(), call)
	record.TTL = now.Add(by.Own.EventRetention()).Unix()
	if err := record.settles.check(now); err != nil {
		return entry{}, err
	}
	return entry{place, marker(by, event.ID, record.Test, record.settles), record, event.Cost != nil}, nil
}

// newCall names the call of a reporter.
func newCall() []byte {
	call := make([]byte, 8)
	rand.Read(call)
	return call
}

// distinct keeps the first event of each id. Its equals get the first's result,
// by their places; others of that id are rejected.
func distinct(entries []entry, results []Result) (unique []entry, repeats map[int]int) {
	firsts := make(map[table.Key]entry, len(entries))
	repeats = map[int]int{}
	for _, e := range entries {
		first, known := firsts[e.marker]
		switch {
		case !known:
			firsts[e.marker] = e
			unique = append(unique, e)
		case first.record.sameContent(e.record), e.record.settles != "":
			repeats[e.place] = first.place
		default:
			results[e.place] = reject(e.record.ID, errConflict)
		}
	}
	return unique, repeats
}

// reject is the result of an event that is not recorded.
func reject(id EventID, err error) Result {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		f = fault.New(fault.Invalid, "invalid_event", "The event cannot be read.")
	}
	r := Result{ID: id, Status: Rejected, Code: f.Code, Detail: f.Detail}
	if len(f.Fields) > 0 {
		reasons := make([]string, len(f.Fields))
		for i, field := range f.Fields {
			reasons[i] = strings.TrimSpace(strings.TrimPrefix(field.Pointer, "/") + " " + field.Reason)
		}
		r.Detail = strings.Join(reasons, "; ") + "."
	}
	return r
}

// idOf finds the id of an event that cannot be read as a whole; empty without one.
func idOf(value jsontext.Value) EventID {
	var event struct {
		ID EventID `json:"id"`
	}
	if json.Unmarshal(value, &event) != nil {
		return ""
	}
	return event.ID
}
