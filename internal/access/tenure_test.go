package access_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/access"
)

// TestATenureGoesAsTheClockDoes compares how a membership stands at a time with what
// a clock that ticks from hour to hour makes of it.
func TestATenureGoesAsTheClockDoes(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	hour := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
	rapid.Check(t, func(rt *rapid.T) {
		maybe := func(name string) int { return rapid.IntRange(0, 8).Draw(rt, name) } // 0: none
		tenure := access.Tenure{Status: access.Active, Epoch: 3}
		from, until, planned, ends := 0, maybe("until"), rapid.Bool().Draw(rt, "planned"), maybe("ends")
		s := access.Suspension{At: start}
		if planned {
			from = rapid.IntRange(1, 8).Draw(rt, "from")
			if until > 0 {
				until += from
			}
			tenure.Planned = &s
		} else if rapid.Bool().Draw(rt, "suspended") {
			tenure.Status, tenure.Suspension = access.Suspended, &s
		}
		s.At = hour(from)
		if until > 0 {
			s.Until = hour(until)
		}
		if ends > 0 {
			tenure.EndsAt = hour(ends)
		}
		status, epoch := tenure.Status, tenure.Epoch
		for n := range 20 {
			switch {
			case ends > 0 && n == ends:
				status = access.Ended
			case status == access.Ended:
			case planned && n == from:
				status, epoch = access.Suspended, epoch+1
			case status == access.Suspended && until > 0 && n == until:
				status = access.Active
			}
			for _, now := range []time.Time{hour(n), hour(n + 1).Add(-time.Nanosecond)} {
				got := tenure.At(now)
				if got.Status != status || got.Epoch != epoch {
					rt.Fatalf("hour %d: %s of epoch %d, want %s of %d", n, got.Status, got.Epoch, status, epoch)
				}
				if got.Status == access.Suspended && got.Suspension != &s {
					rt.Fatalf("hour %d: suspended for no reason", n)
				}
			}
		}
	})
}
