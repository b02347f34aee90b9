package table_test

import (
	"testing"

	"pgregory.net/rapid"

	"roster/internal/id"
	"roster/internal/table"
)

// TestNoEventIDReachesAnotherSpaceOfIDs: not even ids that the API refuses.
func TestNoEventIDReachesAnotherSpaceOfIDs(t *testing.T) {
	t.Parallel()
	ulid := rapid.StringMatching(`[0-7][0-9A-HJKMNP-TV-Z]{25}`)
	rapid.Check(t, func(t *rapid.T) {
		org := id.Organization("org_" + ulid.Draw(t, "organization"))
		ada, eve := id.User("usr_"+ulid.Draw(t, "ada")), id.User("usr_"+ulid.Draw(t, "eve"))
		real := rapid.String().Draw(t, "id")
		chosen := rapid.OneOf(rapid.String(), rapid.Just(real), rapid.Just(string(ada)+"#"+real), rapid.Just("#"+string(ada)+" "+real)).Draw(t, "chosen")
		own := table.OwnUsageEvent(org, eve, chosen)
		if own == table.UsageEvent(org, real) || ada != eve && own == table.OwnUsageEvent(org, ada, real) {
			t.Fatalf("%q of one is %q of another: %v", chosen, real, own)
		}
	})
}
