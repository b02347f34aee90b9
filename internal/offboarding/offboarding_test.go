package offboarding_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/apikey"
	"roster/internal/connection"
	"roster/internal/id"
	"roster/internal/invitation"
	"roster/internal/job"
	"roster/internal/job/jobtest"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/route"
	"roster/internal/table"
	"roster/internal/team"
)

// world is an organization with an owner, an admin who leaves and one who takes over.
type world struct {
	*rostertest.Roster
	owner, leaver, heir, bob membertest.Member
}

func newWorld(t testing.TB) world {
	t.Helper()
	return newWorldWith(t, func(next http.RoundTripper) http.RoundTripper { return next })
}

func newWorldWith(t testing.TB, transport func(http.RoundTripper) http.RoundTripper) world {
	t.Helper()
	w := world{Roster: rostertest.NewWith(t, transport, member.Endpoints, offboarding.Endpoints, apikey.Endpoints,
		connection.Endpoints, invitation.Endpoints, team.Endpoints, job.Endpoints)}
	w.OpenSignUp = false // where it is open, the leaver would need a verified account
	w.owner = membertest.Found(t, w.Roster)
	w.leaver = w.add(t, permission.Admin)
	w.heir = w.add(t, permission.Admin)
	w.bob = w.add(t, permission.Member)
	return w
}

func (w world) add(t testing.TB, role string) membertest.Member {
	t.Helper()
	return membertest.Add(t, w.Roster, member.Member{Organization: w.owner.Organization, Role: role, Name: "Ada"})
}

func (w world) path(of string) string {
	return "/api/organizations/" + string(w.owner.Organization) + of
}

func (w world) member(m id.User) string { return w.path("/members/" + string(m)) }

// holdings are what the leaver shares with others.
type holdings struct {
	service, invitation, connection, team, key, served string
	link                                               string
}

// hold lets the leaver make one of everything.
func (w world) hold(t testing.TB) (h holdings) {
	t.Helper()
	by := w.leaver.Secret
	h.service = w.Must(t, 201, "POST "+w.path("/service-accounts"), by, map[string]any{"name": "gateway"}).String("member", "user_id")
	invited := w.Must(t, 201, "POST "+w.path("/members/invite"), by, map[string]any{"email": "new@example.com", "role": "member"})
	h.invitation, h.link = invited.String("invitation", "id"), w.LastMail(t, "new@example.com").LinkToken()
	h.connection = w.Must(t, 201, "POST "+w.path("/connections"), by,
		map[string]any{"name": "Main", "provider": "openai", "credential": "a-credential-of-openai"}).String("connection", "id")
	h.team = w.Must(t, 201, "POST "+w.path("/teams"), by, map[string]any{"name": "Backend"}).String("team", "id")
	w.Must(t, 200, "PUT "+w.path("/teams/"+h.team+"/members/"+string(w.leaver.ID)), by, map[string]any{"role": "manager"})
	h.key = w.Must(t, 201, "POST "+w.path("/keys"), by, map[string]any{"name": "bob's", "user_id": w.bob.ID}).String("key", "id")
	made := w.Must(t, 201, "POST "+w.path("/keys"), by, map[string]any{"name": "served", "user_id": h.service})
	h.served = made.String("key", "id")
	return h
}

// holders is who holds each of them.
func (w world) holders(t testing.TB, h holdings) map[string]string {
	t.Helper()
	found := map[string]string{
		"service": w.Must(t, 200, "GET "+w.member(id.User(h.service)), w.owner.Secret, nil).String("member", "responsible"),
	}
	for _, one := range w.Must(t, 200, "GET "+w.path("/invitations"), w.owner.Secret, nil).At("invitations").([]any) {
		found["invitation"] = one.(map[string]any)["invited_by"].(map[string]any)["user_id"].(string)
	}
	for _, one := range w.Must(t, 200, "GET "+w.path("/connections"), w.owner.Secret, nil).At("connections").([]any) {
		found["connection"] = one.(map[string]any)["created_by"].(string)
	}
	for _, m := range []membertest.Member{w.leaver, w.heir} {
		read, err := member.Get(t.Context(), w.Table, m.Organization, m.ID)
		if err != nil {
			t.Fatal(err)
		}
		if read.Teams[id.Team(h.team)] == access.TeamManager {
			found["team"] += string(m.ID)
		}
	}
	return found
}

func everything(of id.User) map[string]string {
	who := string(of)
	return map[string]string{"service": who, "invitation": who, "connection": who, "team": who}
}

// orphaned reports whether a service account is shown as one for which nobody answers.
func (w world) orphaned(t testing.TB, service string) bool {
	t.Helper()
	orphaned, _ := w.Must(t, 200, "GET "+w.member(id.User(service)), w.owner.Secret, nil).At("member", "orphaned").(bool)
	return orphaned
}

func fates(t testing.TB, answer rostertest.Response) map[string]string {
	t.Helper()
	all := map[string]string{}
	for kind, one := range answer.At("preview").(map[string]any) {
		if of, ok := one.(map[string]any); ok {
			all[kind] = fmt.Sprint(of["count"], " ", of["fate"])
		}
	}
	for _, one := range answer.At("preview", "teams").([]any) {
		all["teams"] += fmt.Sprint(one.(map[string]any)["role"], " ", one.(map[string]any)["fate"])
	}
	return all
}

func TestAPreviewShowsWhatARemovalDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hold(t)
	w.Arrange(t)
	before := w.DumpItems(t)
	want := map[string]string{
		"keys": "1 revoked", "sessions": "0 revoked", "service_accounts": "1 orphaned", "made_keys": "2 orphaned",
		"invitations": "1 orphaned", "connections": "1 orphaned", "personal_connections": "0 stays", "teams": "manager orphaned",
	}
	remove := "DELETE " + w.member(w.leaver.ID) + "?preview=true"
	if diff := cmp.Diff(want, fates(t, w.Must(t, 200, remove, w.owner.Secret, nil))); diff != "" {
		t.Errorf("without a successor:\n%s", diff)
	}
	for _, moved := range []string{"service_accounts", "invitations", "connections"} {
		want[moved] = "1 transferred"
	}
	want["teams"], want["made_keys"] = "manager transferred", "2 revoked"
	answer := w.Must(t, 200, remove+"&transfer_to="+string(w.heir.ID)+"&revoke_made_keys=true", w.owner.Secret, nil)
	if diff := cmp.Diff(want, fates(t, answer)); diff != "" {
		t.Errorf("with one:\n%s", diff)
	}
	if !slices.Equal(slices.Sorted(keysOf(before)), slices.Sorted(keysOf(w.DumpItems(t)))) {
		t.Error("a preview wrote something")
	}
	if strings.Contains(string(answer.Raw), "digest") || strings.Contains(string(answer.Raw), "secret\"") {
		t.Errorf("a secret is shown: %s", answer.Raw)
	}
	w.Refused(t, 409, "last_owner", "DELETE "+w.member(w.owner.ID)+"?preview=true", w.owner.Secret, nil)
	w.Refused(t, 403, "outranked", "DELETE "+w.member(w.owner.ID)+"?preview=true", w.heir.Secret, nil)
}

func keysOf(all map[table.Key]map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key, item := range all {
			if !yield(fmt.Sprint(key, item["version"])) {
				return
			}
		}
	}
}

func TestWhatALeaverSharesIsHandedOver(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"listed": false, "not listed yet": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			h := w.hold(t)
			if !late {
				w.Arrange(t)
			}
			remove := "DELETE " + w.member(w.leaver.ID)
			answer := w.Must(t, 200, remove, w.owner.Secret, map[string]any{"transfer_to": w.heir.ID})
			if answer.String("member", "status") != "removed" || answer.String("member", "successor") != string(w.heir.ID) {
				t.Errorf("%s", answer.Raw)
			}
			if w.orphaned(t, h.service) {
				t.Error("nobody answers for the service account")
			}
			if late {
				w.Arrange(t)
				answer = w.Must(t, 200, remove+"?transfer_to="+string(w.heir.ID), w.owner.Secret, nil)
			}
			if got := answer.At("handed_over", "service_accounts"); got != 1.0 {
				t.Errorf("handed over %s", answer.Raw)
			}
			if diff := cmp.Diff(everything(w.heir.ID), w.holders(t, h)); diff != "" {
				t.Errorf("%s", diff)
			}
			before := len(w.DumpItems(t))
			again := w.Must(t, 200, remove+"?transfer_to="+string(w.heir.ID), w.owner.Secret, nil)
			if again.At("handed_over", "service_accounts") != 0.0 || len(w.DumpItems(t)) != before {
				t.Errorf("a repeat changed something: %s", again.Raw)
			}
			// Shared keys go on, the leaver's own are revoked.
			if bob := w.Must(t, 200, "GET "+w.member(w.bob.ID), w.owner.Secret, nil); bob.At("member", "keys") != 2.0 {
				t.Errorf("%s", bob.Raw)
			}
			w.Refused(t, 401, "invalid_key", "GET "+w.path("/members"), w.leaver.Secret, nil)
			w.Must(t, 200, "POST /auth/accept-invite", "", map[string]any{"token": h.link, "password": "correct horse battery staple", "name": "New"})
		})
	}
}

// TestAnInvitationIsAcceptedByTheSuccessorsRight also where it was never handed over:
// the list came too late.
func TestAnInvitationIsAcceptedByTheSuccessorsRight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.hold(t)
	w.Must(t, 200, "DELETE "+w.member(w.leaver.ID)+"?transfer_to="+string(w.heir.ID), w.owner.Secret, nil)
	w.Must(t, 200, "POST /auth/accept-invite", "", map[string]any{"token": h.link, "password": "correct horse battery staple", "name": "New"})
}

func TestWithoutASuccessorNothingIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.hold(t)
	w.Arrange(t)
	w.Must(t, 200, "POST "+w.path("/members/leave"), w.leaver.Secret, nil)
	if !w.orphaned(t, h.service) {
		t.Error("the service account is not shown as orphaned")
	}
	w.Refused(t, 410, "invitation_gone", "POST /auth/accept-invite", "", map[string]any{"token": h.link, "password": "correct horse battery staple", "name": "New"})
	answer := w.Must(t, 200, "DELETE "+w.member(w.leaver.ID)+"?transfer_to="+string(w.heir.ID), w.owner.Secret, nil)
	if answer.At("handed_over", "invitations") != 1.0 || w.orphaned(t, h.service) {
		t.Errorf("%s", answer.Raw)
	}
	w.Must(t, 200, "POST /auth/accept-invite", "", map[string]any{"token": h.link, "password": "correct horse battery staple", "name": "New"})
}

func TestWhoMayNotTakeOverDoesNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.hold(t)
	w.Arrange(t)
	suspended := membertest.Add(t, w.Roster, member.Member{Organization: w.owner.Organization, Role: permission.Admin, Status: access.Suspended})
	foreign := membertest.Found(t, w.Roster)
	before := everything(w.leaver.ID)
	remove := "DELETE " + w.member(w.leaver.ID)
	for name, to := range map[string]id.User{
		"a member": w.bob.ID, "oneself": w.leaver.ID, "who is suspended": suspended.ID, "a stranger": foreign.ID,
		"a service account": id.User(h.service), "nobody": id.NewUser(w.Now()),
	} {
		for _, preview := range []string{"", "?preview=true"} {
			answer := w.Refused(t, 422, "cannot_take_over", remove+preview, w.owner.Secret, map[string]any{"transfer_to": to})
			if name == "a member" && (answer.At("cannot_take_over", "service_accounts") == nil || answer.At("cannot_take_over", "invitations") == nil) {
				t.Errorf("%s does not name what they may not have: %s", name, answer.Raw)
			}
		}
	}
	w.Refused(t, 422, "invalid_input", remove+"?transfer_to="+string(w.heir.ID), w.owner.Secret, map[string]any{"transfer_to": w.owner.ID})
	if diff := cmp.Diff(before, w.holders(t, h)); diff != "" {
		t.Errorf("%s", diff)
	}
	if m := w.Must(t, 200, "GET "+w.member(w.leaver.ID), w.owner.Secret, nil); m.String("member", "status") != "active" {
		t.Errorf("%s", m.Raw)
	}
}

// TestADeadInvitationIsNotRevived: whoever sent it may not grant the role any more.
func TestADeadInvitationIsNotRevived(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Must(t, 201, "POST "+w.path("/members/invite"), w.leaver.Secret, map[string]any{"email": "new@example.com", "role": "admin"})
	link := w.LastMail(t, "new@example.com").LinkToken()
	w.Must(t, 200, "PUT "+w.member(w.leaver.ID), w.owner.Secret, map[string]any{"role": "viewer"})
	w.Arrange(t)
	preview := w.Must(t, 200, "DELETE "+w.member(w.leaver.ID)+"?preview=true&transfer_to="+string(w.owner.ID), w.heir.Secret, nil)
	if got := preview.At("preview", "invitations", "invitations").([]any)[0].(map[string]any)["fate"]; got != "dead" {
		t.Errorf("%s", preview.Raw)
	}
	answer := w.Must(t, 200, "DELETE "+w.member(w.leaver.ID)+"?transfer_to="+string(w.owner.ID), w.heir.Secret, nil)
	if answer.At("handed_over", "invitations") != 0.0 {
		t.Errorf("%s", answer.Raw)
	}
	w.Refused(t, 410, "invitation_gone", "POST /auth/accept-invite", "", map[string]any{"token": link, "password": "correct horse battery staple", "name": "New"})
}

func TestKeysThatALeaverMadeAreRevokedOnRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.hold(t)
	// One of them was rotated since, with a grace: its previous secret alone is known.
	w.Must(t, 200, "POST "+w.path("/keys/"+h.key+"/rotate"), w.owner.Secret, map[string]any{"grace_seconds": 3600})
	w.Arrange(t)
	answer := w.Must(t, 200, "DELETE "+w.member(w.leaver.ID)+"?revoke_made_keys=true", w.owner.Secret, nil)
	if answer.At("handed_over", "revoked_keys") != 2.0 {
		t.Errorf("%s", answer.Raw)
	}
	bob, err := member.Get(t.Context(), w.Table, w.bob.Organization, w.bob.ID)
	if err != nil || len(bob.Keys) != 2 || bob.Keys[id.Key(h.key)].Previous != nil {
		t.Errorf("%v: %v", bob.Keys, err)
	}
	if service := w.Must(t, 200, "GET "+w.member(id.User(h.service)), w.owner.Secret, nil); service.At("member", "keys") != 0.0 || !w.orphaned(t, h.service) {
		t.Errorf("%s", service.Raw)
	}
}

// TestManyAreRemovedForOne: by a call and by a job.
func TestManyAreRemovedForOne(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]map[string]any{
		"named": {}, "by filter": {"filter": map[string]any{"role": "admin"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			h := w.hold(t)
			w.Arrange(t)
			body["transfer_to"] = w.owner.ID
			if name == "named" {
				body["user_ids"] = []id.User{w.leaver.ID, w.heir.ID}
				w.Must(t, 200, "POST "+w.path("/members/bulk-remove"), w.owner.Secret, body)
			} else {
				w.Must(t, 202, "DELETE "+w.path("/members/bulk"), w.owner.Secret, body)
				jobtest.Drain(t, w.Roster, member.Jobs, offboarding.Jobs)
			}
			want := everything(w.owner.ID)
			delete(want, "team") // holders asks the leaver and the heir
			if diff := cmp.Diff(want, w.holders(t, h)); diff != "" {
				t.Errorf("%s", diff)
			}
			for _, m := range []membertest.Member{w.leaver, w.heir} {
				if answer := w.Must(t, 200, "GET "+w.member(m.ID), w.owner.Secret, nil); answer.String("member", "status") != "removed" {
					t.Errorf("%s", answer.Raw)
				}
			}
		})
	}
}

func TestMoreThanATransactionTakesIsHandedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 130 {
		membertest.Add(t, w.Roster, member.Member{
			Organization: w.owner.Organization, Kind: member.ServiceAccount, Name: "bot", Role: permission.Gateway,
			Responsible: w.leaver.ID, Metadata: member.Metadata(fmt.Sprintf(`{"n":%d}`, n)),
		})
	}
	w.Arrange(t)
	answer := w.Must(t, 200, "DELETE "+w.member(w.leaver.ID)+"?transfer_to="+string(w.heir.ID), w.owner.Secret, nil)
	if answer.At("handed_over", "service_accounts") != 130.0 {
		t.Errorf("%s", answer.Raw)
	}
}

// hurried is the time of a function that is nearly over once it is said to be. Nothing
// is cut off.
type hurried struct {
	context.Context
	over *atomic.Bool
}

func (h hurried) Deadline() (time.Time, bool) {
	if h.over.Load() {
		return time.Now().Add(time.Second), true
	}
	return time.Now().Add(time.Hour), true
}

// TestAHandOverThatOutlastsARequestIsResumed: what was handed over stays so, the member
// stays until all is, and a repeat does the rest.
func TestAHandOverThatOutlastsARequestIsResumed(t *testing.T) {
	t.Parallel()
	const services, inTime = 40, 6
	var (
		over    atomic.Bool
		counted atomic.Int32
	)
	w := newWorldWith(t, func(next http.RoundTripper) http.RoundTripper {
		return rostertest.RoundTrip(func(r *http.Request) (*http.Response, error) {
			answer, err := next.RoundTrip(r)
			if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") && counted.Add(1) == inTime {
				over.Store(true)
			}
			return answer, err
		})
	})
	for range services {
		membertest.Add(t, w.Roster, member.Member{
			Organization: w.owner.Organization, Kind: member.ServiceAccount, Name: "bot", Role: permission.Gateway, Responsible: w.leaver.ID,
		})
	}
	w.Arrange(t)
	held := func() (left int) {
		l, err := member.Service{Env: w.Env}.ListHeld(t.Context(), w.owner.Organization, w.leaver.ID, member.HeldServices)
		if err != nil {
			t.Fatal(err)
		}
		for _, service := range l {
			switch by := w.Must(t, 200, "GET "+w.member(id.User(service)), w.owner.Secret, nil).String("member", "responsible"); by {
			case string(w.leaver.ID):
				left++
			case string(w.heir.ID):
			default:
				t.Errorf("%s answers for %s", by, service)
			}
		}
		return left
	}
	// As Lambda calls it, with a time that ends.
	handle := api.NewHandler(w.Env, offboarding.Endpoints(w.Env))
	remove := func(ctx context.Context) events.APIGatewayV2HTTPResponse {
		answer, err := handle(ctx, events.APIGatewayV2HTTPRequest{
			RouteKey:              route.Of(route.RemoveMember).Key,
			PathParameters:        map[string]string{"org_id": string(w.owner.Organization), "user_id": string(w.leaver.ID)},
			RawQueryString:        "transfer_to=" + string(w.heir.ID),
			QueryStringParameters: map[string]string{"transfer_to": string(w.heir.ID)},
			Headers:               map[string]string{"authorization": "Bearer " + w.owner.Secret, "idempotency-key": "removal-of-the-leaver"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	counted.Store(0)
	over.Store(false)
	answer := remove(hurried{t.Context(), &over})
	if answer.StatusCode != 503 || !strings.Contains(answer.Body, `"hand_over_unfinished"`) || answer.Headers["retry-after"] == "" {
		t.Fatalf("%d %v %s", answer.StatusCode, answer.Headers, answer.Body)
	}
	left := held()
	if left == 0 || left > services-inTime {
		t.Errorf("%d of %d are left", left, services)
	}
	if m := w.Must(t, 200, "GET "+w.member(w.leaver.ID), w.owner.Secret, nil); m.String("member", "status") != "active" {
		t.Errorf("%s", m.Raw)
	}
	finished := remove(t.Context())
	if finished.StatusCode != 200 || !strings.Contains(finished.Body, fmt.Sprintf(`"service_accounts":%d,`, left)) || held() != 0 {
		t.Errorf("%d were left: %s", left, finished.Body)
	}
	if m := w.Must(t, 200, "GET "+w.member(w.leaver.ID), w.owner.Secret, nil); m.String("member", "status") != "removed" {
		t.Errorf("%s", m.Raw)
	}
}
