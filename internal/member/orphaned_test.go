package member_test

import (
	"net/url"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
)

// listedOrphans are the ids of the service accounts that the list of orphaned ones has,
// in pages of a size.
func listedOrphans(t testing.TB, r *rostertest.Roster, by membertest.Member, limit string) (all []string) {
	t.Helper()
	query := url.Values{"orphaned": {"true"}, "limit": {limit}}
	for {
		answer := r.Must(t, 200, "GET "+members(by)+"?"+query.Encode(), by.Secret, nil)
		for _, row := range answer.At("members").([]any) {
			of := row.(map[string]any)
			if of["orphaned"] != true || of["kind"] != "service" {
				t.Errorf("listed as orphaned: %v", of)
			}
			all = append(all, of["user_id"].(string))
		}
		if answer.String("next_cursor") == "" {
			return all
		}
		query.Set("cursor", answer.String("next_cursor"))
	}
}

// TestOrphanedServiceAccountsAreListed lets people and service accounts be in any state,
// with and without successors, some of it since the lists were arranged: the list has
// each service account that is shown as orphaned, once.
func TestOrphanedServiceAccountsAreListed(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	rapid.Check(t, func(rt *rapid.T) {
		owner := membertest.Found(t, r)
		people := []membertest.Member{owner}
		statuses := []member.Status{access.Active, access.Active, access.Suspended, access.Removed}
		status := func() member.Status { return rapid.SampledFrom(statuses).Draw(rt, "status") }
		for range rapid.IntRange(1, 5).Draw(rt, "people") {
			m := member.Member{Organization: owner.Organization, Role: permission.Admin, Status: status()}
			if m.Status == access.Removed && rapid.Bool().Draw(rt, "handed over") {
				m.Successor = rapid.SampledFrom(people).Draw(rt, "successor").ID
			}
			people = append(people, membertest.Add(t, r, m))
		}
		var services []membertest.Member
		for range rapid.IntRange(0, 12).Draw(rt, "services") {
			services = append(services, membertest.Add(t, r, member.Member{
				Organization: owner.Organization, Kind: member.ServiceAccount, Role: permission.Gateway, Name: "bot", Status: status(),
				Responsible: rapid.SampledFrom(people).Draw(rt, "responsible").ID,
			}))
		}
		r.Arrange(t)
		for range rapid.IntRange(0, 3).Draw(rt, "changes") {
			changed := rapid.SampledFrom(append(slices.Clone(services), people[1:]...)).Draw(rt, "changed")
			to := status()
			if changed.Kind == member.ServiceAccount {
				to = access.Removed // one that comes into the list is there a moment later
			}
			membertest.Change(t, r, owner.Organization, changed.ID, func(m *member.Member) { m.Status = to })
		}
		var want []string
		for _, service := range services {
			if orphaned, _ := r.Must(t, 200, "GET "+path(service), owner.Secret, nil).At("member", "orphaned").(bool); orphaned {
				want = append(want, string(service.ID))
			}
		}
		for _, limit := range []string{"1", "2", "3", "50"} {
			got := listedOrphans(t, r, owner, limit)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				rt.Fatalf("in pages of %s: %v, want %v", limit, got, want)
			}
		}
	})
}

// TestOrphansAreFoundAmongMany: what active people answer for is passed over.
func TestOrphansAreFoundAmongMany(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	gone := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Admin, Status: access.Removed})
	bot := func(of membertest.Member) membertest.Member {
		return membertest.Add(t, r, member.Member{
			Organization: owner.Organization, Kind: member.ServiceAccount, Role: permission.Gateway, Name: "bot", Responsible: of.ID,
		})
	}
	for range 61 {
		bot(owner)
	}
	for range 31 {
		bot(gone)
	}
	r.Arrange(t)
	for list, wanted := range map[string]int{"orphaned=true&kind=service": 31, "kind=service": 92} {
		pages, found := 0, 0
		for cursor := ""; pages == 0 || cursor != ""; pages++ {
			ctx, capacity := table.WithCapacity(t.Context())
			answer := r.CallContext(t, ctx, "GET "+members(owner)+"?limit=10&"+list+"&cursor="+cursor, owner.Secret, nil)
			found += len(answer.At("members").([]any))
			if read, _ := capacity.Units(); len(capacity.Calls()) > 9 || read > 20 {
				t.Errorf("%s: page %d took %d calls and %v read units", list, pages, len(capacity.Calls()), read)
			}
			cursor = answer.String("next_cursor")
		}
		if found != wanted || pages != wanted/10+1 {
			t.Errorf("%s: %d on %d pages, want %d", list, found, pages, wanted)
		}
	}
	manager := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	r.Refused(t, 403, "permission_denied", "GET "+members(owner)+"?orphaned=true", manager.Secret, nil)
}
