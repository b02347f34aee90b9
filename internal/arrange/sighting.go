package arrange

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/session"
	"roster/internal/spent"
	"roster/internal/table"
)

// sighting is a sign that a member was active, or that a key was used.
type sighting struct {
	org  id.Organization
	user id.User
	key  id.Key // its, rather than the member's
	// day returns on which day; false, if that is no news after all.
	day func(zone *time.Location) (time.Time, bool)
}

// sightings are what a change tells about activity: usage on a day that had none,
// tokens for the organization on another day than before, usage of a key on a later day
// than the month had, and a save of a member that was read before they, or one of their
// keys, were last seen.
func sightings(key table.Key, before, after table.Item) ([]sighting, error) {
	if after == nil {
		return nil, nil
	}
	if org, user, month, ok := key.Month(); ok {
		return append(ofKeys(org, user, month, before, after), ofUsage(org, user, month, before, after)...), nil
	}
	if org, user, month, ok := key.TestMonth(); ok {
		return ofKeys(org, user, month, before, after), nil
	}
	if org, user, ok := key.Member(); ok && key == table.Member(org, user) {
		return undone(org, user, before, after)
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
	return []sighting{{org, user, "", onDay(first, last)}}
}

// onDay is a day of a month.
func onDay(first time.Time, day int) func(*time.Location) (time.Time, bool) {
	return func(zone *time.Location) (time.Time, bool) {
		return time.Date(first.Year(), first.Month(), day, 0, 0, 0, 0, zone), true
	}
}

// ofKeys finds the keys that a month has (spent.UsedKeys) with a later day than before.
func ofKeys(org id.Organization, user id.User, month string, before, after table.Item) (all []sighting) {
	first, err := time.Parse("2006-01", month)
	if err != nil {
		return nil
	}
	was := usedKeys(user, before)
	for key, day := range usedKeys(user, after) {
		if day > was[key] {
			all = append(all, sighting{org, key.User(), key, onDay(first, day)})
		}
	}
	return all
}

func usedKeys(user id.User, month table.Item) map[id.Key]int {
	used, ok := month[spent.UsedKeys].(*types.AttributeValueMemberB)
	if !ok {
		return nil
	}
	return spent.DecodeUsedKeys(user, used.Value)
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
	return []sighting{{is.Organization, is.User, "", func(zone *time.Location) (time.Time, bool) {
		day := member.Day(is.RotatedAt, zone)
		return day, was.Organization != is.Organization || !member.Day(was.RotatedAt, zone).Equal(day)
	}}}, nil
}

func undone(org id.Organization, user id.User, before, after table.Item) ([]sighting, error) {
	if before == nil {
		return nil, nil
	}
	was, err := table.Decode[member.Member](before)
	if err != nil {
		return nil, err
	}
	is, err := table.Decode[member.Member](after)
	if err != nil {
		return nil, err
	}
	var all []sighting
	again := func(key id.Key, was, is time.Time) {
		if was.After(is) {
			all = append(all, sighting{org, user, key, func(*time.Location) (time.Time, bool) { return was, true }})
		}
	}
	again("", was.LastActiveAt, is.LastActiveAt)
	for key, record := range is.Keys {
		again(key, was.Keys[key].UsedAt, record.UsedAt)
	}
	return all, nil
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
