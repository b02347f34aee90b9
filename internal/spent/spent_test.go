package spent

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"pgregory.net/rapid"

	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/table"
)

func TestEntriesStandInTheOrderOfTheSpendToThePercent(t *testing.T) {
	t.Parallel()
	amount := rapid.OneOf(rapid.Int64Range(1, 1<<62), rapid.Int64Range(1, 1000), rapid.Int64Range(1e6, 1e12))
	rapid.Check(t, func(t *rapid.T) {
		less, more := amount.Draw(t, "a"), amount.Draw(t, "b")
		less, more = min(less, more), max(less, more)
		low, high := Entry("org_1", "usr_1", "2026-11", money.Amount(less)), Entry("org_1", "usr_1", "2026-11", money.Amount(more))
		switch {
		case low.SK > high.SK:
			t.Fatalf("%d stands above %d", less, more)
		case low == high && float64(more) > float64(less)*1.0157:
			t.Fatalf("%d and %d stand at one place", less, more)
		case low != high && float64(more) < float64(less)*1.0001 && step(money.Amount(more)) != step(money.Amount(less))+1:
			t.Fatalf("%d and %d stand far apart", less, more)
		}
	})
}

// TestAnEntryMovesHundredsOfTimesAtMost: whatever the number of events.
func TestAnEntryMovesHundredsOfTimesAtMost(t *testing.T) {
	t.Parallel()
	const call = 6 * money.USD / 1000 // as many tokens as a question and its answer
	moves, at := 0, 0
	for spent := money.Amount(0); spent < 100*money.USD; spent += call {
		if spent > 0 && step(spent) != at {
			moves, at = moves+1, step(spent)
		}
	}
	if moves > 800 {
		t.Errorf("an entry moved %d times on the way to 100 USD", moves)
	}
}

func TestOnlyMonthsInWhichSomethingWasSpentHaveAnEntry(t *testing.T) {
	t.Parallel()
	month := table.MemberMonth("org_1", "usr_1", "2026-11")
	for _, test := range []struct {
		key  table.Key
		item map[string]any
		want int
	}{
		{month, map[string]any{"c": 1, "r": 1}, 1},
		{month, map[string]any{"p": 1}, 0},
		{month, map[string]any{"c": 0}, 0},
		{month, nil, 0},
		{table.Member("org_1", "usr_1"), map[string]any{"c": 1}, 0},
		{table.Organization("org_1"), map[string]any{"c": 1}, 0},
	} {
		var item table.Item
		if test.item != nil {
			item, _ = attributevalue.MarshalMap(test.item) // of numbers
		}
		entries, err := Entries(test.key, item)
		if err != nil || len(entries) != test.want {
			t.Errorf("%v %v: %v, %v", test.key, test.item, entries, err)
		}
	}
	if entry := Entry("org_1", id.User("usr_1"), "2026-11", 1); entry.PK != "ML#org_1#spend#2026-11" {
		t.Errorf("the entry stands in %s", entry.PK)
	}
}
