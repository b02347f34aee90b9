package spent

import (
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/id"
)

func TestUsedKeysAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		user := id.NewUser(now)
		days := map[id.Key]int{}
		for range rapid.IntRange(0, 16).Draw(t, "keys") {
			key := id.NewKey(now, rapid.SampledFrom([]id.User{user, id.NewUser(now)}).Draw(t, "owner"))
			if rapid.Bool().Draw(t, "test") {
				key = key.ForTests()
			}
			days[key] = rapid.IntRange(1, 31).Draw(t, "day")
		}
		b := EncodeUsedKeys(user, days)
		if got := DecodeUsedKeys(user, b); !maps.Equal(got, days) {
			t.Fatalf("%v, not %v", got, days)
		}
		DecodeUsedKeys(user, b[:rapid.IntRange(0, len(b)).Draw(t, "cut")])
	})
}
