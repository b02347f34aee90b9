package usage

import (
	"context"
	"maps"
	"slices"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/table"
)

// place finds the members and months of events, and rejects events of those who
// never were members.
func (m Meter) place(ctx context.Context, by access.Caller, entries []entry, results []Result) ([]entry, map[month]*tally, error) {
	found, err := m.state(ctx, by, entries)
	if err != nil {
		return nil, nil, err
	}
	placed := entries[:0]
	for _, e := range entries {
		of := found.people[e.record.User]
		if of.Status == "" {
			results[e.place] = reject(e.record.ID, errNoMember)
			continue
		}
		if of.Status != access.Active {
			e.record.Status = of.Status
		}
		e.record.Teams = slices.Sorted(maps.Keys(of.Teams))
		e.record.rated = of.rated(e.record.Key, e.record.User, by.Own.DefaultRates())
		placed = append(placed, e)
	}
	return placed, found.tallies, nil
}

// state reads the members and months of events, but for what the caller's
// authentication has read of their own.
func (m Meter) state(ctx context.Context, by access.Caller, entries []entry) (state, error) {
	own := map[month]table.Item{}
	var unread []month
	for _, e := range entries {
		item, read := by.Own.Month(e.record.Month)
		if read && e.record.User == by.User() && !e.record.Test {
			own[e.month()] = item
		} else {
			unread = append(unread, e.month())
		}
	}
	found, err := readState(ctx, m.Table, by.Organization(), unread)
	if err != nil {
		return state{}, err
	}
	for of, item := range own {
		counted, err := counters(item)
		if err != nil {
			return state{}, err
		}
		found.tallies[of] = counted
		own := &person{Status: by.Own.Status(), Teams: by.Own.Teams()}
		own.Terms.Limits, own.Keys = new(by.Own.Chosen()), map[id.Key]limitedKey{}
		for key, record := range by.Own.Keys() {
			own.Keys[key] = limitedKey{record.Name, record.Limits}
		}
		found.people[of.user] = own
	}
	return found, nil
}
