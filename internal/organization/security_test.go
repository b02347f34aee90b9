package organization_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"roster/internal/deletion"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
)

func TestSecurityMerges(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, organization.Endpoints)
	owner := membertest.Found(t, r)
	admin := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Admin})
	membertest.Change(t, r, owner.Organization, owner.ID, func(m *member.Member) { m.TwoFactor = true })
	security := path(owner) + "/security"
	first := r.Must(t, 200, "GET "+security, admin.Secret, nil)
	if got, want := fmt.Sprint(first.At("security")), "map[allowed_email_domains:[] idle_minutes:<nil> password_min_length:8 "+
		"require_two_factor:false session_hours:<nil> two_factor_grace_days:0]"; got != want {
		t.Errorf("by default %s, want %s", got, want)
	}
	r.Refused(t, 403, "permission_denied", "PUT "+security, admin.Secret, map[string]any{"session_hours": 8})
	r.Refused(t, 412, "version_mismatch", "PUT "+security, owner.Secret, map[string]any{"session_hours": 8}, "If-Match", `"77"`)
	changed := r.Must(t, 200, "PUT "+security, owner.Secret, map[string]any{
		"require_two_factor": true, "two_factor_grace_days": 7, "session_hours": 8, "idle_minutes": 15,
		"password_min_length": 12, "allowed_email_domains": []string{"ACME.com", "gmail.com"},
	}, "If-Match", first.Header.Get("ETag"))
	if got, want := fmt.Sprint(changed.At("security")), "map[allowed_email_domains:[acme.com gmail.com] idle_minutes:15 password_min_length:12 "+
		"require_two_factor:true session_hours:8 two_factor_grace_days:7 two_factor_required_from:2026-11-29T10:00:00Z]"; got != want {
		t.Errorf("changed to %s, want %s", got, want)
	}
	r.Advance(time.Hour)
	same := r.Must(t, 200, "PUT "+security, owner.Secret, map[string]any{"require_two_factor": true, "session_hours": 8})
	if same.Header.Get("ETag") != changed.Header.Get("ETag") || string(same.Raw) != string(changed.Raw) {
		t.Errorf("a repeat changed something: %s", same.Raw)
	}
	weakened := r.Must(t, 200, "PUT "+security, owner.Secret, map[string]any{
		"require_two_factor": nil, "two_factor_grace_days": nil, "session_hours": nil, "idle_minutes": nil, "password_min_length": nil, "allowed_email_domains": nil})
	if got, want := fmt.Sprint(weakened.At("security")), fmt.Sprint(first.At("security")); got != want {
		t.Errorf("null is %s, want %s", got, want)
	}
	items, err := r.Table.QueryAll(t.Context(), table.Query{PK: table.AuditEvent(owner.Organization, "2026-11", "").PK})
	if err != nil || len(items) != 2 {
		t.Fatalf("%d events (%v), want 2", len(items), err)
	}
	for _, wrong := range []map[string]any{
		{"session_hours": 0}, {"session_hours": 721}, {"session_hours": 1.5}, {"idle_minutes": 14}, {"idle_minutes": 43201}, {"password_min_length": 7},
		{"password_min_length": 65}, {"two_factor_grace_days": -1}, {"two_factor_grace_days": 91}, {"allowed_email_domains": []string{"acme"}},
		{"allowed_email_domains": make([]string, 51)}, {"require_two_factor": "yes"},
	} {
		if got := r.Call(t, "PUT "+security, owner.Secret, wrong); got.Status != 400 && got.Status != 422 {
			t.Errorf("%v: %s", wrong, got.Raw)
		}
	}
}

// TestWhoRequiresTwoFactorHasIt, so that nobody locks themselves out; and the others
// hear of it.
func TestWhoRequiresTwoFactorHasIt(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, organization.Endpoints, deletion.Endpoints)
	owner := membertest.Found(t, r)
	security := path(owner) + "/security"
	const people = 60
	var without []membertest.Member
	for range people {
		without = append(without, membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member}))
	}
	secured := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member, TwoFactor: true})
	bot := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Gateway, Kind: member.ServiceAccount, Name: "Bot"})
	r.Refused(t, 409, "own_two_factor_required", "PUT "+security, owner.Secret, map[string]any{"require_two_factor": true, "session_hours": 8})
	if got := r.Must(t, 200, "GET "+security, owner.Secret, nil); got.At("security", "session_hours") != nil {
		t.Errorf("a refused patch changed something: %s", got.Raw)
	}
	membertest.Change(t, r, owner.Organization, owner.ID, func(m *member.Member) { m.TwoFactor = true })
	r.Must(t, 200, "PUT "+security, owner.Secret, map[string]any{"require_two_factor": true, "two_factor_grace_days": 1})
	sweep := func() {
		t.Helper()
		if err := (deletion.Service{Env: r.Env}).Sweep(t.Context(), events.EventBridgeEvent{}); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	sweep()
	told := map[string]int{}
	for _, m := range r.Mails(t, "") {
		if m.Kind != mail.TwoFactorRequired || !m.Data.ExpiresAt.Equal(r.Now().Add(24*time.Hour)) {
			t.Errorf("mail %s: %v", m.Kind, m.Data)
		}
		told[string(m.To)]++
	}
	for _, m := range without {
		if told[string(m.Email)] != 1 {
			t.Errorf("%s is told %d times", m.Email, told[string(m.Email)])
		}
	}
	if len(told) != people {
		t.Errorf("%d are told, want %d", len(told), people)
	}

	plain := without[0]
	r.Must(t, 200, "GET "+path(owner), plain.Secret, nil)
	r.Advance(24 * time.Hour)
	r.Refused(t, 403, "two_factor_required", "GET "+path(owner), plain.Secret, nil)
	r.Must(t, 200, "GET "+security, plain.Secret, nil)
	r.Must(t, 200, "GET "+path(owner), secured.Secret, nil)
	r.Must(t, 200, "GET "+path(owner), bot.Secret, nil)
	r.Must(t, 200, "PUT "+security, owner.Secret, map[string]any{"require_two_factor": false})
	r.Must(t, 200, "GET "+path(owner), plain.Secret, nil)
}

// TestARequirementThatIsDroppedIsNotTold, and a restoration under way is told first.
func TestARequirementThatIsDroppedIsNotTold(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, organization.Endpoints, deletion.Endpoints)
	owner := membertest.Found(t, r)
	plain := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	membertest.Change(t, r, owner.Organization, owner.ID, func(m *member.Member) { m.TwoFactor = true })
	require := func(on bool) {
		t.Helper()
		r.Must(t, 200, "PUT "+path(owner)+"/security", owner.Secret, map[string]any{"require_two_factor": on})
	}
	restoring := func() {
		t.Helper()
		o, err := organization.Get(t.Context(), r.Table, owner.Organization)
		if err != nil {
			t.Fatal(err)
		}
		_, save := organization.Save(*o, o.Restore(), r.Now())
		if err := r.Table.Transact(t.Context(), save); err != nil {
			t.Fatal(err)
		}
	}
	kinds := func() (all []mail.Kind) {
		t.Helper()
		for range 3 {
			if err := (deletion.Service{Env: r.Env}).Sweep(t.Context(), events.EventBridgeEvent{}); err != nil {
				t.Fatal(err)
			}
		}
		for _, m := range r.Mails(t, string(plain.Email)) {
			all = append(all, m.Kind)
		}
		r.Forget(t)
		return all
	}
	require(true)
	require(false)
	if got := kinds(); len(got) != 0 {
		t.Errorf("told %v", got)
	}
	restoring()
	require(true)
	if got := fmt.Sprint(kinds()); got != "[organization_restored two_factor_required]" {
		t.Errorf("told %s", got)
	}
	require(false)
	restoring()
	require(true)
	require(false)
	if got := fmt.Sprint(kinds()); got != "[organization_restored]" {
		t.Errorf("told %s", got)
	}
}
