package usage

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"roster/internal/calendar"
	"roster/internal/id"
	"roster/internal/member"
)

// AllocationRow is what those used who had a value in their metadata; an empty one, of
// those who had none.
type AllocationRow struct {
	Value string `json:"value"`
	// Members is how many had it while they used something.
	Members int `json:"members"`
	Counters
}

// changed are what members had in their metadata before; of those who had the same all the
// time, there is none.
type changed map[id.User][]member.EarlierMetadata

// changes reads what those had in their metadata who changed them since a period began: a
// read unit each, and nothing of all others.
func (s Reports) changes(ctx context.Context, org id.Organization, found state, begins time.Time) (changed, error) {
	type read struct {
		user    id.User
		earlier []member.EarlierMetadata
	}
	var all []*read
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	for user, p := range found.people {
		if !p.MetadataSince.Before(begins.Truncate(time.Second)) {
			one := &read{user: user}
			all = append(all, one)
			group.Go(func() (err error) {
				one.earlier, err = member.MetadataHistory(reading, s.Table, org, one.user, begins)
				return err
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	history := changed{}
	for _, one := range all {
		history[one.user] = one.earlier
	}
	return history, nil
}

// at is what a member's metadata were at an instant.
func (c changed) at(user id.User, p *person, instant time.Time) member.Metadata {
	for _, earlier := range c[user] {
		if earlier.Until.After(instant) {
			return earlier.Metadata
		}
	}
	return p.Metadata
}

// on is the value for a day: that with which it began, or, if there was none, with which it
// ended.
func (c changed) on(user id.User, p *person, of part, day int, name string, zone *time.Location) string {
	if value := c.at(user, p, of.begins(day, zone)).Text(name); value != "" {
		return value
	}
	return c.at(user, p, of.begins(day+1, zone).Add(-time.Nanosecond)).Text(name)
}

// byMetadata sums up months by what the members had in their metadata on each day.
func (s Reports) byMetadata(ctx context.Context, org id.Organization, found state, parts []part, in ReportRequest, name string, zone *time.Location) (map[string]*AllocationRow, error) {
	history, err := s.changes(ctx, org, found, parts[0].begins(parts[0].first, zone))
	if err != nil {
		return nil, err
	}
	sums := map[string]*AllocationRow{}
	for user, p := range found.people {
		if !in.concerns(p) {
			continue
		}
		own := map[string]Counters{}
		for _, of := range parts {
			t := found.tallies[month{user, of.month, in.Test}]
			switch {
			case t == nil:
			case history[user] == nil:
				value := p.Metadata.Text(name)
				own[value] = own[value].plus(of.of(t))
			default:
				for day, c := range t.days {
					if day >= of.first && day <= of.last {
						value := history.on(user, p, of, day, name, zone)
						own[value] = own[value].plus(c)
					}
				}
			}
		}
		for value, c := range own {
			if c.IsZero() {
				continue
			}
			if sums[value] == nil {
				sums[value] = &AllocationRow{Value: value}
			}
			sums[value].Members++
			sums[value].Counters = sums[value].plus(c)
		}
	}
	return sums, nil
}

// metadataRows are the rows in the order that was asked for.
func metadataRows(in ReportRequest, sums map[string]*AllocationRow) []AllocationRow {
	counted := make(map[string]Counters, len(sums))
	for value, row := range sums {
		counted[value] = row.Counters
	}
	return arranged(in, counted, func(value string, _ Counters) (AllocationRow, string) { return *sums[value], value })
}

// begins is the first instant of a day of the part's month.
func (p part) begins(day int, zone *time.Location) time.Time {
	first, err := time.Parse(calendar.MonthForm, p.month)
	if err != nil {
		panic("usage: a part of no month: " + err.Error())
	}
	return calendar.DayBegins(first.Year(), first.Month(), day, zone)
}
