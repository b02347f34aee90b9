package warning

import (
	"math/bits"

	"roster/internal/money"
	"roster/internal/organization"
)

// Level is the highest of the thresholds, in percent of the limit, that what was spent
// has come to; 0, none. Who spent nothing has come to none, whatever the limit.
func Level(thresholds organization.Thresholds, spent, limit money.Amount) int {
	level := 0
	for _, percent := range thresholds {
		if comesTo(percent, spent, limit) {
			level = max(level, percent)
		}
	}
	return level
}

// margin is how many points of a percentage before the lowest threshold a limit is near.
const margin = 10

// Near reports whether what was spent is at a threshold, or close to the lowest.
func Near(thresholds organization.Thresholds, spent, limit money.Amount) bool {
	return len(thresholds) > 0 && comesTo(max(0, thresholds[0]-margin), spent, limit)
}

// comesTo reports whether something was spent, and at least so much of the limit.
func comesTo(percent int, spent, limit money.Amount) bool {
	if spent <= 0 {
		return false
	}
	high, low := bits.Mul64(uint64(spent), 100)
	limitHigh, limitLow := bits.Mul64(uint64(limit), uint64(percent))
	return high > limitHigh || high == limitHigh && low >= limitLow
}
