package deletion_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"roster/internal/access"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
)

func TestOnlyAnOwnerInPersonDeletes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Must(t, 200, "PUT "+w.path()+"/members/"+string(w.memberID), w.owner, map[string]any{"role": "admin"})
	right := map[string]any{"password": password, "confirm": "Acme"}
	for _, tt := range []struct {
		who, credential string
		body            any
		status          int
		code            string
	}{
		{"an admin", w.member, right, 403, "permission_denied"},
		{"an admin's key", w.memberKey, right, 403, "permission_denied"},
		{"an owner's key", w.ownerKey, right, 403, "session_required"},
		{"without a password", w.owner, map[string]any{"confirm": "Acme"}, 422, "invalid_input"},
		{"with a wrong password", w.owner, map[string]any{"password": "wrong", "confirm": "Acme"}, 403, "wrong_password"},
		{"without the name", w.owner, map[string]any{"password": password}, 422, "invalid_input"},
		{"with another name", w.owner, map[string]any{"password": password, "confirm": "acme"}, 422, "invalid_input"},
		{"without credential", "", right, 401, "credential_required"},
	} {
		if got := w.Must(t, tt.status, "DELETE "+w.path(), tt.credential, tt.body); got.Code() != tt.code {
			t.Errorf("%s: %s", tt.who, got.Raw)
		}
	}
	if got := w.status(t); got != organization.Active {
		t.Errorf("the organization is %s", got)
	}
	deleted := w.delete(t)
	if got := deleted.String("organization", "deletes_at"); got != w.Now().Add(30*24*time.Hour).Format(time.RFC3339) {
		t.Errorf("deletes_at is %s", got)
	}
	if again := w.delete(t); again.Header.Get("ETag") != deleted.Header.Get("ETag") {
		t.Error("a repeat changed something")
	}
}

func TestNobodyActsInAnOrganizationThatIsBeingDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(t)
	w.Must(t, 200, "POST /v1/authorize", w.memberKey, nil)
	root := w.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "root@example.com", "password": password, "name": "Root", "setup_token": rostertest.SetupToken}).String("access_token")
	w.delete(t)
	w.Advance(access.GateTTL)
	stranger := w.Must(t, 200, "POST /auth/login", "", map[string]any{"email": "removed@example.com", "password": password}).String("access_token")
	for _, tt := range []struct {
		request, credential string
		status              int
		code                string
	}{
		{"GET " + w.path(), w.member, 403, "organization_deleting"},
		{"GET " + w.path(), w.memberKey, 403, "organization_deleting"},
		{"GET " + w.path(), w.ownerKey, 403, "organization_deleting"},
		{"POST /v1/authorize", w.memberKey, 403, "organization_deleting"},
		{"POST /v1/authorize", w.owner, 403, "organization_deleting"},
		{"GET /v1/key", w.memberKey, 403, "organization_deleting"},
		{"POST /v1/usage", w.memberKey, 403, "organization_deleting"},
		{"POST " + w.path() + "/restore", w.member, 403, "organization_deleting"},
		{"POST " + w.path() + "/restore", w.ownerKey, 403, "organization_deleting"},
		{"PUT " + w.path(), w.owner, 403, "organization_deleting"},
		{"POST " + w.path() + "/keys", w.owner, 403, "organization_deleting"},
		{"POST " + w.path() + "/members/invite", w.owner, 403, "organization_deleting"},
		{"POST " + w.path() + "/members/leave", w.owner, 403, "organization_deleting"},
		{"GET " + w.path(), w.owner, 200, ""},
		{"GET " + w.path() + "/members", w.owner, 200, ""},
		{"GET " + w.path() + "/usage", w.owner, 200, ""},
		{"GET /auth/invitations/" + w.link, "", 403, "organization_deleting"},
		{"POST " + w.path() + "/join-requests", stranger, 404, "organization_not_found"},
		{"POST " + w.path() + "/suspend", root, 409, "organization_deleting"},
		{"POST " + w.path() + "/unsuspend", root, 409, "organization_deleting"},
	} {
		if got := w.Must(t, tt.status, tt.request, tt.credential, nil); got.Code() != tt.code {
			t.Errorf("%s: %s", tt.request, got.Raw)
		}
	}
	w.Refused(t, 403, "organization_deleting", "POST /auth/switch-org", w.member, map[string]any{"org_id": w.org})
	w.Must(t, 200, "POST /auth/switch-org", w.owner, map[string]any{"org_id": w.org})
	in := w.Must(t, 200, "POST /auth/login", "", map[string]any{"email": "member@example.com", "password": password})
	if in.OrganizationOf() != w.rival {
		t.Errorf("a member logs in to %s", in.Raw)
	}
	w.ownerToken(t)
	listed := w.Must(t, 200, "GET /auth/organizations", w.owner, nil)
	if got := listed.At("organizations").([]any)[0].(map[string]any); got["organization_status"] != "deleting" || got["deletes_at"] == nil {
		t.Errorf("%s", listed.Raw)
	}
	var shown map[string]any
	for _, row := range w.Must(t, 200, "GET /api/organizations", root, nil).At("organizations").([]any) {
		if row := row.(map[string]any); row["id"] == string(w.org) {
			shown = row
		}
	}
	if shown["status"] != "deleting" || shown["deletes_at"] == nil {
		t.Errorf("the platform administrator sees %v", shown)
	}
}

// TestRestoreBringsBackExactlyTheState: but for the version of the organization and
// the audit events of the two.
func TestRestoreBringsBackExactlyTheState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(t)
	before, rest := w.about(t, w.org), w.rest(t, w.org)
	w.delete(t)
	w.mustSweep(t)
	w.Advance(29 * 24 * time.Hour)
	w.mustSweep(t)
	w.Must(t, 200, "POST "+w.path()+"/restore", w.ownerToken(t), nil)
	w.mustSweep(t)
	after := w.about(t, w.org)
	for key := range after {
		if _, was := before[key]; !was && strings.HasPrefix(key.PK, "AU#") {
			delete(after, key)
		}
	}
	changing := cmpopts.IgnoreMapEntries(func(name string, _ any) bool { return name == "version" || name == "updated_at" })
	if diff := cmp.Diff(before, after, changing); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	for key := range w.rest(t, w.org) {
		if _, was := rest[key]; !was && !strings.HasPrefix(key.SK, "S#") {
			t.Errorf("new: %v", key)
		}
	}
	w.Must(t, 200, "POST /v1/authorize", w.memberKey, nil)
	if again := w.Must(t, 200, "POST "+w.path()+"/restore", w.ownerToken(t), nil); again.String("organization", "status") != "active" {
		t.Errorf("%s", again.Raw)
	}
}

// told counts the mails of a kind by their addresses.
func (w world) told(t *testing.T, kind mail.Kind) map[string]int {
	t.Helper()
	count := map[string]int{}
	for _, m := range w.Mails(t, "") {
		if m.Kind == kind {
			count[string(m.To)]++
		}
	}
	return count
}

func TestEveryoneHearsOnceThoughTheTellerIsKilledAnywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(t)
	const more = 120
	want := map[string]int{"owner@example.com": 1, "member@example.com": 1, "suspended@example.com": 1}
	for range more {
		want[w.add(t)] = 1
	}
	w.Advance(time.Second)
	w.delete(t)
	for at := 1; ; at++ {
		w.fuse.Set(at, at%2 == 0)
		err := w.sweep(t)
		if !w.fuse.Mend() {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	if diff := cmp.Diff(want, w.told(t, mail.OrganizationDeleting)); diff != "" {
		t.Errorf("(-want +told):\n%s", diff)
	}
	if m := w.LastMail(t, "member@example.com"); m.Data.Organization != "Acme" || m.Data.Actor != "Olivia" || m.Data.ExpiresAt.IsZero() {
		t.Errorf("%+v", m.Data)
	}
	w.Must(t, 200, "POST "+w.path()+"/restore", w.owner, nil)
	w.mustSweep(t)
	if diff := cmp.Diff(want, w.told(t, mail.OrganizationRestored)); diff != "" {
		t.Errorf("(-want +told of the restoration):\n%s", diff)
	}
}

// add stores a member of Acme, and returns the address.
func (w world) add(t *testing.T) string {
	t.Helper()
	return string(membertest.Add(t, w.Roster, member.Member{Organization: w.org, Role: permission.Member}).Email)
}

// TestWhoHeardOfTheDeletionHearsOfTheRestoration, and nobody else does.
func TestWhoHeardOfTheDeletionHearsOfTheRestoration(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ calls int }{"nobody": {0}, "some": {7}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for range 150 {
				w.add(t)
			}
			w.delete(t)
			if tt.calls > 0 {
				w.fuse.Set(tt.calls, false)
				_ = w.sweep(t)
				w.fuse.Mend()
			}
			told := w.told(t, mail.OrganizationDeleting)
			if len(told) > 150 || tt.calls > 0 && len(told) == 0 {
				t.Fatalf("%d were told", len(told))
			}
			w.Must(t, 200, "POST "+w.path()+"/restore", w.owner, nil)
			w.mustSweep(t)
			if diff := cmp.Diff(told, w.told(t, mail.OrganizationDeleting)); diff != "" {
				t.Errorf("told of the deletion after the restoration:\n%s", diff)
			}
			if diff := cmp.Diff(told, w.told(t, mail.OrganizationRestored)); diff != "" {
				t.Errorf("(-deletion +restoration):\n%s", diff)
			}
		})
	}
}

func TestNothingIsErasedBeforeTheGraceIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(t)
	w.delete(t)
	w.mustSweep(t)
	before := w.about(t, w.org)
	w.Advance(30*24*time.Hour - time.Second)
	w.mustSweep(t)
	if diff := cmp.Diff(before, w.about(t, w.org)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	w.Advance(time.Second)
	w.Refused(t, 410, "organization_deleted", "POST "+w.path()+"/restore", w.ownerToken(t), nil)
}

// checkErased expects of Acme one audit event, and everything else to be there.
func (w world) checkErased(t *testing.T, rest map[table.Key]map[string]any) {
	t.Helper()
	var events int
	for key, item := range w.about(t, w.org) {
		if item["action"] == "organization.erased" {
			events++
			continue
		}
		if item["ttl"] == nil {
			t.Errorf("%v is left: %v", key, item)
		}
	}
	if events != 1 {
		t.Errorf("%d audit events of the erasure", events)
	}
	if diff := cmp.Diff(rest, w.rest(t, w.org)); diff != "" {
		t.Errorf("beside the organization (-before +after):\n%s", diff)
	}
	for key := range w.DumpItems(t) {
		if key.SK == "M#"+string(w.org) {
			t.Errorf("an account still lists the organization: %v", key)
		}
	}
}

func TestAfterTheGraceAllIsErased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(t)
	w.delete(t)
	w.mustSweep(t)
	w.Advance(organization.Grace)
	rest := w.rest(t, w.org)
	w.mustSweep(t)
	w.checkErased(t, rest)
	w.mustSweep(t)
	w.checkErased(t, rest)
	w.Refused(t, 401, "invalid_key", "GET /v1/key", w.memberKey, nil)
	in := w.Must(t, 200, "POST /auth/login", "", map[string]any{"email": "member@example.com", "password": password})
	if in.OrganizationOf() != w.rival {
		t.Errorf("the person logs in to %s", in.Raw)
	}
	w.Refused(t, 404, "organization_not_found", "POST /auth/login", "", map[string]any{"email": "owner@example.com", "password": password, "org_id": w.org})
	if in := w.Must(t, 200, "POST /auth/login", "", map[string]any{"email": "owner@example.com", "password": password}); in.At("organization") != nil {
		t.Errorf("the owner logs in to %s", in.Raw)
	}
}

// TestErasureGoesOnWhereItWasKilled ends each run at one of its calls of DynamoDB,
// the next run at a later one.
func TestErasureGoesOnWhereItWasKilled(t *testing.T) {
	t.Parallel()
	for _, through := range []bool{false, true} {
		w := newWorld(t)
		w.fill(t)
		w.delete(t)
		w.mustSweep(t)
		w.Advance(organization.Grace)
		rest := w.rest(t, w.org)
		runs := 0
		for at := 1; ; at++ {
			if runs++; at > 30 {
				at += 40 // most calls then only find a partition empty
			}
			w.fuse.Set(at, through)
			err := w.sweep(t)
			if !w.fuse.Mend() {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
		}
		if runs < 30 {
			t.Errorf("only %d runs were killed", runs-1)
		}
		w.checkErased(t, rest)
	}
}

// TestRestoreAtTheLastMoment: restoration and erasure at once leave the whole
// organization or nothing of it.
func TestRestoreAtTheLastMoment(t *testing.T) {
	t.Parallel()
	for range 4 {
		w := newWorld(t)
		w.delete(t)
		w.mustSweep(t)
		w.Advance(organization.Grace - time.Nanosecond)
		token := w.ownerToken(t)
		var (
			all      sync.WaitGroup
			restored rostertest.Response
		)
		all.Go(func() { restored = w.Call(t, "POST "+w.path()+"/restore", token, nil) })
		w.Advance(time.Nanosecond)
		all.Go(func() {
			if err := w.sweep(t); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		w.mustSweep(t)
		o, err := organization.Get(t.Context(), w.Table, w.org)
		switch {
		case err != nil:
			t.Fatal(err)
		case restored.Status == 200 && (o == nil || o.Status != organization.Active):
			t.Errorf("restored, and yet %v", o)
		case restored.Status != 200 && o != nil:
			t.Errorf("%s, and yet %v", restored.Raw, o.Status)
		}
		if restored.Status == 200 {
			w.Must(t, 200, "GET "+w.path(), w.memberKey, nil)
		}
	}
}

func TestOnlyWhatIsDueCosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 20 {
		membertest.Found(t, w.Roster)
	}
	ctx, capacity := table.WithCapacity(t.Context())
	if err := w.sweepIn(ctx); err != nil {
		t.Fatal(err)
	}
	if read, write := capacity.Units(); read > 0.5 || write > 0 {
		t.Errorf("a run with nothing to do takes %.1f RRU and %.1f WRU", read, write)
	}
}
