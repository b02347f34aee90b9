package membertest

import (
	"testing"

	"roster/internal/id"
	"roster/internal/rostertest"
	"roster/internal/table"
	"roster/internal/team"
)

// AddTeam stores a team without members.
func AddTeam(t testing.TB, r *rostertest.Roster, org id.Organization) id.Team {
	t.Helper()
	made := team.Team{ID: id.NewTeam(r.Now()), Name: "Team", CreatedAt: r.Now(), UpdatedAt: r.Now(), Version: 1}
	if err := r.Table.Transact(t.Context(), table.Write{Key: table.Team(org, made.ID), Put: made, If: table.Absent}); err != nil {
		t.Fatal(err)
	}
	return made.ID
}
