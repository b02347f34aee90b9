package audit

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"roster/internal/calendar"
	"roster/internal/id"
	"roster/internal/table"
)

// event is an Event as it is read: what was before and after stays the text that it
// is stored as.
type event struct {
	ID     eventID   `dynamodbav:"id"`
	At     time.Time `dynamodbav:"at"`
	Action Action    `dynamodbav:"action"`
	Actor  Actor     `dynamodbav:"actor"`
	Target string    `dynamodbav:"target"`
	Also   []string  `dynamodbav:"also"`
	Before State     `dynamodbav:"before"`
	After  State     `dynamodbav:"after"`
	Reason string    `dynamodbav:"reason"`
}

// reader reads events from the newest to the oldest: those of an organization lie by
// month, those about a member in one row of an index, by id alone.
type reader struct {
	t           *table.Table
	org         id.Organization
	user        id.User // empty for everything
	asked       ListRequest
	from, until time.Time
}

// position is where a reader goes on: in which month, and where in it. The zero one is
// the end.
type position struct {
	month time.Time
	start table.Item
}

const (
	// pageEvents is how many events a page looks at at most, and pageQueries how often
	// it asks for more: months may be empty.
	pageEvents  = 1000
	pageQueries = 25
	// searched is how many events a query reads where it is not known which are shown.
	searched = 250
)

func monthOf(at time.Time) time.Time {
	at = at.UTC()
	return time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// first is where the newest events lie.
func (r reader) first() position {
	if r.from.After(r.until) {
		return position{}
	}
	return position{month: monthOf(r.until)}
}

func (p position) end() bool { return p.month.IsZero() }

// page reads as many events as are wanted, or fewer where it has looked far enough.
func (r reader) page(ctx context.Context, at position, wanted int) (found []event, next position, err error) {
	seen := 0
	for queries := 0; queries < pageQueries && seen < pageEvents && len(found) < wanted && !at.end(); queries++ {
		limit := wanted - len(found)
		if r.asked.narrow() {
			limit = searched
		}
		events, items, after, err := r.read(ctx, at, limit)
		if err != nil {
			return nil, position{}, err
		}
		seen += len(events)
		at = after
		for i, e := range events {
			if !r.asked.matches(e) {
				continue
			}
			found = append(found, e)
			if len(found) == wanted && i < len(events)-1 {
				return found, position{monthOf(e.At), r.query(at, 0).After(items[i])}, nil
			}
		}
	}
	return found, at, nil
}

// query asks for events from a position on.
func (r reader) query(at position, limit int) table.Query {
	q := table.Query{
		PK: table.AuditEvent(r.org, at.month.Format(calendar.MonthForm), "").PK, Settled: true,
		From: string(firstAt(r.from)), To: string(lastAt(r.until)), Descending: true, Limit: limit, Start: at.start,
	}
	if r.user != "" {
		q.Index, q.PK = table.ListIndex, table.AuditAbout(r.org, r.user)
	}
	return q
}

// read reads at most so many events, the items by which to go on behind each, and
// where they end.
func (r reader) read(ctx context.Context, at position, limit int) ([]event, []table.Item, position, error) {
	found, err := r.t.Query(ctx, r.query(at, limit))
	if err != nil {
		return nil, nil, position{}, err
	}
	after := position{at.month, found.Next}
	if found.Next == nil {
		after = r.before(at.month)
	}
	if r.user == "" {
		events, err := table.DecodeAll[event](found.Items)
		return events, found.Items, after, err
	}
	events, err := r.whole(ctx, found.Items)
	return events, found.Items, after, err
}

// before is where the events before a month are.
func (r reader) before(month time.Time) position {
	earlier := month.AddDate(0, -1, 0)
	if r.user != "" || earlier.Before(monthOf(r.from)) {
		return position{}
	}
	return position{month: earlier}
}

// whole reads the events of which an index has the keys.
func (r reader) whole(ctx context.Context, items []table.Item) ([]event, error) {
	keys, err := table.DecodeAll[table.Key](items)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	found := make([]*event, len(keys))
	reads := make([]table.Read, len(keys))
	for i, key := range keys {
		reads[i] = table.Into(key, &found[i])
	}
	if err := r.t.GetSettled(ctx, reads...); err != nil {
		return nil, err
	}
	events := make([]event, len(found))
	for i, e := range found {
		if e != nil { // an organization that is being erased may have lost it
			events[i] = *e
		}
	}
	return events, nil
}

// monthName holds the month in a cursor, among the key's names.
const monthName = "month"

func (r reader) cursor(at position) table.Item {
	if at.end() {
		return nil
	}
	next := table.Item{monthName: &types.AttributeValueMemberS{Value: at.month.Format(calendar.MonthForm)}}
	for name, value := range at.start {
		next[name] = value
	}
	return next
}

// resumed is the position of a cursor.
func (r reader) resumed(cursor table.Item) position {
	var at position
	if month, ok := cursor[monthName].(*types.AttributeValueMemberS); ok {
		at.month, _ = time.Parse(calendar.MonthForm, month.Value) // sealed by cursor
	}
	delete(cursor, monthName)
	if len(cursor) > 0 {
		at.start = cursor
	}
	return at
}
