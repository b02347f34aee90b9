package usage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/page"
	"roster/internal/table"
)

const (
	// callsRead is how many items of a list are read at once, and referencesRead how many
	// of the events, or chunks, to which they lead.
	callsRead      = 25
	referencesRead = 100
	// eventsSeen is about how many events one page looks at.
	eventsSeen = 1000
)

// eventsOf is a page of a member's events in a period: the newest days first, and of a day
// those first that were recorded last.
func (s Reports) eventsOf(ctx context.Context, by access.Actor, in ListEventsRequest) (Events, error) {
	period, err := period(in.Start, in.End, s.Now().In(by.Location()))
	if err != nil {
		return Events{}, err
	}
	if in.User == "" {
		in.User = by.User()
	}
	first, last := period.Start.UTC().Format(time.DateOnly), period.End.UTC().Format(time.DateOnly)
	binding := fmt.Sprintf("%q", []any{"events", by.Organization(), in.User, in.Team, first, last, in.Model, in.Key, in.Test})
	start, err := page.Start(ctx, s.Env, binding, in.Cursor)
	if err != nil {
		return Events{}, err
	}
	l := eventLister{
		table: s.Table, org: by.Organization(), limit: in.Limit.Rows(), found: []EventView{},
		wanted: func(r Record) bool { return in.matches(r) && r.shownTo(by) },
		query: table.Query{
			PK: table.UsageEvents(by.Organization(), in.User), From: first, To: last + "~",
			Descending: true, Settled: true, Limit: callsRead,
		},
	}
	if err := l.from(start); err != nil {
		return Events{}, err
	}
	for !l.ended && len(l.found) < l.limit && l.seen < eventsSeen {
		if err := l.read(ctx); err != nil {
			return Events{}, err
		}
	}
	next, err := page.Cursor(ctx, s.Env, binding, l.position())
	return Events{l.found, next}, err
}

// matches reports whether an event is one that is asked for.
func (in ListEventsRequest) matches(r Record) bool {
	return r.User == in.User && r.Test == in.Test && (in.Team == "" || slices.Contains(r.Teams, in.Team)) &&
		(in.Model == "" || r.Model == string(in.Model)) && (in.Key == "" || r.Key == in.Key)
}

// eventLister goes through the list of a member's events.
type eventLister struct {
	table  *table.Table
	org    id.Organization
	query  table.Query
	wanted func(Record) bool
	limit  int
	found  []EventView
	seen   int
	// after leads behind the last item that is done with; of the next, so many events are
	// passed.
	after  table.Item
	passed int
	ended  bool
}

// passedAttribute has passed in a position.
const passedAttribute = "passed"

// from goes on at a position; nil is the beginning.
func (l *eventLister) from(position table.Item) (err error) {
	if passed, ok := position[passedAttribute].(*types.AttributeValueMemberS); ok {
		l.passed, err = strconv.Atoi(passed.Value)
	}
	delete(position, passedAttribute)
	if len(position) > 0 {
		l.after = position
	}
	return err
}

// position is where the list goes on; nil at its end.
func (l *eventLister) position() table.Item {
	if l.ended {
		return nil
	}
	position := table.Item{passedAttribute: &types.AttributeValueMemberS{Value: strconv.Itoa(l.passed)}}
	maps.Copy(position, l.after)
	return position
}

// piece is an item of the list, or a part of it that is read at once.
type piece struct {
	list       listed
	references []string
	items      []table.Item
	// last: nothing of the item follows.
	last bool
}

// read goes through the next items of the list.
func (l *eventLister) read(ctx context.Context) error {
	l.query.Start = l.after
	page, err := l.table.Query(ctx, l.query)
	if err != nil {
		return err
	}
	lists, err := table.DecodeAll[listed](page.Items)
	if err != nil {
		return err
	}
	pieces := l.pieces(lists)
	var reads []table.Read
	for _, p := range pieces {
		for i, reference := range p.references {
			reads = append(reads, table.Raw(table.UsageReferenced(l.org, reference), &p.items[i]))
		}
	}
	if err := l.table.GetSettled(ctx, reads...); err != nil {
		return err
	}
	for n, p := range pieces {
		full, err := l.take(p)
		if err != nil || full || !p.last {
			return err
		}
		l.after, l.passed = l.query.After(page.Items[n]), 0
	}
	l.ended = len(pieces) == len(lists) && page.Next == nil
	return nil
}

// pieces are those of lists, up to referencesRead.
func (l *eventLister) pieces(lists []listed) (all []piece) {
	room := referencesRead
	for i, list := range lists {
		references := slices.Sorted(slices.Values(list.Events))
		if i == 0 && !list.chunk() {
			references = references[min(l.passed, len(references)):]
		}
		p := piece{list: list, references: references, last: len(references) <= referencesRead}
		if !p.last {
			p.references = references[:referencesRead]
		}
		if room -= len(p.references); room < 0 && i > 0 {
			break
		}
		p.items = make([]table.Item, len(p.references))
		if all = append(all, p); !p.last {
			break
		}
	}
	return all
}

// take takes what is wanted of a piece, and reports whether the page is full before its end.
func (l *eventLister) take(p piece) (full bool, err error) {
	for i := range p.references {
		records, err := p.records(l.org, i)
		if err != nil {
			return false, err
		}
		if p.list.chunk() {
			records = records[min(l.passed, len(records)):]
		}
		for _, r := range records {
			if len(l.found) == l.limit {
				return true, nil
			}
			l.passed, l.seen = l.passed+1, l.seen+1
			if r != nil && l.wanted(*r) {
				l.found = append(l.found, r.view())
			}
		}
	}
	return false, nil
}

// records are the events to which a reference leads: one, which is nil where it is kept no
// more, or those of a chunk that are of the list's day.
func (p piece) records(org id.Organization, i int) ([]*Record, error) {
	item, chunk := p.items[i], p.list.chunk()
	switch {
	case item == nil && chunk:
		return nil, nil
	case item == nil:
		return []*Record{nil}, nil
	}
	records, _, err := recordsIn(table.UsageReferenced(org, p.references[i]), item)
	var all []*Record
	for _, r := range records {
		if !chunk || r.day() == p.list.day() {
			all = append(all, &r)
		}
	}
	return all, err
}
