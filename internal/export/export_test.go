package export_test

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"roster/internal/export"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/money"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/usage"
)

type object = map[string]any

type company struct {
	*rostertest.Roster
	owner membertest.Member
}

func newCompany(t testing.TB) company {
	t.Helper()
	r := rostertest.New(t, export.Endpoints, usage.MeterEndpoints, usage.ReportEndpoints)
	return company{r, membertest.Found(t, r)}
}

func (c company) add(t testing.TB, name, metadata string) membertest.Member {
	t.Helper()
	return membertest.Add(t, c.Roster, member.Member{
		Organization: c.owner.Organization, Role: permission.Member, Name: field.Name(name), Metadata: member.Metadata(metadata),
	})
}

func (c company) use(t testing.TB, event string, user id.User, cost string, more ...object) {
	t.Helper()
	e := object{"id": event, "user_id": user, "model": "openai/gpt-4o", "input_tokens": 100, "output_tokens": 10, "cost_usd": cost}
	for _, m := range more {
		for name, value := range m {
			e[name] = value
		}
	}
	c.Must(t, 200, "POST /v1/usage", c.owner.Secret, object{"events": []object{e}})
}

func (c company) path(of string) string {
	return "GET /api/organizations/" + string(c.owner.Organization) + "/export/" + of
}

// table reads a CSV answer.
func table(t testing.TB, got rostertest.Response) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(string(got.Raw))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestMembersAsAFile(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, "Ada, \"the\" =First", `{"department":"=HYPERLINK(1)","floor":3}`)
	c.add(t, "Bob", `{"cost_center":"CC-1"}`)
	c.use(t, "1", ada.ID, "1.5")
	got := c.Call(t, c.path("members?format=csv"), c.owner.Secret, nil)
	if got.Status != 200 || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/csv") || got.Header.Get("Content-Disposition") != `attachment; filename="members.csv"` {
		t.Fatalf("%d %v %s", got.Status, got.Header, got.Raw)
	}
	rows := table(t, got)
	columns := rows[0]
	cell := func(row []string, column string) string { return row[slices.Index(columns, column)] }
	if len(rows) != 4 || !slices.Equal(columns[len(columns)-3:], []string{"metadata.cost_center", "metadata.department", "metadata.floor"}) {
		t.Fatalf("%q", rows)
	}
	at := slices.IndexFunc(rows, func(row []string) bool { return row[0] == string(ada.ID) })
	if row := rows[at]; cell(row, "name") != `Ada, "the" =First` || cell(row, "metadata.department") != "'=HYPERLINK(1)" || cell(row, "metadata.floor") != "3" || cell(row, "spend_usd") != "1.5" {
		t.Errorf("%q", row)
	}
	if got := c.Must(t, 200, c.path("members?format=json"), c.owner.Secret, nil); len(got.At("members").([]any)) != 3 || got.Header.Get("Content-Disposition") != `attachment; filename="members.json"` {
		t.Errorf("%s", got.Raw)
	}
	c.Refused(t, 403, "permission_denied", c.path("members"), ada.Secret, nil)
	c.Refused(t, 422, "invalid_input", c.path("members?format=xls"), c.owner.Secret, nil)
	c.Refused(t, 422, "invalid_input", c.path("members?status=gone"), c.owner.Secret, nil)
}

// TestUsageAsAFile: every grouping has the rows of the report, and the same sum.
func TestUsageAsAFile(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, bob := c.add(t, "Ada", `{}`), c.add(t, "Bob", `{}`)
	c.use(t, "1", ada.ID, "0.000000001")
	c.use(t, "2", bob.ID, "2", object{"model": "=cmd|calc"})
	c.use(t, "3", ada.ID, "3.25", object{"occurred_at": "2026-10-31T12:00:00Z"})
	for query, rows := range map[string]int{"": 2, "&group_by=user": 2, "&group_by=model": 2, "&group_by=key": 2, "&group_by=day": 2, "&group_by=month": 2, "&limit=1": 1, "&group_by=team": 0} {
		period := "start_date=2026-10-01&end_date=2026-11-30" + query
		file := table(t, c.Call(t, c.path("usage?format=csv&"+period), c.owner.Secret, nil))
		if len(file)-1 != rows {
			t.Errorf("%s: %q", query, file)
		}
		var sum money.Amount
		for _, row := range file[1:] {
			cost, err := money.Parse(row[slices.Index(file[0], "cost_usd")])
			if err != nil {
				t.Fatal(err)
			}
			sum += cost
		}
		if rows == 2 && sum != 5_250_000_001 {
			t.Errorf("%s: %s: %q", query, sum, file)
		}
		saved := c.Must(t, 200, c.path("usage?format=json&"+period), c.owner.Secret, nil)
		shown := c.Must(t, 200, fmt.Sprintf("GET /api/organizations/%s/usage?%s", c.owner.Organization, period), c.owner.Secret, nil)
		if fmt.Sprint(saved.At("usage")) != fmt.Sprint(shown.At("usage")) {
			t.Errorf("%s: %s is not %s", query, saved.Raw, shown.Raw)
		}
	}
	if file := string(c.Call(t, c.path("usage?group_by=model"), c.owner.Secret, nil).Raw); !strings.Contains(file, "'=cmd|calc") {
		t.Errorf("a formula: %s", file)
	}
	c.Refused(t, 403, "permission_denied", c.path("usage"), ada.Secret, nil)
	c.Refused(t, 422, "invalid_input", c.path("usage?group_by=shoe"), c.owner.Secret, nil)
}

func TestCostsAreAllocated(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, bob, eve := c.add(t, "Ada", `{"department":"Research","cost_center":7}`), c.add(t, "Bob", `{"department":"Research"}`), c.add(t, "Eve", `{}`)
	c.use(t, "1", ada.ID, "1")
	c.use(t, "2", bob.ID, "2")
	c.use(t, "3", eve.ID, "4")
	for query, want := range map[string]string{
		"":                               "department,members,requests,input_tokens,output_tokens,cost_usd;,1,1,100,10,4;Research,2,2,200,20,3",
		"?group_by=department":           "department,members,requests,input_tokens,output_tokens,cost_usd;,1,1,100,10,4;Research,2,2,200,20,3",
		"?group_by=metadata.cost_center": "cost_center,members,requests,input_tokens,output_tokens,cost_usd;,2,2,200,20,6;7,1,1,100,10,1",
		"?format=csv&group_by=none&start_date=2026-11-23": "none,members,requests,input_tokens,output_tokens,cost_usd",
	} {
		got := c.Call(t, c.path("cost-allocation"+query), c.owner.Secret, nil)
		if text := strings.ReplaceAll(strings.TrimSpace(string(got.Raw)), "\r\n", ";"); text != want {
			t.Errorf("%s\n got %s\nwant %s", query, text, want)
		}
	}
	if got := c.Must(t, 200, c.path("cost-allocation?format=json"), c.owner.Secret, nil); got.At("cost_allocation", "totals", "cost_usd") != 7.0 {
		t.Errorf("%s", got.Raw)
	}
	c.Refused(t, 422, "invalid_input", c.path("cost-allocation?group_by=deparment"), c.owner.Secret, nil)
	c.Refused(t, 403, "permission_denied", c.path("cost-allocation"), ada.Secret, nil)
}

// TestUsageStaysWithTheDepartmentInWhichItWas: a member who changes it takes along what
// they use from the next day on.
func TestUsageStaysWithTheDepartmentInWhichItWas(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, "Ada", `{"department":"Research","floor":1}`)
	move := func(department string) {
		t.Helper()
		membertest.Change(t, c.Roster, c.owner.Organization, ada.ID, func(m *member.Member) {
			m.Metadata = member.Metadata(`{"department":"` + department + `"}`)
		})
	}
	c.use(t, "october", ada.ID, "64", object{"occurred_at": "2026-10-20T12:00:00Z"})
	c.use(t, "1", ada.ID, "1") // on the 22nd
	c.Advance(time.Hour)
	move("Sales")
	bob := c.add(t, "Bob", `{}`)
	c.use(t, "before he has a department", bob.ID, "128", object{"id": "bob", "occurred_at": "2026-11-21T12:00:00Z"})
	c.use(t, "on the day on which he gets one", bob.ID, "256", object{"id": "bob-2"})
	membertest.Change(t, c.Roster, c.owner.Organization, bob.ID, func(m *member.Member) { m.Metadata = `{"department":"Legal"}` })
	move("Finance") // the same instant
	c.use(t, "2", ada.ID, "2")
	c.Advance(24 * time.Hour)
	c.use(t, "3", ada.ID, "4") // on the 23rd
	c.Advance(24 * time.Hour)
	c.use(t, "4", ada.ID, "8") // on the 24th
	move("Legal")
	c.Advance(24 * time.Hour)
	c.use(t, "5", ada.ID, "16")
	c.use(t, "6", c.owner.ID, "32")
	for query, want := range map[string]string{
		"start_date=2026-11-01":                            "Research=3 Finance=12 Legal=272 =160",
		"start_date=2026-10-01":                            "Research=67 Finance=12 Legal=272 =160",
		"start_date=2026-10-01&end_date=2026-10-31":        "Research=64",
		"start_date=2026-11-23&end_date=2026-11-23":        "Finance=4",
		"start_date=2026-11-24&end_date=2026-11-30":        "Finance=8 Legal=16 =32",
		"group_by=metadata.floor&start_date=2026-11-01":    "1=3 =444",
		"group_by=metadata.department&end_date=2026-11-30": "Research=3 Finance=12 Legal=272 =160",
	} {
		rows := table(t, c.Call(t, c.path("cost-allocation?"+query), c.owner.Secret, nil))
		got := map[string]string{}
		for _, row := range rows[1:] {
			got[row[0]] = row[len(row)-1]
		}
		n := 0
		for of := range strings.SplitSeq(want, " ") {
			value, cost, _ := strings.Cut(of, "=")
			if got[value] != cost {
				t.Errorf("%s: %q", query, rows)
			}
			n++
		}
		if len(got) != n {
			t.Errorf("%s: %q", query, rows)
		}
	}
	report := c.Must(t, 200, fmt.Sprintf("GET /api/organizations/%s/usage?group_by=metadata.department&sort=cost&limit=2", c.owner.Organization), c.owner.Secret, nil)
	rows, _ := report.At("usage", "by_metadata").([]any)
	if len(rows) != 2 || rows[0].(object)["value"] != "Legal" || rows[1].(object)["value"] != "" || report.At("usage", "totals", "cost_usd") != 447.0 {
		t.Errorf("%s", report.Raw)
	}
}
