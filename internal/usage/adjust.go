package usage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/calendar"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/pool"
	"roster/internal/table"
)

// AdjustRequest corrects what was counted, by a counter-event: of an event, or of a
// member's current day.
type AdjustRequest struct {
	// ID counts once in the organization.
	ID EventID `json:"id" required:"true"`
	// Event is the one that is corrected; one that a member reported without usage:write is
	// found with their UserID. Events in chunks have no item of their own: they are
	// corrected by UserID alone.
	Event EventID `json:"event_id,omitzero"`
	// Reservation names the event that settled it, in place of Event.
	Reservation id.Reservation `json:"reservation_id,omitzero"`
	User        id.User        `json:"user_id,omitzero"`
	// Refund or Charge is by how much less, or more, it costs.
	Refund *money.Amount `json:"refund_usd,omitzero"`
	Charge *money.Amount `json:"charge_usd,omitzero"`
	Reason field.Reason  `json:"reason" required:"true"`
}

// Validate refuses an adjustment of nothing.
func (in AdjustRequest) Validate() []fault.Field {
	var faults []fault.Field
	switch {
	case in.Event == "" && in.Reservation == "" && in.User == "":
		faults = append(faults, fault.Field{Pointer: "/event_id", Reason: "or reservation_id or user_id is required"})
	case in.Event != "" && in.Reservation != "":
		faults = append(faults, fault.Field{Pointer: "/reservation_id", Reason: "cannot stand beside event_id"})
	}
	if (in.Refund == nil) == (in.Charge == nil) {
		faults = append(faults, fault.Field{Pointer: "/refund_usd", Reason: "must be said, or else charge_usd"})
	}
	for pointer, amount := range map[string]*money.Amount{"/refund_usd": in.Refund, "/charge_usd": in.Charge} {
		if amount != nil && (*amount == 0 || *amount > MaxCost) {
			faults = append(faults, fault.Field{Pointer: pointer, Reason: "is not more than 0 and up to " + MaxCost.String()})
		}
	}
	if in.Reason == "" {
		faults = append(faults, fault.Field{Pointer: "/reason", Reason: "is empty"})
	}
	return faults
}

// by is how much more it costs.
func (in AdjustRequest) by() money.Amount {
	if in.Refund != nil {
		return -*in.Refund
	}
	return *in.Charge
}

// AdjustAnswer is what was counted.
type AdjustAnswer struct {
	Adjustment Adjustment `json:"adjustment"`
}

// Adjustment is a counter-event. It counts as cost, and as no request.
type Adjustment struct {
	ID    EventID `json:"id"`
	Event EventID `json:"event_id,omitzero"`
	// Reservation is the one that the event settled, where it was named by that.
	Reservation id.Reservation `json:"reservation_id,omitzero"`
	User        id.User        `json:"user_id"`
	Refund      *money.Amount  `json:"refund_usd,omitzero"`
	Charge      *money.Amount  `json:"charge_usd,omitzero"`
	Reason      field.Reason   `json:"reason"`
	// CountedOn is the day of the event, if it is of the last 35; else the current one.
	CountedOn calendar.Date `json:"counted_on"`
	// Status is recorded, or duplicate where it was before.
	Status Outcome `json:"status"`
}

var (
	errNoEvent = fault.New(fault.NotFound, "event_not_found", "There is no such event, or it is kept no more. One that settled a reservation is named by reservation_id; one in a chunk is corrected by user_id alone.")
	errRefund  = fault.InvalidField("/refund_usd", "is more than what there is to refund")
	errApart   = fault.New(fault.Conflict, "event_not_charged", "The event is of a test key, or of a personal connection: it is charged to nobody.")
)

// Adjust books a counter-event, in the counters of which the event is, and in the pools.
// Nothing that was recorded is changed, but that the event notes how much it was adjusted
// by, so that no more is refunded than it cost. The same again changes nothing.
func (m Meter) Adjust(ctx context.Context, by access.Caller, in AdjustRequest) (out AdjustAnswer, err error) {
	err = table.Retry(ctx, func() error {
		original, key, before, err := m.original(ctx, by.Organization(), in)
		if before != nil {
			out, err = in.again(*before)
			return err
		}
		if err != nil {
			return err
		}
		e, t, err := m.adjustment(ctx, by, in, original)
		if err != nil {
			return err
		}
		writes, err := m.adjustmentWrites(by, in, e, t, original, key)
		if err != nil {
			return err
		}
		out, err = api.Commit(ctx, m.Table, AdjustAnswer{in.view(e.record, Recorded)}, writes...)
		if same, ok := errors.AsType[recordedBefore](err); ok {
			out, err = in.again(same.Record)
			return err
		}
		if _, changed := errors.AsType[monthChanged](err); changed {
			return table.ErrChanged
		}
		return err
	})
	return out, err
}

// hash is of what was asked for.
func (in AdjustRequest) hash() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %d %q", in.Event, in.Reservation, in.User, in.by(), in.Reason))
	return sum[:16]
}

// again answers what was adjusted before under the same id.
func (in AdjustRequest) again(before Record) (AdjustAnswer, error) {
	if !bytes.Equal(before.Hash, in.hash()) {
		return AdjustAnswer{}, errConflict
	}
	return AdjustAnswer{in.view(before, Duplicate)}, nil
}

// original reads the event that is adjusted, which is nil where none is named, and the
// counter-event, if there is one already: it may be kept longer.
func (m Meter) original(ctx context.Context, org id.Organization, in AdjustRequest) (_ *Record, key table.Key, before *Record, err error) {
	name := string(in.Event)
	if in.Reservation != "" {
		name = settlement(settled(in.Reservation))
	}
	var shared, own *Record
	reads := []table.Read{table.Into(adjustmentMarker(org, in.ID), &before)}
	if name != "" {
		reads = append(reads, table.Into(table.UsageEvent(org, name), &shared))
	}
	if in.User != "" && in.Event != "" {
		reads = append(reads, table.Into(table.OwnUsageEvent(org, in.User, string(in.Event)), &own))
	}
	if err := m.Table.Get(ctx, reads...); err != nil {
		return nil, table.Key{}, nil, err
	}
	switch {
	case name == "":
		return nil, table.Key{}, before, nil
	case shared != nil && (in.User == "" || shared.User == in.User):
		return shared, table.UsageEvent(org, name), before, nil
	case own != nil:
		return own, table.OwnUsageEvent(org, in.User, string(in.Event)), before, nil
	}
	return nil, table.Key{}, before, errNoEvent
}

// adjustment is the counter-event, and the month in which it counts.
func (m Meter) adjustment(ctx context.Context, by access.Caller, in AdjustRequest, original *Record) (entry, *tally, error) {
	now := m.Now()
	local := now.In(by.Own.Location())
	r := Record{
		ID: in.ID, User: in.User, Model: adjustmentModel, Cost: in.by(), Month: local.Format(calendar.MonthForm), Day: local.Day(),
		OccurredAt: now, RecordedAt: now, Adjustment: true, Reason: string(in.Reason),
		TTL: now.Add(by.Own.EventRetention()).Unix(), Call: newCall(), Hash: in.hash(),
	}
	if original != nil {
		if original.Test || original.Scope == Personal || original.Adjustment {
			return entry{}, nil, errApart
		}
		r.Adjusts = original.ID
		r.User, r.Key, r.Model, r.Provider, r.Teams = original.User, original.Key, original.Model, original.Provider, original.Teams
		if now.Sub(original.OccurredAt) <= MaxAge {
			r.Month, r.Day = original.Month, original.Day
		}
	}
	e := entry{marker: adjustmentMarker(by.Organization(), in.ID), record: r}
	found, err := readState(ctx, m.Table, by.Organization(), []month{e.month()})
	if err != nil {
		return entry{}, nil, err
	}
	of := found.people[r.User]
	if of.Status == "" {
		return entry{}, nil, errNoMember
	}
	if original == nil {
		e.record.Teams = slices.Sorted(maps.Keys(of.Teams))
	}
	return e, found.tallies[e.month()], nil
}

// adjustmentWrites are the counter-event, the counters it moves, what the event notes of
// it, and the audit event.
func (m Meter) adjustmentWrites(by access.Caller, in AdjustRequest, e entry, t *tally, original *Record, key table.Key) ([]table.Write, error) {
	a := newAddition(t, modelsKept, "")
	a.count(e.record)
	c := chunk{by: by, events: []entry{e}, tallies: map[month]*tally{e.month(): t}, gone: map[pool.Lane][]pool.Hold{}, lane: string(in.ID)}
	_, bookings := c.bookings()
	counted := a.write(by.Organization(), e.month())
	writes := []table.Write{e.record.write(e.marker)}
	switch {
	case original != nil:
		least := -int64(original.Cost) - int64(in.by())
		if int64(original.Adjusted) < least {
			return nil, errRefund
		}
		writes = append(writes, table.Write{
			Key: key, Update: "ADD #adjusted :by",
			If:     "attribute_exists(#pk) AND (attribute_not_exists(#adjusted) OR #adjusted >= :least)",
			Values: table.V{"by": int64(in.by()), "least": least}, Else: table.ErrChanged,
		})
	case t.total.Cost.Plus(in.by()) < 0:
		return nil, errRefund
	default:
		counted = a.writeAsRead(by.Organization(), e.month())
	}
	writes = append(writes, counted)
	for _, b := range bookings {
		writes = append(writes, b.Write())
	}
	after := map[string]any{"id": in.ID, "user_id": e.record.User, "cost_usd": in.by().String()}
	if in.Event != "" {
		after["event_id"] = in.Event
	}
	if in.Reservation != "" {
		after["reservation_id"] = in.Reservation
	}
	return append(writes, audit.Record(m.Now(), by.Organization(), audit.Event{
		Action: audit.UsageAdjusted, Actor: audit.Member(by.Actor), Target: string(e.record.User), After: after, Reason: string(in.Reason),
	})), nil
}

// adjustmentModel is under what an adjustment counts that is of no event.
const adjustmentModel = "adjustment"

// adjustmentMarker is the key under which an adjustment's id counts once: no event's id
// has a space.
func adjustmentMarker(org id.Organization, adjustment EventID) table.Key {
	return table.UsageEvent(org, "  "+string(adjustment))
}

func (in AdjustRequest) view(r Record, status Outcome) Adjustment {
	v := Adjustment{ID: in.ID, Event: in.Event, Reservation: in.Reservation, User: r.User, Refund: in.Refund, Charge: in.Charge, Reason: in.Reason, Status: status}
	if month, err := time.Parse(calendar.MonthForm, r.Month); err == nil {
		v.CountedOn = calendar.DateOf(month.Year(), month.Month(), r.Day)
	}
	return v
}
