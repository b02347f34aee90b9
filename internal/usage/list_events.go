package usage

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/calendar"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/page"
	"roster/internal/permission"
	"roster/internal/price"
	"roster/internal/table"
)

// ListEventsRequest asks for single events: by the id under which one was reported, by the
// reservation that it settled, or by the chunk in which it came; else for those of a member
// in a period, the newest first.
type ListEventsRequest struct {
	// Event finds none that settled a reservation: Reservation does, and so does its day.
	Event       EventID        `query:"event_id" json:"-"`
	Reservation id.Reservation `query:"reservation_id" json:"-"`
	// Source and Sequence name a chunk.
	Source   Source   `query:"source" json:"-"`
	Sequence Sequence `query:"sequence" json:"-"`
	// User is whose events they are; one's own in a period, where it is not said. Who reports
	// without usage:write has ids of their own: those of others are found with their user_id.
	User id.User `query:"user_id" json:"-"`
	// Team is one in which the events count. Managers of a team may ask for theirs.
	Team id.Team `query:"team_id" json:"-"`
	// Start and End are the days in which they are counted, of the organization's time zone:
	// the current month, where they are not said.
	Start calendar.Date `query:"start_date" json:"-"`
	End   calendar.Date `query:"end_date" json:"-"`
	// Model and Key are of which they are; a page may be short then, and still have a next.
	Model Model  `query:"model" json:"-"`
	Key   id.Key `query:"key_id" json:"-"`
	// Test asks for those of test keys, instead of all others.
	Test bool `query:"test" json:"-"`
	page.Request
}

// Validate refuses what names several things.
func (in *ListEventsRequest) Validate() []fault.Field {
	named := ""
	for _, one := range []struct {
		name string
		is   bool
	}{{"event_id", in.Event != ""}, {"reservation_id", in.Reservation != ""}, {"sequence", in.Sequence != 0}} {
		switch {
		case one.is && named != "":
			return []fault.Field{{Parameter: one.name, Reason: "cannot stand beside " + named}}
		case one.is:
			named = one.name
		}
	}
	if in.Source != 0 && in.Sequence == 0 {
		return []fault.Field{{Parameter: "source", Reason: "stands beside sequence alone"}}
	}
	if named == "" {
		return nil
	}
	var faults []fault.Field
	for _, one := range []struct {
		name string
		is   bool
	}{
		{"team_id", in.Team != ""}, {"start_date", !in.Start.IsZero()}, {"end_date", !in.End.IsZero()}, {"model", in.Model != ""},
		{"key_id", in.Key != ""}, {"test", in.Test}, {"limit", in.Limit != 0}, {"cursor", in.Cursor != ""},
	} {
		if one.is {
			faults = append(faults, fault.Field{Parameter: one.name, Reason: "cannot stand beside " + named})
		}
	}
	return faults
}

// names reports whether single events are named, and not a period.
func (in ListEventsRequest) names() bool {
	return in.Event != "" || in.Reservation != "" || in.Sequence != 0
}

// Events are those that were found: of an id one, or one more that a member reported
// themselves, or with a test key; in a period, those that were recorded until a moment ago.
type Events struct {
	Events []EventView `json:"events"`
	// NextCursor leads to the next page; absent on the last.
	NextCursor string `json:"next_cursor,omitzero"`
}

// EventView is an event as it was recorded and counted. It never changes.
// An adjustment is an event of its own.
type EventView struct {
	ID         EventID `json:"id"`
	User       id.User `json:"user_id"`
	Key        id.Key  `json:"key_id,omitzero"`
	Model      string  `json:"model"`
	Provider   string  `json:"provider,omitzero"`
	Input      int64   `json:"input_tokens"`
	Output     int64   `json:"output_tokens"`
	Cached     int64   `json:"cached_tokens"`
	CacheWrite int64   `json:"cache_write_tokens"`
	Reasoning  int64   `json:"reasoning_tokens"`
	// Cost is what was reported, or what it was computed to be: then Basis says on what it
	// rests, and Prices by which version of the prices.
	Cost   money.Amount  `json:"cost_usd"`
	Basis  price.Basis   `json:"cost_basis,omitzero"`
	Prices price.Version `json:"price_version,omitzero"`
	// CountedOn is the day in whose figures it is, in the organization's time zone at the time.
	CountedOn  calendar.Date `json:"counted_on"`
	OccurredAt time.Time     `json:"occurred_at"`
	RecordedAt time.Time     `json:"recorded_at"`
	// Scope is personal for calls that are in no report.
	Scope       Scope     `json:"connection_scope"`
	Test        bool      `json:"test,omitzero"`
	Tags        Tags      `json:"tags,omitzero"`
	Reservation Reference `json:"reservation_id,omitzero"`
	// Late: the reservation had expired.
	Late bool `json:"late,omitzero"`
	// Teams are those in which it counts.
	Teams []id.Team `json:"team_ids,omitzero"`
	// Status is the member's at the time, where it was not active.
	Status access.Status `json:"member_status,omitzero"`
	// Refunded or Charged is what its adjustments come to.
	Refunded money.Amount `json:"refunded_usd,omitzero"`
	Charged  money.Amount `json:"charged_usd,omitzero"`
	// Adjusts is the event to which this one is an adjustment, for a Reason; its cost is
	// below 0 where it is a refund.
	Adjusts EventID `json:"adjusts,omitzero"`
	Reason  string  `json:"adjustment_reason,omitzero"`
}

func (r Record) view() EventView {
	v := EventView{
		ID: r.ID, User: r.User, Key: r.Key, Model: r.Model, Provider: r.Provider,
		Input: r.Input, Output: r.Output, Cached: r.Cached, CacheWrite: r.CacheWrite, Reasoning: r.Reasoning,
		Cost: r.Cost, Basis: r.Basis, Prices: r.Prices, OccurredAt: r.OccurredAt, RecordedAt: r.RecordedAt,
		Scope: r.Scope, Test: r.Test, Tags: r.Tags, Reservation: r.Reservation, Late: r.Late, Teams: r.Teams, Status: r.Status,
		Adjusts: r.Adjusts, Reason: r.Reason,
	}
	if v.Scope == "" {
		v.Scope = Organization
	}
	v.Refunded, v.Charged = max(0, -r.Adjusted), max(0, r.Adjusted)
	if month, err := time.Parse(calendar.MonthForm, r.Month); err == nil {
		v.CountedOn = calendar.DateOf(month.Year(), month.Month(), r.Day)
	}
	return v
}

// ListEvents shows single events, as they were counted. Whoever may read their own usage
// alone finds theirs, managers those of their team, and nobody else's calls over personal
// connections are found by anybody.
func (s Reports) ListEvents(ctx context.Context, by access.Actor, in ListEventsRequest) (Events, error) {
	if !by.Can(permission.UsageRead) && (in.Team == "" || !by.IsManagerOf(in.Team)) {
		if in.User != "" && in.User != by.User() {
			return Events{}, access.ErrPermission.With("permission", permission.UsageRead)
		}
		in.User = by.User()
	}
	if !in.names() {
		return s.eventsOf(ctx, by, in)
	}
	records, err := s.records(ctx, by, in)
	if err != nil {
		return Events{}, err
	}
	out := Events{Events: []EventView{}}
	for _, r := range records {
		if (in.User == "" || in.User == r.User) && r.shownTo(by) {
			out.Events = append(out.Events, r.view())
		}
	}
	return out, nil
}

// shownTo reports whether the event is one that the caller may see, of those whose it may be.
func (r Record) shownTo(by access.Actor) bool { return r.Scope != Personal || r.User == by.User() }

// records are the events that were named, whosever they are.
func (s Reports) records(ctx context.Context, by access.Actor, in ListEventsRequest) ([]Record, error) {
	org := by.Organization()
	if in.Sequence != 0 {
		_, stored, err := readSource(ctx, s.Table, org, watermark{in.Source, in.Sequence})
		if err != nil || stored == nil {
			return nil, err
		}
		p, err := stored.portion()
		return p.Records, err
	}
	found := make([]*Record, 0, 4)
	var reads []table.Read
	for _, key := range in.markers(org, by.User()) {
		found = append(found, nil)
		reads = append(reads, table.Into(key, &found[len(found)-1]))
	}
	if err := s.Table.Get(ctx, reads...); err != nil {
		return nil, err
	}
	var all []Record
	for _, r := range found {
		if r != nil {
			all = append(all, *r)
		}
	}
	return all, nil
}

// markers are where what was named may be; see marker.
func (in ListEventsRequest) markers(org id.Organization, caller id.User) []table.Key {
	if in.Reservation != "" {
		event := settlement(settled(in.Reservation))
		return []table.Key{table.UsageEvent(org, event), table.TestUsageEvent(org, event)}
	}
	user := in.User
	if user == "" {
		user = caller
	}
	event := string(in.Event)
	return []table.Key{
		table.UsageEvent(org, event), table.OwnUsageEvent(org, user, event),
		table.TestUsageEvent(org, event), table.OwnTestUsageEvent(org, user, event),
	}
}
