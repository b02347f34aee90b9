package watch_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/member/membertest"
)

// told are the subjects of the mails to somebody about limits.
func (c *company) subjects(t testing.TB, to membertest.Member) (all []string) {
	t.Helper()
	for _, m := range c.Mails(t, string(to.Email)) {
		if strings.HasPrefix(string(m.Kind), "limit_") {
			all = append(all, strings.TrimSpace(fmt.Sprint(m.Data.Member, " ", m.Data.Window, " ", m.Data.Limit, " ", m.Data.Percent)))
		}
	}
	slices.Sort(all)
	return all
}

// TestPoolsAreWarnedAbout once for each level, window and limit, however often and by how
// many changes at once they are found.
func TestPoolsAreWarnedAbout(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	red := membertest.AddTeam(t, c.Roster, c.owner.Organization)
	membertest.Change(t, c.Roster, c.owner.Organization, c.ada.ID, func(m *member.Member) { m.Teams = map[id.Team]access.TeamRole{red: access.TeamUser} })
	c.limit(t, object{"user_id": c.ada.ID, "monthly_limit": 1000})
	c.limit(t, object{"team_id": red, "monthly_limit": 100, "daily_limit": 60})
	c.limit(t, object{"monthly_limit": 200})
	expect := func(what string, want ...string) {
		t.Helper()
		c.changed(t)
		slices.Sort(want)
		for _, to := range []membertest.Member{c.owner, c.admin} {
			if got := c.subjects(t, to); !slices.Equal(got, want) {
				t.Errorf("%s: %q, not %q", what, got, want)
			}
		}
	}
	c.spend(t, c.ada.Secret, "40")
	expect("nothing is near")
	c.spend(t, c.ada.Secret, "10")
	expect("the team's day", "Team Team daily 60 USD 80")
	records := c.Changes(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { c.hand(t, records) })
	}
	all.Wait()
	c.spend(t, c.ada.Secret, "50")
	expect("a jump tells its highest level", "Team Team daily 60 USD", "Team Team daily 60 USD 80", "Team Team monthly 100 USD")
	c.spend(t, c.owner.Secret, "60")
	expect("the organization's month", "The whole organization monthly 200 USD 80",
		"Team Team daily 60 USD", "Team Team daily 60 USD 80", "Team Team monthly 100 USD")
	c.limit(t, object{"team_id": red, "monthly_limit": 110}) // another limit is told of at once
	expect("a raised limit", "The whole organization monthly 200 USD 80",
		"Team Team daily 60 USD", "Team Team daily 60 USD 80", "Team Team monthly 100 USD", "Team Team monthly 110 USD 90")
	c.Advance(24 * time.Hour)
	c.spend(t, c.ada.Secret, "48")
	expect("the day after", "The whole organization monthly 200 USD", "The whole organization monthly 200 USD 80",
		"Team Team daily 60 USD", "Team Team daily 60 USD 80", "Team Team daily 60 USD 80", "Team Team monthly 100 USD", "Team Team monthly 110 USD", "Team Team monthly 110 USD 90")
	if got := c.subjects(t, c.ada); len(got) > 0 {
		t.Errorf("the member hears of what all spend: %q", got)
	}
}

// TestTheFirstRefusalByAPoolIsTold: where calls are reserved, it may never be spent wholly.
func TestTheFirstRefusalByAPoolIsTold(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.limit(t, object{"user_id": c.ada.ID, "monthly_limit": 1000})
	c.limit(t, object{"monthly_limit": 10})
	c.Must(t, 200, "POST /v1/reservations", c.ada.Secret, object{"estimated_cost_usd": 7})
	for range 3 {
		c.Refused(t, 429, "limit_reached", "POST /v1/reservations", c.ada.Secret, object{"estimated_cost_usd": 4})
	}
	c.spend(t, c.ada.Secret, "3")
	c.Advance(access.GateTTL)
	c.Refused(t, 429, "limit_reached", "POST /v1/authorize", c.ada.Secret, nil)
	c.changed(t)
	if got := c.subjects(t, c.admin); !slices.Equal(got, []string{"The whole organization monthly 10 USD"}) {
		t.Errorf("%q", got)
	}
}

// TestABudgetIsToldOf at 80 and at 100 percent, once each, to the billing contact and to
// who sees the billing; it stops nothing.
func TestABudgetIsToldOf(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.limit(t, object{"user_id": c.ada.ID, "monthly_limit": 1000})
	c.Must(t, 200, "PUT /api/organizations/"+string(c.owner.Organization)+"/billing", c.owner.Secret,
		object{"budget": 100, "contact_email": "billing@example.com"})
	expect := func(what string, want ...string) {
		t.Helper()
		c.changed(t)
		for _, to := range []string{string(c.owner.Email), string(c.admin.Email), "billing@example.com"} {
			var got []string
			for _, m := range c.Mails(t, to) {
				if m.Kind == mail.BudgetSpent {
					got = append(got, m.Data.Month+" "+m.Data.Percent+" "+m.Data.Amount)
				}
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s, to %s: %q, not %q", what, to, got, want)
			}
		}
	}
	c.spend(t, c.ada.Secret, "79")
	expect("79 of 100")
	c.spend(t, c.ada.Secret, "1.5")
	c.spend(t, c.ada.Secret, "1")
	expect("81.5", "November 2026 80 81.5 USD")
	c.spend(t, c.owner.Secret, "20")
	c.Must(t, 200, "POST /v1/authorize", c.ada.Secret, nil)
	expect("101.5", "November 2026 100 101.5 USD", "November 2026 80 81.5 USD")
	c.spend(t, c.owner.Secret, "20")
	expect("once", "November 2026 100 101.5 USD", "November 2026 80 81.5 USD")
	got := c.Must(t, 200, "GET /api/organizations/"+string(c.owner.Organization)+"/billing", c.owner.Secret, nil)
	if got.At("billing", "spend") != 121.5 {
		t.Errorf("%s", got.Raw)
	}
}

// TestOtherThresholdsConcernPoolsToo: check-limits looks at them once.
func TestOtherThresholdsConcernPoolsToo(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	red := membertest.AddTeam(t, c.Roster, c.owner.Organization)
	membertest.Change(t, c.Roster, c.owner.Organization, c.ada.ID, func(m *member.Member) { m.Teams = map[id.Team]access.TeamRole{red: access.TeamUser} })
	c.limit(t, object{"user_id": c.ada.ID, "monthly_limit": 1000})
	c.limit(t, object{"team_id": red, "monthly_limit": 100})
	c.spend(t, c.ada.Secret, "72")
	c.changed(t)
	c.set(t, object{"alert_thresholds": []int{70, 100}})
	for range 2 {
		c.check(t, t.Context())
	}
	if got := c.subjects(t, c.admin); !slices.Equal(got, []string{"Team Team monthly 100 USD 70"}) {
		t.Errorf("%q", got)
	}
}
