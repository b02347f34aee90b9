package member

import (
	"errors"
	"time"

	"roster/internal/id"
	"roster/internal/table"
)

// ErrSeen is the refusal of a Seen or KeyUsed that is no news.
var ErrSeen = errors.New("member: known to have been active since")

// Day is the beginning of the day, in a time zone, in which an instant lies.
func Day(at time.Time, zone *time.Location) time.Time {
	year, month, day := at.In(zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, zone)
}

// Seen is the Write that notes a Day on which a member was active, unless a later
// one is known or there is no such member. The member's version does not count it:
// it is no change that anyone made. So a Save of what was read before may undo it;
// package arrange sees that, and notes it again.
func Seen(org id.Organization, user id.User, day time.Time) table.Write {
	return table.Write{
		Key:    table.Member(org, user),
		Update: "SET #last_active_at = :day",
		If:     table.Present + " AND (attribute_not_exists(#last_active_at) OR #last_active_at < :day)",
		Values: table.V{"day": day.Unix()},
		Else:   ErrSeen,
	}
}

// KeyUsed is the Write that notes a Day on which usage was reported through or for a
// key, as Seen notes one of its member, unless a later one is known or there is no such
// key any more.
func KeyUsed(org id.Organization, key id.Key, day time.Time) table.Write {
	return table.Write{
		Key:    table.Member(org, key.User()),
		Update: "SET #keys.#key.#used_at = :day",
		If:     "attribute_exists(#keys.#key) AND (attribute_not_exists(#keys.#key.#used_at) OR #keys.#key.#used_at < :day)",
		Names:  map[string]string{"key": string(key)},
		Values: table.V{"day": day.Unix()},
		Else:   ErrSeen,
	}
}
