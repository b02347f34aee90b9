package usage

import (
	"testing"
	"time"
	_ "time/tzdata"

	"roster/internal/calendar"
	"roster/internal/money"
)

func TestForecasts(t *testing.T) {
	t.Parallel()
	day := func(s string) time.Time { at, _ := time.Parse(time.DateOnly, s); return at }
	usd := func(n money.Amount) *money.Amount { return new(n * money.USD) }
	for name, tt := range map[string]struct {
		days             map[string]money.Amount // USD
		zone, now        string
		spent            money.Amount
		limit            *money.Amount
		average, project money.Amount
		on               string
	}{
		"nothing": {nil, "UTC", "2026-11-22T12:00:00Z", 0, usd(5), 0, 0, ""},
		"as much each day": {map[string]money.Amount{"2026-11-15": 2, "2026-11-16": 2, "2026-11-17": 2, "2026-11-18": 2, "2026-11-19": 2, "2026-11-20": 2, "2026-11-21": 2},
			"UTC", "2026-11-22T00:00:00Z", 14, usd(20), 2, 32, "2026-11-25"},
		"from the first on which there was something": {map[string]money.Amount{"2026-11-21": 3, "2026-11-22": 3}, "UTC", "2026-11-22T12:00:00Z", 6, usd(1000), 4, 40, ""},
		"of the month before":                         {map[string]money.Amount{"2026-10-29": 1, "2026-10-30": 1, "2026-10-31": 1}, "UTC", "2026-11-01T00:00:00Z", 0, usd(29), 1, 30, "2026-11-30"},
		"met":                                         {map[string]money.Amount{"2026-11-21": 10}, "UTC", "2026-11-22T00:00:00Z", 10, usd(10), 10, 100, "2026-11-22"},
		"none is unlimited":                           {map[string]money.Amount{"2026-11-21": 10}, "UTC", "2026-11-22T00:00:00Z", 10, nil, 10, 100, ""},
		"more is refunded than was spent":             {map[string]money.Amount{"2026-11-20": 2, "2026-11-21": -5}, "UTC", "2026-11-22T00:00:00Z", 40, usd(50), 0, 40, ""},
		"a day of 25 hours":                           {map[string]money.Amount{"2026-10-25": 25}, "Europe/Berlin", "2026-10-25T23:00:00Z", 25, nil, 24, 25 + 6*24, ""},
	} {
		zone, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		now, _ := time.Parse(time.RFC3339, tt.now)
		days := daily{}
		for date, cost := range tt.days {
			days.add(day(date).Format(calendar.MonthForm), day(date).Day(), cost*money.USD)
		}
		got := days.forecast(tt.spent*money.USD, tt.limit, now.In(zone))
		on := ""
		if got.LimitReachedOn != nil {
			on = got.LimitReachedOn.UTC().Format(time.DateOnly)
		}
		if got.DailyAverage != tt.average*money.USD || got.Projected != tt.project*money.USD || on != tt.on {
			t.Errorf("%s: %s a day, %s in all, %q", name, got.DailyAverage, got.Projected, on)
		}
	}
}
