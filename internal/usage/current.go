package usage

import (
	"time"

	"roster/internal/access"
	"roster/internal/calendar"
)

// Current is what a member used in the current day and month, test keys apart.
type Current struct {
	// Requests of the month, and Personal those over personal connections, which no
	// report of the organization counts.
	Requests int64 `json:"requests"`
	Personal int64 `json:"personal_requests"`
	Spend    Spend `json:"spend"`
	// ResetsAt says when the day and the month are over.
	ResetsAt Resets `json:"resets_at"`
}

// CurrentOf tells what a member used, of what was read with their standing.
func CurrentOf(s access.Standing, now time.Time) (Current, error) {
	local := now.In(s.Location())
	item, _ := s.Month(local.Format(calendar.MonthForm))
	counted, err := counters(item)
	if err != nil {
		return Current{}, err
	}
	return Current{
		Requests: counted.total.Requests, Personal: counted.total.personal,
		Spend:    Spend{Daily: counted.days[local.Day()].Cost, Monthly: counted.total.Cost},
		ResetsAt: resetsAfter(now, s.Location()),
	}, nil
}
