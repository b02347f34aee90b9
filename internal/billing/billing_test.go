package billing_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"roster/internal/billing"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/money"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
	"roster/internal/usage"
)

type object = map[string]any

// company is an organization whose owner reports usage for everyone.
type company struct {
	*rostertest.Roster
	owner membertest.Member
	fuse  *rostertest.Fuse
}

func newCompany(t testing.TB) company {
	t.Helper()
	c := company{fuse: new(rostertest.Fuse)}
	c.Roster = rostertest.NewWith(t, func(next http.RoundTripper) http.RoundTripper {
		c.fuse.Next = next
		return c.fuse
	}, billing.Endpoints, usage.MeterEndpoints, organization.Endpoints)
	c.owner = membertest.Found(t, c.Roster)
	return c
}

func (c company) path() string {
	return "/api/organizations/" + string(c.owner.Organization) + "/billing"
}

func (c company) add(t testing.TB, role string) membertest.Member {
	t.Helper()
	return membertest.Add(t, c.Roster, member.Member{Organization: c.owner.Organization, Role: role})
}

func (c company) report(t testing.TB, events ...object) {
	t.Helper()
	answer := c.Must(t, 200, "POST /v1/usage", c.owner.Secret, object{"events": events})
	for _, r := range answer.At("results").([]any) {
		if r.(object)["status"] != "recorded" {
			t.Fatalf("%s", answer.Raw)
		}
	}
}

func event(id string, of membertest.Member, cost string, at time.Time) object {
	return object{"id": id, "user_id": of.ID, "model": "openai/gpt-5", "input_tokens": 7, "output_tokens": 3,
		"cost_usd": cost, "occurred_at": at.Format(time.RFC3339)}
}

// at sets the clock.
func (c company) at(t testing.TB, text string) {
	t.Helper()
	to, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	c.Advance(to.Sub(c.Now()))
}

func (c company) sweep(t testing.TB) {
	t.Helper()
	if err := (billing.Service{Env: c.Env}).Sweep(t.Context(), events.EventBridgeEvent{}); err != nil {
		t.Fatal(err)
	}
}

// close closes what is due of the organization alone.
func (c company) close(t testing.TB) error {
	t.Helper()
	o, err := organization.Get(t.Context(), c.Table, c.owner.Organization)
	if err != nil {
		return err
	}
	return billing.Service{Env: c.Env}.CloseDue(t.Context(), *o)
}

// statement reads a statement exactly.
func (c company) statement(t testing.TB, month billing.Month) (billing.StatementView, []byte) {
	t.Helper()
	answer := c.Must(t, 200, "GET "+c.path()+"/statements/"+string(month), c.owner.Secret, nil)
	var read struct {
		Statement billing.StatementView `json:"statement"`
	}
	if err := json.Unmarshal(answer.Raw, &read, json.WithUnmarshalers(json.UnmarshalFunc(signed))); err != nil {
		t.Fatal(err)
	}
	return read.Statement, answer.Raw
}

// signed reads an amount that may be below 0, as what was refunded is.
func signed(raw []byte, a *money.Amount) error {
	text, below := strings.CutPrefix(string(raw), "-")
	amount, err := money.Parse(text)
	if *a = amount; below {
		*a = -amount
	}
	return err
}

// months lists the months of which there are statements.
func (c company) months(t testing.TB) (open, closed []billing.Month) {
	t.Helper()
	cursor := ""
	for {
		answer := c.Must(t, 200, "GET "+c.path()+"/statements?limit=100&cursor="+cursor, c.owner.Secret, nil)
		for _, s := range answer.At("statements").([]any) {
			month := billing.Month(s.(object)["month"].(string))
			if s.(object)["status"] == "open" {
				open = append(open, month)
			} else {
				closed = append(closed, month)
			}
		}
		if cursor = answer.String("next_cursor"); cursor == "" {
			return open, closed
		}
	}
}

func TestBillingSettingsMerge(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	admin, plain := c.add(t, permission.Admin), c.add(t, permission.Member)
	first := c.Must(t, 200, "GET "+c.path(), admin.Secret, nil)
	if first.At("billing", "budget") != nil || first.At("billing", "remaining") != nil || first.At("billing", "month") != "2026-11" {
		t.Errorf("%s", first.Raw)
	}
	c.Refused(t, 403, "permission_denied", "GET "+c.path(), plain.Secret, nil)
	c.Refused(t, 403, "permission_denied", "PUT "+c.path(), admin.Secret, object{"budget": 1})
	c.report(t, event("1", plain, "30.5", c.Now()))
	changed := c.Must(t, 200, "PUT "+c.path(), c.owner.Secret, object{
		"contact_name": "Fin", "contact_email": "Fin@Example.com", "address": "Street 1\nTown", "tax_id": "DE1", "purchase_order": "PO-1", "budget": 100,
	}, "If-Match", first.Header.Get("ETag"))
	for name, want := range map[string]any{
		"contact_name": "Fin", "contact_email": "fin@example.com", "purchase_order": "PO-1", "budget": 100., "spend": 30.5, "remaining": 69.5,
	} {
		if got := changed.At("billing", name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	c.Refused(t, 412, "version_mismatch", "PUT "+c.path(), c.owner.Secret, object{"budget": 5}, "If-Match", first.Header.Get("ETag"))
	same := c.Must(t, 200, "PUT "+c.path(), c.owner.Secret, object{"budget": 100})
	if same.Header.Get("ETag") != changed.Header.Get("ETag") {
		t.Error("a PUT that changes nothing made a version")
	}
	cleared := c.Must(t, 200, "PUT "+c.path(), c.owner.Secret, object{"budget": nil, "contact_email": nil})
	if cleared.At("billing", "budget") != nil || cleared.At("billing", "contact_email") != nil || cleared.At("billing", "tax_id") != "DE1" {
		t.Errorf("%s", cleared.Raw)
	}
	c.Refused(t, 422, "invalid_input", "PUT "+c.path(), c.owner.Secret, object{"budget": -1})
}

func TestAStatementIsClosedOnceAndLateUsageIsOnTheNext(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	c.Must(t, 200, "PUT "+c.path(), c.owner.Secret, object{"contact_name": "Fin", "contact_email": "fin@example.com", "purchase_order": "PO-1", "budget": 10})
	c.report(t, event("1", ada, "4.000000001", c.Now()), event("p", ada, "99", c.Now()))
	personal := event("2", ada, "5", c.Now())
	personal["connection_scope"] = "personal"
	c.report(t, personal)
	if s, _ := c.statement(t, "2026-11"); s.Status != billing.Open || s.Totals.Requests != 2 {
		t.Errorf("%+v", s)
	}
	c.at(t, "2026-12-02T23:59:59Z")
	c.sweep(t)
	if s, _ := c.statement(t, "2026-11"); s.Status != billing.Open {
		t.Errorf("closed before its time: %+v", s)
	}
	c.at(t, "2026-12-03T00:00:00Z")
	c.Must(t, 200, "PUT "+c.path(), c.owner.Secret, object{"purchase_order": "PO-2"})
	c.sweep(t)
	november, was := c.statement(t, "2026-11")
	if november.Status != billing.Closed || november.Totals.Cost != 103_000_000_001 || november.PurchaseOrder != "PO-1" ||
		*november.Remaining != 0 || len(november.ByMember) != 1 || !november.ClosedAt.Equal(c.Now()) {
		t.Errorf("%+v", november)
	}
	told := c.LastMail(t, "fin@example.com")
	if told.Kind != mail.StatementClosed || told.Data.Month != "November 2026" || told.Data.Amount != "103.000000001 USD" {
		t.Errorf("%+v", told.Data)
	}
	c.at(t, "2026-12-05T10:00:00Z")
	c.report(t, event("late", ada, "1.5", c.Now().AddDate(0, 0, -6)), event("now", ada, "2", c.Now()))
	membertest.Change(t, c.Roster, c.owner.Organization, ada.ID, func(m *member.Member) { m.Name = "=Ada" })
	c.sweep(t)
	c.at(t, "2027-01-03T00:00:00Z")
	c.sweep(t)
	if _, is := c.statement(t, "2026-11"); !bytes.Equal(was, is) {
		t.Errorf("the statement was\n%s\nand is\n%s", was, is)
	}
	december, _ := c.statement(t, "2026-12")
	if december.Totals.Cost != 3_500_000_000 || december.Usage.Cost != 2_000_000_000 || len(december.Adjustments) != 1 ||
		december.Adjustments[0].Month != "2026-11" || december.Adjustments[0].Cost != 1_500_000_000 || december.PurchaseOrder != "PO-2" {
		t.Errorf("%+v", december)
	}
	file := c.Must(t, 200, "GET "+c.path()+"/statements/2026-12?format=csv", c.owner.Secret, nil)
	if want := "2026-12,closed,adjustment,2026-11," + string(ada.ID) + "," + string(ada.Email) + ",'=Ada,1,7,3,1.5\r\n"; !strings.HasSuffix(string(file.Raw), want) {
		t.Errorf("the file is %s", file.Raw)
	}
	for _, month := range []string{"2026-10", "2027-02"} {
		c.Refused(t, 404, "statement_not_found", "GET "+c.path()+"/statements/"+month, c.owner.Secret, nil)
	}
	if mails := c.Mails(t, "fin@example.com"); len(mails) != 2 {
		t.Errorf("%d mails of two statements", len(mails))
	}
}

func TestLinesPageByPage(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	for i := range 7 {
		c.report(t, event(fmt.Sprint(i), c.add(t, permission.Member), "0.1", c.Now()))
	}
	read := func() string {
		var lines []string
		for query := "?format=csv&limit=3"; query != ""; {
			page := c.Must(t, 200, "GET "+c.path()+"/statements/2026-11"+query, c.owner.Secret, nil)
			lines = append(lines, strings.Split(strings.TrimSpace(string(page.Raw)), "\r\n")[1:]...)
			link := page.Header.Get("Link")
			query, _, _ = strings.Cut(strings.TrimPrefix(link, "<"), ">")
		}
		return strings.Join(lines, "\n")
	}
	open := read()
	c.at(t, "2026-12-03T00:00:00Z")
	c.sweep(t)
	if closed := read(); strings.Count(open, "\n") != 6 || strings.ReplaceAll(open, "open", "closed") != closed {
		t.Errorf("open:\n%s\nclosed:\n%s", open, closed)
	}
}

// TestEveryEventIsOnOneStatement: events of any age, months of any zone, which changes
// too, closings at any time, cut off at any call and two at once. What is closed stays
// the same to the byte, every statement's lines add up to its totals, and all
// statements to all events.
func TestEveryEventIsOnOneStatement(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	zones := []string{"UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York", "Asia/Kolkata"}
	serial := 0
	rapid.Check(t, func(rt *rapid.T) {
		c.Advance(time.Duration(rapid.IntRange(0, 31*24).Draw(rt, "founded")) * time.Hour)
		c := c
		c.owner = membertest.Found(t, c.Roster)
		people := []membertest.Member{c.owner, c.add(t, permission.Member), c.add(t, permission.Member)}
		var reported usage.Counters
		frozen := map[billing.Month][]byte{}
		left := map[string]int64{} // by event, what can be refunded of it
		for range rapid.IntRange(1, 5).Draw(rt, "rounds") {
			c.Set(t, table.Organization(c.owner.Organization), "time_zone", rapid.SampledFrom(zones).Draw(rt, "zone"))
			var batch []object
			for range rapid.IntRange(0, 4).Draw(rt, "events") {
				serial++
				cost := rapid.Int64Range(0, 5_000_000_000).Draw(rt, "cost")
				age := time.Duration(rapid.IntRange(0, 35*24).Draw(rt, "age")) * time.Hour
				e := event(fmt.Sprint(serial), rapid.SampledFrom(people).Draw(rt, "of"), fmt.Sprintf("%d.%09d", cost/1e9, cost%1e9), c.Now().Add(-age))
				e["model"] = rapid.SampledFrom([]string{"a/1", "b/2"}).Draw(rt, "model")
				batch, left[fmt.Sprint(serial)] = append(batch, e), cost
				reported = reported.Plus(usage.Counters{Requests: 1, Input: 7, Output: 3, Cost: money.Amount(cost)})
			}
			if len(batch) > 0 {
				c.report(t, batch...)
			}
			for _, of := range slices.Sorted(maps.Keys(left)) {
				if refund := rapid.Int64Range(0, left[of]).Draw(rt, "refund"); refund > 0 && rapid.Bool().Draw(rt, "refunded") {
					serial++
					left[of] -= refund
					c.Must(t, 201, "POST /api/organizations/"+string(c.owner.Organization)+"/usage/adjustments", c.owner.Secret,
						object{"id": fmt.Sprint("a", serial), "event_id": of, "refund_usd": fmt.Sprintf("%d.%09d", refund/1e9, refund%1e9), "reason": "It failed."})
					reported = reported.Plus(usage.Counters{Cost: -money.Amount(refund)})
				}
			}
			c.closeThrough(t, rt)
			c.checkFrozen(t, rt, frozen)
			c.Advance(time.Duration(rapid.IntRange(0, 40*24).Draw(rt, "passes")) * time.Hour)
		}
		c.checkSum(t, rt, reported)
		c.Advance(100 * 24 * time.Hour)
		c.closeThrough(t, rt)
		c.checkFrozen(t, rt, frozen)
		c.checkSum(t, rt, reported)
	})
}

// closeThrough closes what is due by two closers at once, all of it cut off at some
// call, and then once more.
func (c company) closeThrough(t *testing.T, rt *rapid.T) {
	t.Helper()
	c.fuse.Set(rapid.IntRange(1, 30).Draw(rt, "cut"), rapid.Bool().Draw(rt, "through"))
	var group sync.WaitGroup
	for range rapid.IntRange(1, 2).Draw(rt, "closers") {
		group.Go(func() { c.close(t) })
	}
	group.Wait()
	c.fuse.Mend()
	if err := c.close(t); err != nil {
		rt.Fatal(err)
	}
}

// checkFrozen checks that what was closed is the same, and notes what is closed now.
func (c company) checkFrozen(t *testing.T, rt *rapid.T, frozen map[billing.Month][]byte) {
	t.Helper()
	_, closed := c.months(t)
	for _, month := range closed {
		s, is := c.statement(t, month)
		if was := frozen[month]; was != nil && !bytes.Equal(was, is) {
			rt.Fatalf("the statement of %s was\n%s\nand is\n%s", month, was, is)
		}
		if s.ClosedAt.IsZero() {
			rt.Fatalf("%s", is)
		}
		frozen[month] = is
	}
	if len(closed) < len(frozen) {
		rt.Fatalf("%d statements are closed, %d were", len(closed), len(frozen))
	}
}

// checkSum checks that all statements together are what was reported: but for late
// usage that a statement which is not yet the next one shows.
func (c company) checkSum(t *testing.T, rt *rapid.T, reported usage.Counters) {
	t.Helper()
	open, closed := c.months(t)
	var sum usage.Counters
	for _, month := range append(open, closed...) {
		s, raw := c.statement(t, month)
		var lines, models usage.Counters
		for _, line := range s.ByMember {
			lines = lines.Plus(line.Counters)
		}
		for _, line := range s.ByModel {
			models = models.Plus(usage.Counters{Requests: line.Requests, Cost: line.Cost})
		}
		if lines != s.Totals.Counters || models.Cost != s.Totals.Cost || models.Requests != s.Totals.Requests {
			rt.Fatalf("lines %v, models %v of %s", lines, models, raw)
		}
		sum = sum.Plus(s.Totals.Counters)
	}
	if sum != reported {
		rt.Fatalf("statements %v, reported %v", sum, reported)
	}
}
