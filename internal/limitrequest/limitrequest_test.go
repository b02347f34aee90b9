package limitrequest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/limit"
	"roster/internal/limitrequest"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/usage"
)

type object = map[string]any

// company is an organization with an owner, an admin, and Ada, who may spend 10 USD a
// month.
type company struct {
	*rostertest.Roster
	owner, admin, ada membertest.Member
}

func newCompany(t testing.TB) company {
	t.Helper()
	r := rostertest.New(t, limitrequest.Endpoints, limit.Endpoints, member.Endpoints, audit.Endpoints, usage.MeterEndpoints, usage.AuthorizeEndpoints)
	c := company{Roster: r, owner: membertest.Found(t, r)}
	c.admin, c.ada = c.add(t, permission.Admin), c.add(t, permission.Member)
	for _, m := range []membertest.Member{c.ada, c.admin} {
		c.Must(t, 200, "PUT "+c.path("/spending-limits"), c.owner.Secret, object{"user_id": m.ID, "monthly_limit": 10})
	}
	c.Arrange(t) // the lists of owners and admins
	return c
}

func (c company) add(t testing.TB, role string) membertest.Member {
	t.Helper()
	return membertest.Add(t, c.Roster, member.Member{Organization: c.owner.Organization, Role: role, Name: "Somebody"})
}

func (c company) path(further string) string {
	return "/api/organizations/" + string(c.owner.Organization) + further
}

// ask sends a request and returns its id.
func (c company) ask(t testing.TB, status int, secret string, body object) string {
	t.Helper()
	got := c.Must(t, status, "POST "+c.path("/limit-requests"), secret, body)
	if got.String("limit_request", "status") != "open" {
		t.Errorf("%s", got.Raw)
	}
	return got.String("limit_request", "id")
}

func (c company) approve(request string) string {
	return "POST " + c.path("/limit-requests/"+request+"/approve")
}
func (c company) decline(request string) string {
	return "POST " + c.path("/limit-requests/"+request+"/decline")
}

// listed are the ids and states that a list shows.
func (c company) listed(t testing.TB, secret, query string) []string {
	t.Helper()
	var all []string
	for _, row := range c.Must(t, 200, "GET "+c.path("/limit-requests"+query), secret, nil).At("limit_requests").([]any) {
		all = append(all, row.(object)["id"].(string)+" "+row.(object)["status"].(string))
	}
	return all
}

// told empties the outbox and returns who was told what.
func (c company) told(t testing.TB) []string {
	t.Helper()
	names := map[string]string{string(c.owner.Email): "owner", string(c.admin.Email): "admin", string(c.ada.Email): "ada"}
	var all []string
	for _, m := range c.Mails(t, "") {
		all = append(all, names[string(m.To)]+": "+string(m.Kind))
	}
	c.Forget(t)
	slices.Sort(all)
	return all
}

func TestAMemberAsksAndIsGranted(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.Must(t, 200, "PUT "+c.path("/spending-limits"), c.owner.Secret, object{"user_id": c.ada.ID, "daily_limit": 5})
	request := c.ask(t, 201, c.ada.Secret, object{"monthly_limit": 100, "reason": "The launch is near."})
	if got := c.told(t); !slices.Equal(got, []string{"admin: limit_requested", "owner: limit_requested"}) {
		t.Errorf("%v", got)
	}
	if again := c.ask(t, 200, c.ada.Secret, object{"monthly_limit": 100, "reason": "The launch is near."}); again != request || len(c.told(t)) != 0 {
		t.Error("the same again is not the same")
	}
	c.Advance(time.Minute)
	if renewed := c.ask(t, 200, c.ada.Secret, object{"monthly_limit": 200, "daily_limit": nil, "reason": "It is tomorrow."}); renewed != request {
		t.Errorf("%s is renewed by %s", request, renewed)
	}
	mail := c.LastMail(t, string(c.admin.Email))
	if mail.Data.MonthlyLimit != "200 USD" || mail.Data.DailyLimit != "unlimited" || mail.Data.Reason != "It is tomorrow." || mail.Data.Member != "Somebody" {
		t.Errorf("%+v", mail.Data)
	}
	c.told(t)
	approved := c.Must(t, 200, c.approve(request), c.admin.Secret, object{"monthly_limit": 150, "daily_limit": 20})
	if approved.String("limit_request", "status") != "approved" || approved.At("limit_request", "monthly_limit") != 200. ||
		approved.At("limit_request", "decision", "monthly_limit") != 150. || approved.String("limit_request", "decision", "by") != string(c.admin.ID) {
		t.Errorf("%s", approved.Raw)
	}
	limits := c.Must(t, 200, "GET "+c.path("/spending-limits?user_id="+string(c.ada.ID)), c.ada.Secret, nil)
	if limits.At("limits", "monthly_limit") != 150. || limits.At("limits", "daily_limit") != 20. || limits.String("limits", "set_by") != string(c.admin.ID) {
		t.Errorf("%s", limits.Raw)
	}
	if got := c.told(t); !slices.Equal(got, []string{"ada: limit_request_approved"}) {
		t.Errorf("%v", got)
	}
	again := c.Must(t, 200, c.approve(request), c.owner.Secret, object{"monthly_limit": 1000})
	if fmt.Sprint(again.At("limit_request")) != fmt.Sprint(approved.At("limit_request")) || len(c.told(t)) != 0 {
		t.Errorf("approved again: %s", again.Raw)
	}
	c.Refused(t, 409, "limit_request_approved", c.decline(request), c.admin.Secret, nil)
	events := c.Must(t, 200, "GET "+c.path("/audit-events?user_id="+string(c.ada.ID)), c.owner.Secret, nil)
	for _, action := range []string{"limit_request.created", "limit_request.renewed", "limit_request.approved"} {
		if !strings.Contains(string(events.Raw), action) {
			t.Errorf("no %s is recorded: %s", action, events.Raw)
		}
	}
}

func TestAMemberIsDeclined(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	request := c.ask(t, 201, c.ada.Secret, object{"monthly_limit": 100, "reason": "More."})
	c.told(t)
	c.Must(t, 200, c.decline(request), c.admin.Secret, object{"reason": "Not this month."})
	if mail := c.LastMail(t, string(c.ada.Email)); mail.Kind != "limit_request_declined" || mail.Data.Reason != "Not this month." {
		t.Errorf("%+v", mail)
	}
	c.told(t)
	c.Must(t, 200, c.decline(request), c.owner.Secret, nil)
	c.Refused(t, 409, "limit_request_declined", c.approve(request), c.owner.Secret, nil)
	if got := c.told(t); len(got) != 0 {
		t.Errorf("%v", got)
	}
	next := c.ask(t, 201, c.ada.Secret, object{"monthly_limit": 100, "reason": "More."})
	if next == request {
		t.Error("a declined request is open again")
	}
	c.Refused(t, 404, "limit_request_not_found", c.approve(string(id.NewLimitRequest(c.Now(), c.ada.ID))), c.owner.Secret, nil)
	c.Refused(t, 404, "limit_request_not_found", c.approve(string(id.NewLimitRequest(c.Now(), id.NewUser(c.Now())))), c.owner.Secret, nil)
}

func TestWhoSeesWhichRequests(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	eve := c.add(t, permission.Member)
	body := func(usd int) object { return object{"monthly_limit": usd, "daily_limit": 1_000_000, "reason": "More."} }
	c.Must(t, 200, "PUT "+c.path("/spending-limits"), c.owner.Secret, object{"user_id": eve.ID, "monthly_limit": 10, "daily_limit": 10})
	c.Must(t, 200, "PUT "+c.path("/spending-limits"), c.owner.Secret, object{"user_id": c.ada.ID, "daily_limit": 10})
	first := c.ask(t, 201, c.ada.Secret, body(100))
	c.Must(t, 200, c.decline(first), c.owner.Secret, nil)
	c.Advance(time.Millisecond)
	second, eves := c.ask(t, 201, c.ada.Secret, body(50)), c.ask(t, 201, eve.Secret, body(60))
	for _, tt := range []struct {
		secret, query string
		want          []string
	}{
		{c.ada.Secret, "", []string{second + " open", first + " declined"}},
		{c.ada.Secret, "?status=declined", []string{first + " declined"}},
		{c.ada.Secret, "?user_id=" + string(c.ada.ID) + "&status=open", []string{second + " open"}},
		{eve.Secret, "", []string{eves + " open"}},
		{c.admin.Secret, "", []string{eves + " open", second + " open", first + " declined"}},
		{c.admin.Secret, "?status=open", []string{eves + " open", second + " open"}},
		{c.admin.Secret, "?status=approved", nil},
		{c.admin.Secret, "?user_id=" + string(c.ada.ID), []string{second + " open", first + " declined"}},
	} {
		got := c.listed(t, tt.secret, tt.query)
		slices.Sort(got)
		slices.Sort(tt.want)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.query, got, tt.want)
		}
	}
	if got := c.listed(t, c.admin.Secret, ""); got[2] != first+" declined" {
		t.Errorf("open ones are not first: %v", got)
	}
	page := c.Must(t, 200, "GET "+c.path("/limit-requests?limit=1"), c.admin.Secret, nil)
	if rest := c.listed(t, c.admin.Secret, "?cursor="+page.String("next_cursor")); len(rest) != 2 {
		t.Errorf("the next page has %v", rest)
	}
	c.Refused(t, 403, "permission_denied", "GET "+c.path("/limit-requests?user_id="+string(eve.ID)), c.ada.Secret, nil)
	c.Refused(t, 403, "permission_denied", c.approve(second), c.ada.Secret, nil)
	c.Must(t, 422, "GET "+c.path("/limit-requests?status=pending"), c.admin.Secret, nil)
}

func TestNobodyButAnOwnerGrantsThemselves(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	own := c.ask(t, 201, c.admin.Secret, object{"monthly_limit": 100, "reason": "More."})
	if got := c.told(t); !slices.Equal(got, []string{"owner: limit_requested"}) {
		t.Errorf("%v", got)
	}
	c.Refused(t, 403, "own_limit", c.approve(own), c.admin.Secret, nil)
	c.Must(t, 200, c.approve(own), c.owner.Secret, nil)
	c.Must(t, 200, "PUT "+c.path("/spending-limits"), c.owner.Secret, object{"user_id": c.owner.ID, "monthly_limit": 10})
	owners := c.ask(t, 201, c.owner.Secret, object{"monthly_limit": nil, "reason": "More."})
	c.Refused(t, 403, "outranked", c.approve(owners), c.admin.Secret, nil)
	c.Refused(t, 403, "outranked", c.decline(owners), c.admin.Secret, nil)
	c.Must(t, 200, c.approve(owners), c.owner.Secret, nil)
	if got := c.Must(t, 200, "GET "+c.path("/spending-limits?user_id="+string(c.owner.ID)), c.owner.Secret, nil); got.At("limits", "monthly_limit") != nil {
		t.Errorf("%s", got.Raw)
	}
}

// TestAGrantForATime: a reservation that was refused is held while it lasts.
func TestAGrantForATime(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	hold := object{"estimated_cost_usd": 12}
	refused := c.Refused(t, 429, "limit_reached", "POST /v1/reservations", c.ada.Secret, hold)
	if !strings.Contains(refused.String("detail"), "/limit-requests") {
		t.Errorf("the refusal does not say how to ask: %s", refused.Raw)
	}
	request := c.ask(t, 201, c.ada.Secret, object{"monthly_limit": 100, "until": "2026-11-23", "reason": "The launch."})
	c.Must(t, 200, c.approve(request), c.admin.Secret, nil)
	shown := c.Must(t, 200, "GET "+c.path("/spending-limits?user_id="+string(c.ada.ID)), c.ada.Secret, nil)
	if shown.At("limits", "monthly_limit") != 100. || shown.String("limits", "until") != "2026-11-24T00:00:00Z" || shown.At("limits", "then", "monthly_limit") != 10. {
		t.Errorf("%s", shown.Raw)
	}
	c.Must(t, 200, "POST /v1/reservations", c.ada.Secret, hold)
	c.Advance(38 * time.Hour)
	c.Refused(t, 429, "limit_reached", "POST /v1/reservations", c.ada.Secret, hold)
	late := c.ask(t, 201, c.ada.Secret, object{"monthly_limit": 100, "until": c.Now().Add(time.Hour), "reason": "The launch."})
	c.Advance(time.Hour)
	if got := c.Must(t, 422, c.approve(late), c.admin.Secret, nil); got.At("errors").([]any)[0].(object)["pointer"] != "/until" {
		t.Errorf("%s", got.Raw)
	}
	c.Must(t, 200, c.approve(late), c.admin.Secret, object{"until": nil})
	if shown := c.Must(t, 200, "GET "+c.path("/spending-limits?user_id="+string(c.ada.ID)), c.ada.Secret, nil); shown.At("limits", "until") != nil || shown.At("limits", "monthly_limit") != 100. {
		t.Errorf("%s", shown.Raw)
	}
}

func TestWhatARequestTakes(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	for pointer, body := range map[string]object{
		"/monthly_limit": {"monthly_limit": 10, "reason": "No more than there is."},
		"/daily_limit":   {"daily_limit": 5, "reason": "There is no such limit."},
		"/reason":        {"monthly_limit": 11},
		"/until":         {"monthly_limit": 11, "until": "2026-11-21", "reason": "Past."},
	} {
		got := c.Must(t, 422, "POST "+c.path("/limit-requests"), c.ada.Secret, body)
		if got.At("errors").([]any)[0].(object)["pointer"] != pointer {
			t.Errorf("%v: %s", body, got.Raw)
		}
	}
	c.Must(t, 422, "POST "+c.path("/limit-requests"), c.ada.Secret, object{"reason": "Nothing."})
	if got := c.told(t); len(got) != 0 {
		t.Errorf("%v", got)
	}
	for n := range 10 {
		c.ask(t, []int{201, 200}[min(n, 1)], c.ada.Secret, object{"monthly_limit": 11 + n, "reason": "More."})
	}
	c.Refused(t, 429, "too_many_requests", "POST "+c.path("/limit-requests"), c.ada.Secret, object{"monthly_limit": 99, "reason": "More."})
}

// TestOneDecision of many at once, and one mail.
func TestOneDecision(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	request := c.ask(t, 201, c.ada.Secret, object{"monthly_limit": 100, "reason": "More."})
	c.told(t)
	var all sync.WaitGroup
	var approved, declined atomic.Int32
	for n := range 12 {
		all.Go(func() {
			if n%2 == 0 {
				if got := c.Call(t, c.approve(request), c.admin.Secret, object{"monthly_limit": 100 + n}); got.Status == http.StatusOK {
					approved.Add(1)
				}
			} else if got := c.Call(t, c.decline(request), c.owner.Secret, nil); got.Status == http.StatusOK {
				declined.Add(1)
			}
		})
	}
	all.Wait()
	if approved.Load() > 0 == (declined.Load() > 0) {
		t.Errorf("%d approvals and %d refusals", approved.Load(), declined.Load())
	}
	if n := c.Mails(t, string(c.ada.Email)); len(n) != 1 || (n[0].Kind == mail.LimitRequestApproved) != (approved.Load() > 0) {
		t.Errorf("%+v", n)
	}
	if got := c.listed(t, c.owner.Secret, ""); len(got) != 1 {
		t.Errorf("%v", got)
	}
}
