package member_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/field"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
)

// TestAReviewFindsWhoHasAccessAndDoesNotUseIt: whatever the size of a page, in the
// order of their last activity, newcomers apart.
func TestAReviewFindsWhoHasAccessAndDoesNotUseIt(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, member.ReviewEndpoints)
	owner := membertest.Found(t, r)
	org := owner.Organization
	add := func(name string, inactive int) {
		m := membertest.Add(t, r, member.Member{Organization: org, Role: permission.Member, Name: field.Name(name)})
		membertest.Change(t, r, org, m.ID, func(m *member.Member) {
			if inactive >= 0 {
				m.LastActiveAt = member.Day(r.Now().AddDate(0, 0, 200-inactive), time.UTC)
			}
			if strings.HasPrefix(name, "suspended") {
				m.Status = access.Suspended
			}
			if strings.HasPrefix(name, "removed") {
				m.Status, m.Keys = access.Removed, nil
			}
		})
	}
	for _, who := range []struct {
		name     string
		inactive int
	}{
		{"never", -1}, {"suspended 120", 120}, {"90", 90}, {"89", 89}, {"today", 0}, {"removed 150", 150}, {"=150", 150},
	} {
		add(who.name, who.inactive)
	}
	membertest.Change(t, r, org, owner.ID, func(m *member.Member) { m.LastActiveAt = member.Day(r.Now().AddDate(0, 0, 200), time.UTC) })
	r.Advance(200 * 24 * time.Hour)
	newcomer := membertest.Add(t, r, member.Member{Organization: org, Role: permission.Member, Name: "newcomer"})
	r.Arrange(t)

	review := func(query string) (names []string) {
		t.Helper()
		for cursor := ""; ; {
			got := r.Must(t, 200, fmt.Sprintf("GET /api/organizations/%s/access-review?%s%s", org, query, cursor), owner.Secret, nil)
			for _, row := range got.At("members").([]any) {
				names = append(names, row.(map[string]any)["name"].(string))
			}
			if got.String("next_cursor") == "" {
				return names
			}
			cursor = "&cursor=" + got.String("next_cursor")
		}
	}
	for _, limit := range []int{1, 2, 100} {
		if got := review(fmt.Sprint("limit=", limit)); !slices.Equal(got, []string{"never", "=150", "suspended 120", "90"}) {
			t.Errorf("pages of %d: %q", limit, got)
		}
	}
	if got := review("inactive_days=121&format=json"); !slices.Equal(got, []string{"never", "=150"}) {
		t.Errorf("for 121 days: %q", got)
	}
	if got := review("inactive_days=0"); len(got) != 8 || !slices.Contains(got, "newcomer") {
		t.Errorf("everyone: %q", got)
	}
	file := r.Must(t, 200, fmt.Sprintf("GET /api/organizations/%s/access-review?format=csv", org), owner.Secret, nil)
	rows, err := csv.NewReader(bytes.NewReader(file.Raw)).ReadAll()
	if err != nil || len(rows) != 5 || rows[2][2] != "'=150" || rows[1][10] != "" {
		t.Errorf("%q, %v", rows, err)
	}
	r.Refused(t, 422, "invalid_input", fmt.Sprintf("GET /api/organizations/%s/access-review?inactive_days=4000", org), owner.Secret, nil)
	r.Refused(t, 403, "permission_denied", fmt.Sprintf("GET /api/organizations/%s/access-review", org), newcomer.Secret, nil)

	ctx, capacity := table.WithCapacity(t.Context())
	r.CallContext(t, ctx, fmt.Sprintf("GET /api/organizations/%s/access-review", org), owner.Secret, nil)
	if read, write := capacity.Units(); read > 12 || write != 0 {
		t.Errorf("%.1f units: %v", read, capacity.Calls())
	}
}
