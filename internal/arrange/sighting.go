package arrange

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/session"
	"roster/internal/table"
)

// sighting is a sign that a member was active.
type sighting struct {
	org  id.Organization
	user id.User
	// day returns on which day; false, if that is no news after all.
	day func(zone *time.Location) (time.Time, bool)
}

// sightings are what a change tells about activity: usage on a day that had none,
// tokens for the organization on another day than before, and a save of a member
// that was read before they were last seen.
func sightings(key table.Key, before, after table.Item) ([]sighting, error) {
	if after == nil {
		return nil, nil
	}
	if org, user, month, ok := key.Month(); ok {
		return ofUsage(org, user, month, before, after), nil
	}
	if org, user, ok := key.Member(); ok && key == table.Member(org, user) {
		return undone(before, after)
	}
	if strings.HasPrefix(key.PK, table.UserPrefix) && strings.HasPrefix(key.SK, table.SessionPrefix) {
		return ofSession(before, after)
	}
	return nil, nil
}

// ofUsage finds the last day whose count of requests is new: "r" or "p" and two
// digits (usage.tally).
func ofUsage(org id.Organization, user id.User, month string, before, after table.Item) []sighting {
	first, err := time.Parse("2006-01", month)
	if err != nil {
		return nil
	}
	last := 0
	for name := range after {
		if _, known := before[name]; known || len(name) != 3 || name[0] != 'r' && name[0] != 'p' {
			continue
		}
		if day, err := strconv.Atoi(name[1:]); err == nil {
			last = max(last, day)
		}
	}
	if last == 0 {
		return nil
	}
	return []sighting{{org, user, func(zone *time.Location) (time.Time, bool) {
		return time.Date(first.Year(), first.Month(), last, 0, 0, 0, 0, zone), true
	}}}
}

func ofSession(before, after table.Item) ([]sighting, error) {
	was, err := table.Decode[session.Session](before)
	if err != nil {
		return nil, err
	}
	is, err := table.Decode[session.Session](after)
	if err != nil || is.Organization == "" {
		return nil, err
	}
	return []sighting{{is.Organization, is.User, func(zone *time.Location) (time.Time, bool) {
		day := member.Day(is.RotatedAt, zone)
		return day, was.Organization != is.Organization || !member.Day(was.RotatedAt, zone).Equal(day)
	}}}, nil
}

func undone(before, after table.Item) ([]sighting, error) {
	if before == nil {
		return nil, nil
	}
	was, err := table.Decode[member.Member](before)
	if err != nil {
		return nil, err
	}
	is, err := table.Decode[member.Member](after)
	if err != nil || !was.LastActiveAt.After(is.LastActiveAt) {
		return nil, err
	}
	return []sighting{{is.Organization, is.ID, func(*time.Location) (time.Time, bool) { return was.LastActiveAt, true }}}, nil
}

// zones remembers the time zones of organizations.
type zones struct {
	env  *env.Env
	mu   sync.Mutex
	kept map[id.Organization]zone
}

type zone struct {
	location *time.Location
	readAt   time.Time
}

const (
	zoneTTL   = time.Minute
	zonesKept = 10_000
)

func newZones(e *env.Env) *zones { return &zones{env: e, kept: map[id.Organization]zone{}} }

// of returns an organization's time zone, as it was within the last minute.
func (z *zones) of(ctx context.Context, org id.Organization) (*time.Location, error) {
	now := z.env.Now()
	z.mu.Lock()
	defer z.mu.Unlock()
	known, ok := z.kept[org]
	if age := now.Sub(known.readAt); ok && age >= 0 && age < zoneTTL {
		return known.location, nil
	}
	o, err := organization.Get(ctx, z.env.Table, org)
	if err != nil {
		return nil, err
	}
	known = zone{time.UTC, now}
	if o != nil {
		known.location = o.TimeZone.Location()
	}
	if len(z.kept) >= zonesKept {
		clear(z.kept)
	}
	z.kept[org] = known
	return known.location, nil
}
