package access

import (
	"cmp"
	"time"

	"roster/internal/id"
	"roster/internal/permission"
	"roster/internal/pool"
	"roster/internal/spending"
	"roster/internal/table"
)

// Standing is how a member stands now: the member, their months, and the
// organization; Through one of their keys, as that key makes them stand. Of
// someone who never was a member, all is empty.
type Standing struct {
	user   id.User
	member memberView
	// key is the one they stand through, and secret which of its secrets.
	key    KeyRecord
	secret Secret
	// deadKey: the key that was named is not live, or none of theirs.
	deadKey bool
	gate    gate
	// pools are the limits of the organization's pools.
	pools  pool.Settings
	readAt time.Time
	// months are those from the first on, by their sort keys.
	first  string
	months map[string]table.Item
}

func (s Standing) User() id.User  { return s.user }
func (s Standing) Email() string  { return s.member.Email }
func (s Standing) Name() string   { return s.member.Name }
func (s Standing) Role() string   { return s.member.Role }
func (s Standing) Status() Status { return s.member.Status }

// Teams are those that the member is in.
func (s Standing) Teams() map[id.Team]TeamRole { return s.member.Teams }

func (s Standing) permissions() permission.Set {
	return s.secret.Cap.Bound(s.member.permissions(s.gate.view.Roles))
}

// Location is the organization's time zone.
func (s Standing) Location() *time.Location { return s.gate.location }

// Month returns the member's counters of a month, "2026-11"; nil if nothing was
// counted. The current month and later ones were read, earlier ones were not.
func (s Standing) Month(month string) (item table.Item, read bool) {
	key := table.MemberMonth("", s.user, month).SK
	return s.months[key], key >= s.first
}

// Keys are the member's; some may have expired.
func (s Standing) Keys() map[id.Key]KeyRecord { return s.member.Keys }

// Key returns one of the member's keys; it may have expired.
func (s Standing) Key(key id.Key) (KeyRecord, bool) {
	record, ok := s.member.Keys[key]
	return record, ok
}

// Through is how the member stands with one of their live keys: that of a text, or
// of an id, which stands for the key's newest secret. Through one that is not live
// they may do nothing, through the empty id whatever they may by themselves.
func (s Standing) Through(key id.Key, text *KeyText, now time.Time) Standing {
	record, ok := s.member.Keys[key]
	secret := record.Current()
	if text != nil {
		secret, ok = record.Admits(*text, now)
	}
	s.deadKey = key != "" && (!ok || record.Expired(now))
	return s.with(record, secret)
}

func (s Standing) with(key KeyRecord, secret Secret) Standing {
	s.key, s.secret = key, secret
	return s
}

// Version is that of the member as they were read; every change of their limits, and of
// their keys', is a new one.
func (s Standing) Version() int { return s.member.Version }

// Chosen are the limits that were chosen for the member to last.
func (s Standing) Chosen() spending.Chosen { return spending.First(s.member.Limits, s.member.Offer) }

// ChosenBy is who chose what the member may spend at a time; empty, nobody did.
func (s Standing) ChosenBy(now time.Time) id.User {
	if s.member.Temporary.Live(now) {
		return s.member.Temporary.By
	}
	return s.Chosen().By
}

// Binding is what the member may spend at a time.
func (s Standing) Binding(now time.Time) spending.Binding {
	return spending.Resolve(s.member.Temporary.Over(s.Chosen().Overrides(), now), spending.Limits{
		Monthly: s.gate.view.DefaultMonthlyLimit, Daily: s.gate.view.DefaultDailyLimit,
	})
}

// DefaultRates are those of members who have none of their own.
func (s Standing) DefaultRates() spending.Rates {
	view := s.gate.view
	return spending.Rates{
		RequestsPerMinute: view.DefaultRequestsPerMinute, TokensPerMinute: view.DefaultTokensPerMinute, InFlight: view.DefaultMaxInFlight,
	}
}

// Rates are how much the member may ask for in a minute, and at once.
func (s Standing) Rates() spending.Rates { return s.Chosen().Over(s.DefaultRates()) }

// KeyLimits are those of one of the member's keys; of one that has none, nil.
func (s Standing) KeyLimits(key id.Key) *spending.Chosen { return s.member.Keys[key].Limits }

// Pools are the limits of the organization's pools, as this process read them within
// GateTTL.
func (s Standing) Pools() pool.Settings { return s.pools }

// DefaultEventRetention is how many days usage events are kept where nothing is said.
const DefaultEventRetention = 400

// RetentionDays are those that were chosen, or the default.
func RetentionDays(chosen int) int { return cmp.Or(chosen, DefaultEventRetention) }

// EventRetention is how long the organization's usage events are kept.
func (s Standing) EventRetention() time.Duration {
	return time.Duration(RetentionDays(s.gate.view.EventRetentionDays)) * 24 * time.Hour
}

// LimitMode is how the organization applies limits.
func (s Standing) LimitMode() spending.Mode { return s.gate.view.LimitMode.Or() }
