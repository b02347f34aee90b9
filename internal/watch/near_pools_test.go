package watch_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
)

// teamed is a company with a team of which Ada is.
func teamed(t testing.TB) (*company, id.Team) {
	t.Helper()
	c := newCompany(t)
	red := membertest.AddTeam(t, c.Roster, c.owner.Organization)
	c.join(t, c.ada, red, access.TeamUser)
	c.limit(t, object{"user_id": c.ada.ID, "monthly_limit": 1000})
	return c, red
}

func (c *company) join(t testing.TB, who membertest.Member, team id.Team, as access.TeamRole) {
	t.Helper()
	membertest.Change(t, c.Roster, c.owner.Organization, who.ID, func(m *member.Member) { m.Teams = map[id.Team]access.TeamRole{team: as} })
}

// listed reports whether a pool is in the list of those that are near a limit.
func (c *company) listed(t testing.TB, team id.Team) bool {
	t.Helper()
	var entry table.Item
	if err := c.Table.Get(t.Context(), table.Raw(table.NearPool(c.owner.Organization, team), &entry)); err != nil {
		t.Fatal(err)
	}
	return entry != nil
}

// TestWhatTheStreamLostOfAPoolIsTold by the next check, once, by however many at a time.
func TestWhatTheStreamLostOfAPoolIsTold(t *testing.T) {
	t.Parallel()
	c, red := teamed(t)
	c.limit(t, object{"team_id": red, "monthly_limit": 100})
	c.limit(t, object{"monthly_limit": 110})
	c.Must(t, 200, "PUT /api/organizations/"+string(c.owner.Organization)+"/billing", c.owner.Secret, object{"budget": 100})
	c.check(t, t.Context())
	if c.listed(t, red) || c.listed(t, "") {
		t.Error("pools from which nothing was spent are near a limit")
	}
	c.spend(t, c.ada.Secret, "78")
	c.changed(t)
	if !c.listed(t, red) || !c.listed(t, "") {
		t.Error("the pools are not near their limits")
	}
	if got := c.subjects(t, c.admin); len(got) > 0 {
		t.Errorf("%q", got)
	}
	c.spend(t, c.ada.Secret, "14")
	c.Changes(t) // and nobody hears of them
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() { c.check(t, t.Context()) })
	}
	all.Wait()
	if got := c.subjects(t, c.admin); !slices.Equal(got, []string{"Team Team monthly 100 USD 90", "The whole organization monthly 110 USD 80"}) {
		t.Errorf("%q", got)
	}
	if got := c.Mails(t, string(c.owner.Email)); !slices.ContainsFunc(got, func(m rostertest.Mail) bool { return m.Kind == mail.BudgetSpent && m.Data.Percent == "80" }) {
		t.Errorf("the budget: %+v", got)
	}

	c.Advance(31 * 24 * time.Hour)
	c.check(t, t.Context())
	if c.listed(t, red) || c.listed(t, "") {
		t.Error("the pools of a new month are near their limits")
	}
	ctx, capacity := table.WithCapacity(t.Context())
	c.check(t, ctx)
	if read, write := capacity.Units(); read > table.NearShards || write != 0 {
		t.Errorf("a check of nothing: %v", capacity.Calls())
	}
}

// TestAPoolsLimitThatIsCutOffIsTold: the change is made, and its call is ended before it
// looks at what is spent.
func TestAPoolsLimitThatIsCutOffIsTold(t *testing.T) {
	t.Parallel()
	c, red := teamed(t)
	c.spend(t, c.ada.Secret, "95")
	c.changed(t)
	sleep := c.Env.Sleep
	c.Env.Sleep = func(context.Context, time.Duration) error { return errors.New("ended") }
	for _, limit := range []object{{"monthly_limit": 100}, {"team_id": red, "monthly_limit": 100}} {
		if got := c.Call(t, "PUT /api/organizations/"+string(c.owner.Organization)+"/spending-limits", c.owner.Secret, limit); got.Status < 500 {
			t.Fatalf("%d %s", got.Status, got.Raw)
		}
	}
	c.Env.Sleep = sleep
	for range 2 {
		c.check(t, t.Context())
		if got := c.subjects(t, c.admin); !slices.Equal(got, []string{"The whole organization monthly 100 USD 90"}) {
			t.Errorf("%q", got)
		}
	}
	c.limit(t, object{"team_id": red, "monthly_limit": 100}) // the same again: what was spent of the team before is known now
	if got := c.subjects(t, c.admin); !slices.Equal(got, []string{"Team Team monthly 100 USD 90", "The whole organization monthly 100 USD 90"}) {
		t.Errorf("%q", got)
	}
}

// TestManagersOfATeamHearOfItsLimit, each once, and those of others do not; nor does who left
// it spend unnoticed.
func TestManagersOfATeamHearOfItsLimit(t *testing.T) {
	t.Parallel()
	c, red := teamed(t)
	blue := membertest.AddTeam(t, c.Roster, c.owner.Organization)
	boss, other := c.add(t, member.Member{Role: permission.Member}), c.add(t, member.Member{Role: permission.Member})
	c.join(t, boss, red, access.TeamManager)
	c.join(t, other, blue, access.TeamManager)
	c.join(t, c.admin, red, access.TeamManager)
	c.limit(t, object{"team_id": red, "monthly_limit": 100})
	c.changed(t)
	c.spend(t, c.ada.Secret, "79.5")
	c.changed(t)
	c.join(t, c.ada, blue, access.TeamUser)
	c.changed(t)
	c.Must(t, 201, "POST /api/organizations/"+string(c.owner.Organization)+"/usage/adjustments", c.owner.Secret,
		object{"id": "a", "event_id": "e1", "user_id": c.ada.ID, "charge_usd": 1, "reason": "It cost more."})
	c.changed(t)
	for who, want := range map[*membertest.Member][]string{&boss: {"Team Team monthly 100 USD 80"}, &c.admin: {"Team Team monthly 100 USD 80"}, &other: nil} {
		if got := c.subjects(t, *who); !slices.Equal(got, want) {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
