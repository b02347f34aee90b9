package invitation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/invitation"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/outbox"
	"roster/internal/table"
)

func TestInviteMailsOneLinkAndShowsAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	backend := membertest.AddTeam(t, w.Roster, w.org)
	invited := w.invite(t, map[string]any{
		"email": "Bob@Example.com", "role": "developer", "message": "Welcome to our AI services platform!",
		"name": "Bob", "team_ids": []id.Team{backend}, "metadata": map[string]any{"department": "Engineering"},
		"preset": "new_member", "monthly_limit": 200.00, "daily_limit": nil,
	})
	for path, want := range map[string]any{
		"email": "bob@example.com", "name": "Bob", "role": "developer", "status": "pending", "delivery": "queued",
		"message": "Welcome to our AI services platform!", "preset": "new_member", "monthly_limit": 200.0, "daily_limit": nil,
		"expires_at": "2026-11-29T10:00:00Z",
	} {
		if got := invited.At("invitation", path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	if got := invited.String("invitation", "metadata", "department"); got != "Engineering" {
		t.Errorf("metadata: %s", invited.Raw)
	}
	if got := invited.String("invitation", "invited_by", "user_id"); got != string(w.owner.user) {
		t.Errorf("invited by %q", got)
	}
	page, shown, _ := strings.Cut(invited.String("invitation", "link"), "#")
	if page != "https://roster.example.com/invite" {
		t.Errorf("link leads to %q", page)
	}
	m := w.LastMail(t, "bob@example.com")
	if m.Kind != mail.Invitation || m.Data.Organization != "Acme" || m.Data.Actor != "Ada" || m.Data.Role != "developer" {
		t.Errorf("mail: %+v", m)
	}
	if m.Invitation == nil || string(m.Invitation.ID) != invited.String("invitation", "id") {
		t.Errorf("the mail does not name its invitation: %+v", m.Invitation)
	}
	if m.LinkToken() == shown || m.LinkToken() == "" {
		t.Error("the mailed link is the shown one")
	}
	for _, secret := range []string{shown, m.LinkToken()} {
		for key, item := range w.DumpItems(t) {
			if strings.Contains(fmt.Sprint(item), secret) {
				t.Errorf("the table holds a token in clear at %v", key)
			}
		}
	}
	listed := w.invitations(t)
	if len(listed) != 1 || listed[0].(map[string]any)["link"] != nil {
		t.Errorf("list: %v", listed)
	}
}

func TestRegisterInviteIsForTheOrganizationOfTheCredential(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	invited := w.Must(t, 201, "POST /auth/register-invite", w.owner.token, map[string]any{
		"email": "newuser@example.com", "role": "developer"})
	if len(w.invitations(t)) != 1 || invited.String("invitation", "role") != "developer" {
		t.Errorf("%s", invited.Raw)
	}
}

func TestInviteWithoutRoleTakesTheDefaultRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(t, "default_role", "viewer")
	if got := w.invite(t, map[string]any{"email": "bob@example.com"}).String("invitation", "role"); got != "viewer" {
		t.Errorf("role %q", got)
	}
}

func TestInviteRefusesBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		body   string
		status int
		place  string
	}{
		"no email":           {`{}`, 422, "/email"},
		"unknown role":       {`{"email":"a@b.example","role":"emperor"}`, 422, "/role"}, // better-auth 6710
		"role of gateways":   {`{"email":"a@b.example","role":"gateway"}`, 422, "/role"},
		"team":               {`{"email":"a@b.example","team_ids":["team_x"]}`, 422, "/team_ids/0"},
		"absent team":        {`{"email":"a@b.example","team_ids":["team_01ARZ3NDEKTSV4RRFFQ69G5FAV"]}`, 422, "/team_ids/0"},
		"51 teams":           {`{"email":"a@b.example","team_ids":["team_01ARZ3NDEKTSV4RRFFQ69G5FAV"` + strings.Repeat(`,"team_01ARZ3NDEKTSV4RRFFQ69G5FAV"`, 50) + `]}`, 422, "/team_ids"},
		"team that is null":  {`{"email":"a@b.example","team_ids":["team_01ARZ3NDEKTSV4RRFFQ69G5FAV",null]}`, 422, "/team_ids/1"},
		"preset":             {`{"email":"a@b.example","preset":"huge"}`, 422, "/preset"},
		"bot without limits": {`{"email":"a@b.example","preset":"bot"}`, 422, "/monthly_limit"},
		"negative limit":     {`{"email":"a@b.example","daily_limit":-1}`, 422, "/daily_limit"},
		"metadata":           {`{"email":"a@b.example","metadata":{"a":"` + strings.Repeat("x", 2048) + `"}}`, 422, "/metadata"},
		"unknown field":      {`{"email":"a@b.example","admin":true}`, 400, "/admin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := w.Must(t, c.status, "POST "+w.path("/members/invite"), w.owner.token, c.body)
			if !strings.Contains(string(answer.Raw), `"pointer":"`+c.place+`"`) {
				t.Errorf("%s", answer.Raw)
			}
		})
	}
}

// better-auth 9452: the option to invite again did nothing.
func TestInviteAgainRenewsThePendingInvitation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.invite(t, map[string]any{"email": "bob@example.com", "role": "member"})
	oldShown, oldMailed := shownToken(first), w.mailed(t, "bob@example.com")
	w.Advance(24 * time.Hour)
	expires := w.Now().AddDate(0, 0, 7).Format(time.RFC3339Nano)
	second := w.invite(t, map[string]any{"email": "bob@example.com", "role": "developer"})
	if first.String("invitation", "id") != second.String("invitation", "id") {
		t.Error("a renewed invitation has another id")
	}
	if second.String("invitation", "expires_at") != expires {
		t.Errorf("expires at %s", second.String("invitation", "expires_at"))
	}
	if listed := w.invitations(t); len(listed) != 1 {
		t.Errorf("%d invitations", len(listed))
	}
	w.Refused(t, 404, "invitation_not_found", "GET /auth/invitations/"+oldShown, "", nil)
	accepted := w.acceptNew(t, oldMailed)
	if got := accepted.String("organization", "role"); got != "developer" {
		t.Errorf("role %q: the older mail leads to the older terms", got)
	}
}

// keycloak 45553, and §1: an invitation never reactivates.
func TestInviteRefusesWhoIsAMember(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.member(t, "bob@example.com", "member")
	invite := "POST " + w.path("/members/invite")
	body := map[string]any{"email": "bob@example.com"}
	w.Refused(t, 409, "already_member", invite, w.owner.token, body)
	w.suspend(t, bob.user)
	w.Refused(t, 409, "member_suspended", invite, w.owner.token, body)
	w.remove(t, bob.user)
	w.Must(t, 201, invite, w.owner.token, body)
}

// distr 1250: whose invitation had expired could not be invited.
func TestExpiredInvitationIsListedAndRenewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.invite(t, map[string]any{"email": "bob@example.com"})
	token := w.mailed(t, "bob@example.com")
	w.Advance(7 * 24 * time.Hour)
	listed := w.Must(t, 200, "GET "+w.path("/invitations"), w.owner.token, nil)
	if got := listed.At("invitations").([]any)[0].(map[string]any)["status"]; got != "expired" {
		t.Errorf("status %v", got)
	}
	// zitadel 8850: hear of it before choosing a password.
	w.Refused(t, 410, "invitation_expired", "GET /auth/invitations/"+token, "", nil)
	w.Refused(t, 410, "invitation_expired", "POST /auth/accept-invite", "", map[string]any{"token": token, "password": password})
	again := w.Must(t, 201, "POST "+w.path("/members/invite"), w.owner.token, map[string]any{"email": "bob@example.com"})
	if again.String("invitation", "status") != "pending" || again.String("invitation", "id") != first.String("invitation", "id") {
		t.Errorf("%s", again.Raw)
	}
	w.acceptNew(t, token)
}

// supabase 2180: resending failed. zulip 24275: who finds an older mail first.
func TestResendKeepsTheNewestMailsAlive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.invite(t, map[string]any{"email": "bob@example.com"})
	resend := "POST " + w.path("/invitations/"+first.String("invitation", "id")+"/resend")
	tokens := []string{w.mailed(t, "bob@example.com")}
	link := first.String("invitation", "link")
	for range 3 {
		w.Advance(25 * time.Hour)
		resent := w.Must(t, 200, resend, w.owner.token, nil)
		if next := resent.String("invitation", "link"); next == link || next == "" {
			t.Fatal("the shown link is not new")
		} else {
			link = next
		}
		tokens = append(tokens, w.mailed(t, "bob@example.com"))
	}
	w.Refused(t, 404, "invitation_not_found", "GET /auth/invitations/"+tokens[0], "", nil)
	for _, token := range tokens[1:] {
		w.Must(t, 200, "GET /auth/invitations/"+token, "", nil)
	}
	w.acceptNew(t, tokens[1])
	for _, token := range tokens[1:] {
		w.Refused(t, 410, "invitation_gone", "POST /auth/accept-invite", "", map[string]any{"token": token, "password": password})
	}
	w.Refused(t, 410, "invitation_gone", resend, w.owner.token, nil)
}

func TestResendNeverShortensAndQueuesAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(t, "invitation_days", 30)
	first := w.invite(t, map[string]any{"email": "bob@example.com"})
	ref := w.LastMail(t, "bob@example.com").Invitation
	if err := w.Table.Transact(t.Context(), ref.Mark(outbox.Bounced)); err != nil {
		t.Fatal(err)
	}
	if got := w.invitations(t)[0].(map[string]any)["delivery"]; got != "bounced" {
		t.Fatalf("delivery %v", got)
	}
	w.settings(t, "invitation_days", 1)
	resent := w.Must(t, 200, "POST "+w.path("/invitations/"+first.String("invitation", "id")+"/resend"), w.owner.token, nil)
	if got := resent.String("invitation", "expires_at"); got != first.String("invitation", "expires_at") {
		t.Errorf("expires at %s", got)
	}
	if got := resent.String("invitation", "delivery"); got != "queued" {
		t.Errorf("delivery %s", got)
	}
}

// zulip 19931: an address is not flooded.
func TestAnAddressGetsThreeMailsADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := map[string]any{"email": "bob@example.com"}
	invite := "POST " + w.path("/members/invite")
	var last string
	for range 3 {
		last = w.Must(t, 201, invite, w.owner.token, body).String("invitation", "id")
	}
	refused := w.Refused(t, 429, "too_many_requests", invite, w.owner.token, body)
	if refused.Header.Get("Retry-After") != "86400" {
		t.Errorf("Retry-After %s", refused.Header.Get("Retry-After"))
	}
	w.Refused(t, 429, "too_many_requests", "POST "+w.path("/invitations/"+last+"/resend"), w.owner.token, nil)
	w.Must(t, 200, "DELETE "+w.path("/invitations/"+last), w.owner.token, nil)
	w.Refused(t, 429, "too_many_requests", invite, w.owner.token, body)
	if got := len(w.Mails(t, "bob@example.com")); got != 3 {
		t.Errorf("%d mails", got)
	}
	w.Advance(24 * time.Hour)
	w.Must(t, 201, invite, w.owner.token, body)
}

func TestRevokeIsFinal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.invite(t, map[string]any{"email": "bob@example.com"})
	shown, mailed := shownToken(first), w.mailed(t, "bob@example.com")
	path := w.path("/invitations/" + first.String("invitation", "id"))
	for range 2 {
		if got := w.Must(t, 200, "DELETE "+path, w.owner.token, nil).String("invitation", "status"); got != "revoked" {
			t.Errorf("status %q", got)
		}
	}
	if listed := w.invitations(t); len(listed) != 0 {
		t.Errorf("listed still: %v", listed)
	}
	for _, token := range []string{shown, mailed} {
		w.Refused(t, 410, "invitation_gone", "GET /auth/invitations/"+token, "", nil)
		w.Refused(t, 410, "invitation_gone", "POST /auth/accept-invite", "", map[string]any{"token": token, "password": password})
	}
	w.Refused(t, 410, "invitation_gone", "POST "+path+"/resend", w.owner.token, nil)
	second := w.invite(t, map[string]any{"email": "bob@example.com"})
	if second.String("invitation", "id") == first.String("invitation", "id") {
		t.Error("an invitation after a revoked one has its id")
	}
	w.Refused(t, 404, "invitation_not_found", "GET /auth/invitations/"+mailed, "", nil)
	w.Refused(t, 404, "invitation_not_found", "DELETE "+path, w.owner.token, nil)
}

// chainloop 3264, zulip 15460, capgo 3281, hatchet 3230: an administrator becomes
// or makes an owner by an invitation. better-auth 8826: an owner could not.
func TestOnlyOwnersTouchOwnerInvitations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.member(t, "admin@acme.example", "admin")
	invite := "POST " + w.path("/members/invite")
	w.Refused(t, 403, "owner_required", invite, admin.token, map[string]any{"email": "eve@example.com", "role": "owner"})
	w.Must(t, 201, invite, admin.token, map[string]any{"email": "eve@example.com", "role": "admin"})
	w.Refused(t, 403, "owner_required", invite, admin.token, map[string]any{"email": "eve@example.com", "role": "owner"})

	byOwner := w.invite(t, map[string]any{"email": "bob@example.com", "role": "owner"})
	path := w.path("/invitations/" + byOwner.String("invitation", "id"))
	w.Refused(t, 403, "owner_required", invite, admin.token, map[string]any{"email": "bob@example.com", "role": "member"})
	w.Refused(t, 403, "owner_required", "POST "+path+"/resend", admin.token, nil)
	w.Refused(t, 403, "owner_required", "DELETE "+path, admin.token, nil)
	if got := w.acceptNew(t, w.mailed(t, "bob@example.com")).String("organization", "role"); got != "owner" {
		t.Errorf("role %q", got)
	}
}

func TestInviterMustBeVerifiedWhereSignUpIsOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	eve := w.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "eve@example.com", "password": password, "name": "Eve", "organization": "Spam"})
	token := eve.String("access_token")
	body := map[string]any{"email": "bob@example.com"}
	w.Refused(t, 403, "email_unverified", "POST /auth/register-invite", token, body)

	// Nor by a service account that they answer for.
	service := serviceAccount(t, w, eve.OrganizationOf(), loggedIn(eve).user)
	w.Refused(t, 403, "email_unverified", "POST /auth/register-invite", service, body)
	w.Must(t, 200, "POST /auth/verify-email", "", map[string]any{"token": w.mailed(t, "eve@example.com")})
	w.Must(t, 201, "POST /auth/register-invite", service, body)
}

func TestInviterNeedNotBeVerifiedWhereSignUpIsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	eve := w.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "eve@example.com", "password": password, "name": "Eve", "organization": "Trusted"})
	w.OpenSignUp = false
	w.Must(t, 201, "POST /auth/register-invite", eve.String("access_token"), map[string]any{"email": "bob@example.com"})
}

func TestInvitationsAreTheOrganizationsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	invited := w.invite(t, map[string]any{"email": "bob@example.com"})
	other := w.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "eve@example.com", "password": password, "name": "Eve", "organization": "Rival"})
	rival := "/api/organizations/" + string(other.OrganizationOf()) + "/invitations"
	token := other.String("access_token")
	w.Refused(t, 404, "invitation_not_found", "DELETE "+rival+"/"+invited.String("invitation", "id"), token, nil)
	w.Refused(t, 404, "organization_not_found", "GET "+w.path("/invitations"), token, nil)

	// Better Auth shows every member the pending invitations, ids and secrets.
	bob := loggedIn(w.acceptNew(t, w.mailed(t, "bob@example.com")))
	w.Refused(t, 403, "permission_denied", "GET "+w.path("/invitations"), bob.token, nil)
}

// keycloak 38809: see the pending invitations.
func TestListPagesThroughOpenInvitations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(t, "allow_join_requests", true)
	for i := range 5 {
		w.invite(t, map[string]any{"email": fmt.Sprintf("invited%d@example.com", i)})
		asks := w.person(t, fmt.Sprintf("invited%dasks@example.com", i), false)
		w.Must(t, 201, "POST "+w.path("/join-requests"), asks.token, nil)
	}
	var seen []string
	for next, rounds := "", 0; rounds < 10; rounds++ {
		answer := w.Must(t, 200, "GET "+w.path("/invitations?limit=2&cursor="+next), w.owner.token, nil)
		for _, i := range answer.At("invitations").([]any) {
			seen = append(seen, i.(map[string]any)["email"].(string))
		}
		if next = answer.String("next_cursor"); next == "" {
			break
		}
		w.Refused(t, 422, "invalid_input", "GET /api/admin/organization/join-requests?cursor="+next, w.owner.token, nil)
	}
	want := "invited0@example.com invited1@example.com invited2@example.com invited3@example.com invited4@example.com"
	if got := strings.Join(seen, " "); got != want {
		t.Errorf("listed %s", got)
	}
}

func TestInviteCosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person(t, "known@example.com", true)
	invite := func(name, address string) {
		ctx, capacity := table.WithCapacity(t.Context())
		answer := w.CallContext(t, ctx, "POST "+w.path("/members/invite"), w.owner.token, map[string]any{
			"email": address, "role": "member", "message": "Welcome to our AI services platform!"})
		if _, write := capacity.Units(); answer.Status != 201 || write > 12 {
			t.Errorf("%s: %d, %.0f write units: %+v", name, answer.Status, write, capacity.Calls())
		}
	}
	invite("new", "bob@example.com")
	invite("renewed", "bob@example.com")
	invite("with an account", "known@example.com")
}

func TestInviteRepeatsWithItsIdempotencyKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := map[string]any{"email": "bob@example.com"}
	first := w.Must(t, 201, "POST "+w.path("/members/invite"), w.owner.token, body, "Idempotency-Key", "k1")
	again := w.Must(t, 201, "POST "+w.path("/members/invite"), w.owner.token, body, "Idempotency-Key", "k1")
	if string(first.Raw) != string(again.Raw) || len(w.Mails(t, "bob@example.com")) != 1 {
		t.Errorf("%s\n%s", first.Raw, again.Raw)
	}
}

func TestInvitationStandsInTheMemberListWhileOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rows := func() int {
		items, err := w.Table.QueryAll(t.Context(), table.Query{Index: table.ListIndex, PK: member.ListPartition(w.org)})
		if err != nil {
			t.Fatal(err)
		}
		listed, err := table.DecodeAll[invitation.Invitation](items)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, i := range listed {
			if i.Kind == member.Invited {
				n++
				if i.Email != "bob@example.com" || i.Status != "pending" || i.ExpiresAt.IsZero() {
					t.Errorf("row %+v", i)
				}
			}
		}
		return n
	}
	w.invite(t, map[string]any{"email": "bob@example.com"})
	if rows() != 1 {
		t.Error("an open invitation is not listed")
	}
	bob := loggedIn(w.acceptNew(t, w.mailed(t, "bob@example.com")))
	if rows() != 0 {
		t.Error("an accepted invitation is listed")
	}
	if m := w.get(t, bob.user); m.Status != access.Active {
		t.Errorf("%+v", m)
	}
}
