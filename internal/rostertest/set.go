package rostertest

import (
	"testing"

	"roster/internal/table"
)

// Set gives a stored item an attribute, whatever the rules.
func (r *Roster) Set(t testing.TB, key table.Key, attribute string, value any) {
	t.Helper()
	if err := r.Table.Transact(t.Context(), table.Write{
		Key: key, Update: "SET #" + attribute + " = :value", If: table.Present, Values: table.V{"value": value},
	}); err != nil {
		t.Fatal(err)
	}
}
