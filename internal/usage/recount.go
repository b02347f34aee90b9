package usage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"roster/internal/id"
	"roster/internal/spent"
	"roster/internal/table"
)

// recount is what the events of a month come to.
type recount struct {
	total Counters
	days  map[int]Counters
	teams map[id.Team]Counters
	// models and keys, by their marks, are counted by requests and cost.
	models, keys map[string]Counters
	// unkeyed are those that settled a reservation and name no key: if one reserved, they
	// count as its.
	unkeyed Counters
	// last is when the last of them was recorded.
	last time.Time
}

func (r *recount) count(e Record) {
	if e.RecordedAt.After(r.last) {
		r.last = e.RecordedAt
	}
	one := Counters{Requests: e.requests(), Input: TokenCount(e.Input), Output: TokenCount(e.Output), Cost: e.Cost}
	if e.Scope == Personal {
		one = Counters{personal: 1}
	}
	r.total, r.days[e.Day] = r.total.plus(one), r.days[e.Day].plus(one)
	if e.Scope == Personal {
		return
	}
	for _, team := range e.Teams {
		r.teams[team] = r.teams[team].plus(one)
	}
	calls := Counters{Requests: one.Requests, Cost: one.Cost}
	r.models[e.Model] = r.models[e.Model].plus(calls)
	switch {
	case e.Key != "" && e.Key.User() == e.User:
		mark := spent.KeyMark(e.Key)
		r.keys[mark] = r.keys[mark].plus(calls)
	case settles(e) != "":
		r.unkeyed = r.unkeyed.plus(calls)
	}
}

// differ says where counters are not what the events come to; empty, nowhere.
func (r *recount) differ(t *tally) string {
	if t.total != r.total {
		return fmt.Sprintf("the month has %+v, its events %+v", t.total, r.total)
	}
	for day := 1; day <= 31; day++ {
		if t.days[day] != r.days[day] {
			return fmt.Sprintf("day %d has %+v, its events %+v", day, t.days[day], r.days[day])
		}
	}
	for team := range maps.Keys(merged(t.teams, r.teams)) {
		if t.teams[team] != r.teams[team] {
			return fmt.Sprintf("%s has %+v, its events %+v", team, t.teams[team], r.teams[team])
		}
	}
	if detail := r.modelsDiffer(t); detail != "" {
		return detail
	}
	return r.keysDiffer(t)
}

// modelsDiffer compares models. Where members took all names that they may, a model can have
// got its own later: then its counters may be less, and the rest is among the others.
func (r *recount) modelsDiffer(t *tally) string {
	var sum Counters
	for model := range maps.Keys(merged(t.models, r.models)) {
		has, events := t.models[model], r.models[model]
		sum = sum.plus(has)
		switch {
		case t.named >= modelsOwn && (model == otherModel || has.Requests <= events.Requests):
		case has.Requests != events.Requests || has.Cost != events.Cost:
			return fmt.Sprintf("model %q has %+v, its events %+v", model, has, events)
		}
	}
	if sum.Requests != t.total.Requests || sum.Cost != t.total.Cost {
		return fmt.Sprintf("the models have %+v, the month %+v", sum, t.total)
	}
	return ""
}

// keysDiffer compares keys. An event does not say through which key its reservation was made,
// so what settled one and names no key may be that of any of them. A month that counts no
// further keys is not compared.
func (r *recount) keysDiffer(t *tally) string {
	if len(t.keys) >= keysKept {
		return ""
	}
	var more Counters
	for mark := range maps.Keys(merged(t.keys, r.keys)) {
		has, events := t.keys[mark], r.keys[mark]
		if has.Requests < events.Requests || has.Cost < events.Cost || has.Requests == events.Requests && has.Cost != events.Cost {
			return fmt.Sprintf("key %s has %+v, its events %+v", mark, has, events)
		}
		more = more.plus(Counters{Requests: has.Requests - events.Requests, Cost: has.Cost - events.Cost})
	}
	if more.Requests > r.unkeyed.Requests || more.Cost > r.unkeyed.Cost || more.Requests == r.unkeyed.Requests && more.Cost != r.unkeyed.Cost {
		return fmt.Sprintf("the keys have %+v more than their events, and %+v could be theirs", more, r.unkeyed)
	}
	return ""
}

func merged[Of comparable](a, b map[Of]Counters) map[Of]Counters {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// recounts are those of months.
type recounts map[month]*recount

func (r recounts) of(m month) *recount {
	if r[m] == nil {
		r[m] = &recount{days: map[int]Counters{}, teams: map[id.Team]Counters{}, models: map[string]Counters{}, keys: map[string]Counters{}}
	}
	return r[m]
}

// partitionsAtOnce is how many partitions of events are read at a time.
const partitionsAtOnce = 16

// recountEvents counts an organization's events of some months anew, and says how many it
// read: half a read unit for some ten of them. Of what members without usage:write
// reported, it reads that of the users named.
func recountEvents(ctx context.Context, t *table.Table, org id.Organization, users []id.User, names []string) (recounts, int, error) {
	partitions := slices.Collect(table.EventPartitions(org))
	for _, user := range users {
		partitions = append(partitions, table.OwnUsageEvent(org, user, "").PK, table.OwnTestUsageEvent(org, user, "").PK)
	}
	found := make(chan []Record)
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(partitionsAtOnce)
	go func() {
		for _, partition := range partitions {
			group.Go(func() error {
				return eventsOf(reading, t, partition, func(page []Record) error {
					select {
					case found <- page:
						return nil
					case <-reading.Done():
						return reading.Err()
					}
				})
			})
		}
		_ = group.Wait() // waited for once more below, for its error
		close(found)
	}()
	all, read := recounts{}, 0
	for page := range found {
		read += len(page)
		for _, e := range page {
			if slices.Contains(names, e.Month) {
				all.of(month{e.User, e.Month, e.Test}).count(e)
			}
		}
	}
	return all, read, group.Wait()
}

// eventsOf hands over the events of a partition, page by page.
func eventsOf(ctx context.Context, t *table.Table, partition string, do func([]Record) error) error {
	for q := (table.Query{PK: partition, Settled: true}); ; {
		page, err := t.Query(ctx, q)
		if err != nil {
			return err
		}
		var records []Record
		for _, item := range page.Items {
			key, err := table.Decode[table.Key](item)
			if err != nil {
				return err
			}
			held, _, err := recordsIn(key, item)
			if err != nil {
				return err
			}
			records = append(records, held...)
		}
		if err := do(records); err != nil {
			return err
		}
		if q.Start = page.Next; q.Start == nil {
			return nil
		}
	}
}
