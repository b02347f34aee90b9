package member_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/rostertest"
)

// expire runs the scheduled function.
func expire(t *testing.T, r *rostertest.Roster) {
	t.Helper()
	if err := (member.Service{Env: r.Env}).Expire(t.Context(), events.EventBridgeEvent{}); err != nil {
		t.Fatal(err)
	}
}

// recorded are the actions in the audit log of what Roster did to a member by itself.
func recorded(t *testing.T, r *rostertest.Roster, m membertest.Member) (actions []string) {
	t.Helper()
	for key, item := range r.DumpItems(t) {
		actor, _ := item["actor"].(map[string]any)
		if strings.HasPrefix(key.PK, "AU#"+string(m.Organization)) && item["target"] == string(m.ID) && actor["kind"] == "system" {
			actions = append(actions, item["action"].(string))
		}
	}
	slices.Sort(actions)
	return actions
}

// mailed counts the mails of each kind to a member.
func mailed(t *testing.T, r *rostertest.Roster, m membertest.Member) map[mail.Kind]int {
	t.Helper()
	kinds := map[mail.Kind]int{}
	for _, mail := range r.Mails(t, string(m.Email)) {
		kinds[mail.Kind]++
	}
	return kinds
}

// due counts what function expire would look at, now or later.
func due(t *testing.T, r *rostertest.Roster) (n int) {
	t.Helper()
	for key := range r.DumpItems(t) {
		if _, _, ok := key.Due(); ok {
			n++
		}
	}
	return n
}

func TestAnEndDateBitesAtItsInstant(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints)
	owner := membertest.Found(t, r)
	ada := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: "member", Name: "Ada"})
	ends := r.Now().Add(30 * 24 * time.Hour)
	set := r.Must(t, 200, "PUT "+path(ada), owner.Secret, map[string]any{"ends_at": ends})
	if got := set.String("member", "ends_at"); got != ends.Format(time.RFC3339) {
		t.Errorf("ends_at %q", got)
	}
	for _, listed := range r.Must(t, 200, "GET "+members(owner), owner.Secret, nil).At("members").([]any) {
		if row := listed.(map[string]any); row["user_id"] == string(ada.ID) && row["ends_at"] != ends.Format(time.RFC3339) {
			t.Errorf("listed: %v", row)
		}
	}
	r.Advance(23 * 24 * time.Hour)
	expire(t, r)
	expire(t, r)
	if got := mailed(t, r, ada)[mail.MembershipEnding]; got != 1 {
		t.Errorf("%d reminders a week before", got)
	}
	if got := r.LastMail(t, string(owner.Email)); got.Kind != mail.MembershipEnding || got.Data.Member != "Ada" {
		t.Errorf("whoever set the date hears %+v", got)
	}
	r.Advance(7*24*time.Hour - time.Nanosecond)
	r.Must(t, 200, "GET "+path(ada), ada.Secret, nil)
	r.Advance(time.Nanosecond)
	r.Refused(t, 403, "membership_ended", "GET "+path(ada), ada.Secret, nil)
	if got := r.Must(t, 200, "GET "+path(ada), owner.Secret, nil).String("member", "status"); got != "ended" {
		t.Errorf("status %q before the function ran", got)
	}
	r.Refused(t, 409, "membership_ended", "PUT "+path(ada), owner.Secret, map[string]any{"alias": "A"})
	r.Must(t, 200, "PUT "+path(ada), owner.Secret, map[string]any{"ends_at": r.Now().Add(time.Hour), "alias": "A"})
	r.Must(t, 200, "GET "+path(ada), ada.Secret, nil)
	r.Advance(time.Hour)
	expire(t, r)
	expire(t, r)
	gone := r.Must(t, 200, "GET "+path(ada), owner.Secret, nil)
	if gone.String("member", "status") != "removed" || gone.At("member", "keys") != 0.0 || gone.At("member", "ends_at") != nil {
		t.Errorf("after the function: %s", gone.Raw)
	}
	r.Refused(t, 401, "invalid_key", "GET "+path(ada), ada.Secret, nil)
	if got := recorded(t, r, ada); !slices.Equal(got, []string{"member.removed"}) {
		t.Errorf("audit log: %v", got)
	}
	if got := mailed(t, r, ada); got[mail.Removed] != 1 || got[mail.MembershipEnding] != 1 {
		t.Errorf("mails %v, want a reminder and a farewell", got)
	}
	if n := due(t, r); n != 0 {
		t.Errorf("%d things are due still", n)
	}
}

func TestAnEndDateIsADayWhereTheOrganizationIs(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints)
	owner := membertest.Found(t, r)
	ada := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: "member"})
	for zone, days := range map[string]map[string]string{
		"UTC":                 {"2026-12-31": "2027-01-01T00:00:00Z"},
		"Europe/Berlin":       {"2026-12-31": "2026-12-31T23:00:00Z", "2027-03-28": "2027-03-28T22:00:00Z", "2027-10-31": "2027-10-31T23:00:00Z"},
		"America/Los_Angeles": {"2026-12-31": "2027-01-01T08:00:00Z", "2027-03-14": "2027-03-15T07:00:00Z"},
		// On 2027-09-05 Santiago's clocks go from 00:00 to 01:00: the day before ends there.
		"America/Santiago": {"2027-09-04": "2027-09-05T04:00:00Z", "2027-09-05": "2027-09-06T03:00:00Z"},
	} {
		membertest.SetTimeZone(t, r, owner.Organization, zone)
		for day, want := range days {
			set := r.Must(t, 200, "PUT "+path(ada), owner.Secret, map[string]any{"ends_at": day})
			if got := set.String("member", "ends_at"); got != want {
				t.Errorf("%s ends in %s at %s, want %s", day, zone, got, want)
			}
		}
	}
	for _, wrong := range []any{"2026-11-21", r.Now(), "2126-12-31", "31.12.2026", "2026-02-30", "9999-12-31"} {
		refused := r.Call(t, "PUT "+path(ada), owner.Secret, map[string]any{"ends_at": wrong})
		if refused.Status != 422 {
			t.Errorf("%v: %d %s", wrong, refused.Status, refused.Raw)
		}
	}
	if n := due(t, r); n != 1 {
		t.Errorf("%d things are due of one member", n)
	}
}

func TestOwnersDoNotEnd(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints)
	owner := membertest.Found(t, r)
	second := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: "owner"})
	ada := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: "admin"})
	later := r.Now().Add(time.Hour)
	r.Refused(t, 409, "owner_cannot_end", "PUT "+path(second), owner.Secret, map[string]any{"ends_at": later})
	r.Refused(t, 409, "owner_cannot_end", "POST "+path(second)+"/suspend", owner.Secret, map[string]any{"from": later})
	r.Must(t, 200, "PUT "+path(ada), owner.Secret, map[string]any{"ends_at": later})
	r.Refused(t, 409, "owner_cannot_end", "PUT "+path(ada), owner.Secret, map[string]any{"role": "owner"})
	r.Must(t, 200, "PUT "+path(ada), owner.Secret, map[string]any{"role": "owner", "ends_at": nil})
	r.Refused(t, 403, "not_oneself", "PUT "+path(ada), ada.Secret, map[string]any{"role": "admin", "ends_at": later})
	r.Must(t, 200, "POST "+path(second)+"/suspend", owner.Secret, map[string]any{"until": later})
	if counted, found := owners(t, r, owner, second, ada); counted != 2 || found != 2 {
		t.Errorf("%d owners counted, %d found", counted, found)
	}
	r.Advance(time.Hour)
	r.Must(t, 200, "GET "+path(second), second.Secret, nil)
	expire(t, r)
	if counted, found := owners(t, r, owner, second, ada); counted != 3 || found != 3 {
		t.Errorf("%d owners counted, %d found after the suspension", counted, found)
	}
}

func TestASuspensionBeginsAndEndsByItself(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints)
	owner := membertest.Found(t, r)
	ada := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: "member"})
	from, until := r.Now().Add(time.Hour), r.Now().Add(3*time.Hour)
	suspend := "POST " + path(ada) + "/suspend"
	r.Refused(t, 422, "invalid_input", suspend, owner.Secret, map[string]any{"from": r.Now()})
	r.Refused(t, 422, "invalid_input", suspend, owner.Secret, map[string]any{"from": from, "until": from})
	r.Refused(t, 422, "invalid_input", "PUT "+path(ada), owner.Secret, map[string]any{"suspended_from": from})
	planned := r.Must(t, 200, suspend, owner.Secret, map[string]any{"reason": "Leave", "from": from, "until": until})
	if planned.String("member", "scheduled_suspension", "from") != from.Format(time.RFC3339) || planned.String("member", "status") != "active" {
		t.Errorf("planned: %s", planned.Raw)
	}
	r.Must(t, 200, "POST "+path(ada)+"/unsuspend", owner.Secret, nil)
	r.Must(t, 200, "PUT "+path(ada), owner.Secret, map[string]any{"status": "suspended", "suspension_reason": "Leave", "suspended_from": from, "suspended_until": until})
	r.Must(t, 200, "PUT "+path(ada), owner.Secret, map[string]any{"suspended_from": nil})
	if again := r.Must(t, 200, "GET "+path(ada), owner.Secret, nil); again.At("member", "scheduled_suspension") != nil {
		t.Errorf("called off: %s", again.Raw)
	}
	r.Must(t, 200, suspend, owner.Secret, map[string]any{"reason": "Leave", "from": from, "until": until})
	r.Advance(time.Hour - time.Nanosecond)
	r.Must(t, 200, "GET "+path(ada), ada.Secret, nil)
	r.Advance(time.Nanosecond)
	r.Refused(t, 403, "member_suspended", "GET "+path(ada), ada.Secret, nil)
	r.Advance(2 * time.Hour)
	r.Must(t, 200, "GET "+path(ada), ada.Secret, nil) // no function has run
	expire(t, r)
	expire(t, r)
	if got := recorded(t, r, ada); !slices.Equal(got, []string{"member.suspended", "member.unsuspended"}) {
		t.Errorf("audit log: %v", got)
	}
	if got := mailed(t, r, ada); got[mail.Suspended] != 1 || got[mail.Unsuspended] != 1 {
		t.Errorf("mails %v", got)
	}
	now := r.Must(t, 200, suspend, owner.Secret, map[string]any{"until": r.Now().Add(time.Hour)})
	if now.String("member", "suspension", "until") == "" {
		t.Errorf("suspended: %s", now.Raw)
	}
	r.Refused(t, 409, "wrong_status", suspend, owner.Secret, map[string]any{"from": r.Now().Add(time.Hour)})
	r.Must(t, 200, "PUT "+path(ada), owner.Secret, map[string]any{"suspended_until": nil})
	r.Advance(time.Hour)
	r.Refused(t, 403, "member_suspended", "GET "+path(ada), ada.Secret, nil)
	if n := due(t, r); n != 0 {
		t.Errorf("%d things are due still", n)
	}
}

// TestWhoChangesAMemberChangesThemAsTheyStand though the function has not run: what
// changed by itself before is recorded before.
func TestWhoChangesAMemberChangesThemAsTheyStand(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints)
	owner := membertest.Found(t, r)
	ada := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: "member"})
	r.Must(t, 200, "POST "+path(ada)+"/suspend", owner.Secret, map[string]any{"from": r.Now().Add(time.Hour)})
	r.Advance(2 * time.Hour)
	tried := r.Must(t, 200, "PUT "+members(owner)+"/bulk?dry_run=true", owner.Secret, map[string]any{"user_ids": []any{ada.ID}, "changes": map[string]any{"status": "suspended"}})
	if tried.At("results").([]any)[0].(map[string]any)["status"] != "unchanged" || len(recorded(t, r, ada)) != 0 {
		t.Errorf("rehearsed: %s, recorded %v", tried.Raw, recorded(t, r, ada))
	}
	r.Must(t, 200, "PUT "+members(owner)+"/bulk", owner.Secret, map[string]any{"user_ids": []any{ada.ID}, "changes": map[string]any{"status": "active", "ends_at": "2026-12-31"}})
	if got := recorded(t, r, ada); !slices.Equal(got, []string{"member.suspended"}) {
		t.Errorf("audit log: %v", got)
	}
	r.Must(t, 200, "GET "+path(ada), ada.Secret, nil)
}

// TestTheFunctionMayBeCutOffAtAnyCall of the storage: what it did is there once when
// it has run again.
func TestTheFunctionMayBeCutOffAtAnyCall(t *testing.T) {
	t.Parallel()
	fuse := new(rostertest.Fuse)
	r := rostertest.NewWith(t, func(next http.RoundTripper) http.RoundTripper { fuse.Next = next; return fuse }, member.Endpoints, offboarding.Endpoints)
	for at := 1; ; at++ {
		owner := membertest.Found(t, r)
		ada := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: "member"})
		eve := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: "member"})
		r.Must(t, 200, "POST "+path(ada)+"/suspend", owner.Secret, map[string]any{"from": r.Now().Add(time.Hour), "until": r.Now().Add(2 * time.Hour)})
		r.Must(t, 200, "PUT "+path(ada), owner.Secret, map[string]any{"ends_at": r.Now().Add(3 * time.Hour)})
		r.Must(t, 200, "PUT "+path(eve), owner.Secret, map[string]any{"ends_at": r.Now().Add(24 * time.Hour)})
		r.Advance(3 * time.Hour)
		fuse.Set(at, at%2 == 0)
		_ = (member.Service{Env: r.Env}).Expire(t.Context(), events.EventBridgeEvent{}) // some calls are made again by the SDK
		blown := fuse.Mend()
		expire(t, r)
		expire(t, r)
		if got := recorded(t, r, ada); !slices.Equal(got, []string{"member.removed", "member.suspended", "member.unsuspended"}) {
			t.Errorf("cut off at call %d: %v", at, got)
		}
		if got := mailed(t, r, ada); got[mail.Suspended] != 1 || got[mail.Unsuspended] != 1 || got[mail.Removed] != 1 {
			t.Errorf("cut off at call %d: mails %v", at, got)
		}
		if got := mailed(t, r, eve)[mail.MembershipEnding]; got != 1 {
			t.Errorf("cut off at call %d: %d reminders", at, got)
		}
		r.Must(t, 200, "DELETE "+path(eve), owner.Secret, nil)
		if !blown {
			break
		}
	}
	if n := due(t, r); n != 0 {
		t.Errorf("%d things are due still", n)
	}
}

// life is a member as a clock that ticks from hour to hour has them.
type life struct {
	suspended, planned, removed bool
	from, until, ends           int // hours; 0 is none
	began, ended                int // how often a suspension did so by itself
}

func (l *life) tick(hour int) {
	if l.removed {
		return
	}
	switch {
	case l.planned && hour == l.from:
		l.suspended, l.planned, l.began = true, false, l.began+1
	case l.suspended && hour == l.until:
		l.suspended, l.ended = false, l.ended+1
	}
}

// TestSchedules lets an owner plan whatever they like, the clock go on and the
// function run or not: at every hour a member stands as was planned, and in the end
// each change is recorded and told once.
func TestSchedules(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints)
	rapid.Check(t, func(rt *rapid.T) {
		owner := membertest.Found(t, r)
		ada := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: "member"})
		start, hour := r.Now(), 0
		var l life
		at := func(hour int) time.Time { return start.Add(time.Duration(hour) * time.Hour) }
		over := func() bool { return l.ends > 0 && l.ends <= hour }
		put := func(body map[string]any) bool {
			answer := r.Call(t, "PUT "+path(ada), owner.Secret, body)
			if answer.Status != 200 && answer.Status != 409 {
				rt.Fatalf("%v: %s", body, answer.Raw)
			}
			return answer.Status == 200
		}
		for range rapid.IntRange(1, 10).Draw(rt, "steps") {
			in := rapid.IntRange(1, 5).Draw(rt, "in")
			possible := !l.removed && !over()
			switch verb := rapid.SampledFrom([]string{"wait", "sweep", "end", "endless", "plan", "pause", "resume"}).Draw(rt, "verb"); verb {
			case "wait":
				for range in {
					hour++
					r.Advance(time.Hour)
					l.tick(hour)
				}
			case "sweep":
				expire(t, r)
				l.removed = l.removed || over()
			case "end", "endless":
				body := map[string]any{"ends_at": nil}
				if verb == "end" {
					body["ends_at"] = at(hour + in)
				}
				if done := put(body); done != !l.removed {
					rt.Fatalf("%s: %t", verb, done)
				}
				if !l.removed {
					l.ends = 0
					if verb == "end" {
						l.ends = hour + in
					}
				}
			case "plan":
				if done := put(map[string]any{"status": "suspended", "suspended_from": at(hour + in), "suspended_until": at(hour + 2*in)}); done != (possible && !l.suspended) {
					rt.Fatalf("plan: %t of %+v", done, l)
				} else if done {
					l.planned, l.from, l.until = true, hour+in, hour+2*in
				}
			case "pause":
				if done := put(map[string]any{"status": "suspended", "suspended_until": at(hour + in)}); done != possible {
					rt.Fatalf("pause: %t of %+v", done, l)
				} else if done {
					l.suspended, l.planned, l.until = true, false, hour+in
				}
			case "resume":
				if done := put(map[string]any{"status": "active"}); done != possible {
					rt.Fatalf("resume: %t of %+v", done, l)
				} else if done {
					l.suspended, l.planned = false, false
				}
			}
			want := map[bool]string{true: "member_suspended", false: ""}[l.suspended]
			switch {
			case l.removed:
				want = "invalid_key"
			case over():
				want = "membership_ended"
			}
			if got := r.Call(t, "GET "+path(ada), ada.Secret, nil).Code(); got != want {
				rt.Fatalf("hour %d: %q, want %q of %+v", hour, got, want, l)
			}
		}
		expire(t, r)
		l.removed = l.removed || over()
		var want []string
		if l.removed {
			want = append(want, "member.removed")
		}
		if !over() { // else it depends on when the function ran what of it there was to be
			want = append(want, slices.Repeat([]string{"member.suspended"}, l.began)...)
			want = append(want, slices.Repeat([]string{"member.unsuspended"}, l.ended)...)
			if got := recorded(t, r, ada); !slices.Equal(got, want) {
				rt.Fatalf("recorded %v, want %v", got, want)
			}
		}
		if removed := mailed(t, r, ada)[mail.Removed]; removed != len(slices.DeleteFunc(recorded(t, r, ada), func(a string) bool { return a != "member.removed" })) {
			rt.Fatalf("%d farewells", removed)
		}
	})
}
