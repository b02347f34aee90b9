package usage

import (
	"sort"
	"time"
)

// monthForm is the name of a month, as table.MemberMonth has it.
const monthForm = "2006-01"

// Resets says when a member's day and month end, in the organization's time zone.
type Resets struct {
	Daily   time.Time `json:"daily"`
	Monthly time.Time `json:"monthly"`
}

func resetsAfter(now time.Time, zone *time.Location) Resets {
	year, month, day := now.In(zone).Date()
	return Resets{Daily: dayBegins(year, month, day+1, zone), Monthly: dayBegins(year, month+1, 1, zone)}
}

// dayBegins returns the first instant of a day, in UTC. It is searched for:
// clocks may be put forward over midnight, or back across it.
func dayBegins(year int, month time.Month, day int, zone *time.Location) time.Time {
	wanted := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	// Zones lie between 12 hours behind UTC and 14 ahead; a skipped day adds 24.
	earliest := wanted.Add(-15 * time.Hour)
	seconds := sort.Search(int((54 * time.Hour).Seconds()), func(s int) bool {
		y, m, d := earliest.Add(time.Duration(s) * time.Second).In(zone).Date()
		return !time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Before(wanted)
	})
	return earliest.Add(time.Duration(seconds) * time.Second)
}
