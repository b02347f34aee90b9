package usage

import (
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"roster/internal/calendar"
)

func TestResets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ zone, now, daily, monthly string }{
		"spring forward":         {"Europe/Berlin", "2026-03-28T23:30:00Z", "2026-03-29T22:00:00Z", "2026-03-31T22:00:00Z"},
		"fall back":              {"Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-25T23:00:00Z", "2026-10-31T23:00:00Z"},
		"no midnight":            {"Africa/Cairo", "2026-04-23T12:00:00Z", "2026-04-23T22:00:00Z", "2026-04-30T21:00:00Z"},
		"two midnights":          {"America/Havana", "2026-10-31T12:00:00Z", "2026-11-01T04:00:00Z", "2026-11-01T04:00:00Z"},
		"back over midnight":     {"Africa/Cairo", "2026-10-29T12:00:00Z", "2026-10-29T22:00:00Z", "2026-10-31T22:00:00Z"},
		"first in the world":     {"Pacific/Kiritimati", "2026-12-31T10:00:00Z", "2027-01-01T10:00:00Z", "2027-01-31T10:00:00Z"},
		"last in the world":      {"Etc/GMT+12", "2027-01-01T11:59:59Z", "2027-01-01T12:00:00Z", "2027-01-01T12:00:00Z"},
		"end of a leap February": {"UTC", "2028-02-28T00:00:00Z", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		now, _ := time.Parse(time.RFC3339, c.now)
		got := resetsAfter(now, zone)
		if got.Daily.Format(time.RFC3339) != c.daily || got.Monthly.Format(time.RFC3339) != c.monthly {
			t.Errorf("%s: %s and %s, want %s and %s", name, got.Daily, got.Monthly, c.daily, c.monthly)
		}
	}
}

func TestADayEndsWhereTheNextBegins(t *testing.T) {
	t.Parallel()
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Africa/Cairo", "America/Havana", "Asia/Beirut",
		"Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Chatham", "Pacific/Kiritimati", "Etc/GMT+12", "America/Santiago"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(rapid.Int64Range(1_750_000_000, 2_000_000_000).Draw(t, "now"), 0)
		day := now.In(zone).Format(time.DateOnly)
		resets := resetsAfter(now, zone)
		last, next := resets.Daily.Add(-time.Second), resets.Daily
		if last.In(zone).Format(time.DateOnly) != day || next.In(zone).Format(time.DateOnly) <= day || !next.After(now) {
			t.Fatalf("%s in %s is said to end at %s", day, zone, next.In(zone))
		}
		if m := resets.Monthly; m.In(zone).Day() != 1 || m.Add(-time.Second).In(zone).Format(calendar.MonthForm) != now.In(zone).Format(calendar.MonthForm) {
			t.Fatalf("the month of %s in %s is said to end at %s", day, zone, m.In(zone))
		}
	})
}
