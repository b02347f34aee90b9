package member_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"roster/internal/field"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/organization"
	"roster/internal/rostertest"
)

func contains(list, word string) bool { return slices.Contains(strings.Fields(list), word) }

func metadata(name, value string) field.Optional[member.MetadataPatch] {
	return field.Of(member.MetadataPatch(fmt.Sprintf(`{%q:%q}`, name, value)))
}

func members(m membertest.Member) string {
	return "/api/organizations/" + string(m.Organization) + "/members"
}

func path(m membertest.Member) string { return members(m) + "/" + string(m.ID) }

// owners returns how many active owners the organization counts, and how many
// there are among the given members.
func owners(t testing.TB, r *rostertest.Roster, all ...membertest.Member) (counted, found int) {
	t.Helper()
	o, err := organization.Get(t.Context(), r.Table, all[0].Organization)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		m, err := member.Get(t.Context(), r.Table, one.Organization, one.ID)
		if err != nil {
			t.Fatal(err)
		}
		if m.Role == "owner" && m.Status == "active" {
			found++
		}
	}
	return o.Owners, found
}
