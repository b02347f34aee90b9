package calendar_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/calendar"
)

var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Etc/GMT+12", "Pacific/Kiritimati", "America/Sao_Paulo", "Africa/Cairo"}

// TestDaysFollowOneAnother: each begins when the one before ends, at its first
// instant, also where clocks are put forward over midnight or a day is left out.
func TestDaysFollowOneAnother(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		day := rapid.IntRange(0, 366*30).Draw(t, "day")
		date, next := calendar.DateOf(2000, 1, 1+day), calendar.DateOf(2000, 1, 2+day)
		begins, ends := date.Begins(zone), date.Ends(zone)
		if !ends.Equal(next.Begins(zone)) || ends.Before(begins) {
			t.Fatalf("%v to %v, the next from %v", begins, ends, next.Begins(zone))
		}
		if before := begins.Add(-time.Second).In(zone).Format(time.DateOnly); before >= date.UTC().Format(time.DateOnly) {
			t.Fatalf("%v begins after %s", date, before)
		}
		if ends.After(begins) && begins.In(zone).Format(time.DateOnly) != date.UTC().Format(time.DateOnly) {
			t.Fatalf("%v begins at %v", date, begins.In(zone))
		}
	})
}

func TestDatesAreRead(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"2026-11-22": true, "2024-02-29": true, "2026-02-29": false, "2026-11-22T00:00:00Z": false,
		"": false, "0001-01-01": false, "26-11-22": false, "2026-1-1": false, "yesterday": false,
	} {
		var d calendar.Date
		if err := d.UnmarshalText([]byte(text)); (err == nil) != ok || d.IsZero() == ok {
			t.Errorf("%q: %v, %v", text, d, err)
		}
		if written, err := d.MarshalText(); ok && (err != nil || string(written) != text) {
			t.Errorf("%q is written %q, %v", text, written, err)
		}
	}
}
