package usage

import (
	"time"

	"roster/internal/calendar"
)

// Resets says when a member's day and month end, in the organization's time zone.
type Resets struct {
	Daily   time.Time `json:"daily"`
	Monthly time.Time `json:"monthly"`
}

func resetsAfter(now time.Time, zone *time.Location) Resets {
	year, month, day := now.In(zone).Date()
	return Resets{Daily: calendar.DayBegins(year, month, day+1, zone), Monthly: calendar.DayBegins(year, month+1, 1, zone)}
}
