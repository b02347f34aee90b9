package acceptance_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/permission"
	"roster/internal/rostertest"
)

// rule is one thing that member management must get right, by name.
type rule struct {
	name string
	test func(t *testing.T, w world, owner person, org string)
}

// play tests each rule in a deployment of its own, with one organization.
func play(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			owner := w.owner(t, "owner@acme.example", "Acme")
			r.test(t, w, owner, "/api/organizations/"+string(owner.organization))
		})
	}
}

func (w world) invited(t testing.TB, org, credential string, body map[string]any) rostertest.Response {
	t.Helper()
	w.Advance(time.Millisecond) // mails of one millisecond have no order
	return w.Must(t, 201, "POST "+org+"/members/invite", credential, body)
}

// mailed is the token of the newest mail to an address.
func (w world) mailed(t testing.TB, address string) string {
	t.Helper()
	return w.LastMail(t, address).LinkToken()
}

func shown(invited rostertest.Response) string {
	_, token, _ := strings.Cut(invited.String("invitation", "link"), "#")
	return token
}

const acceptInvite = "POST /auth/accept-invite"

// joined is a new person who accepts the newest invitation of their address.
func (w world) joined(t testing.TB, address string) person {
	t.Helper()
	defer w.Advance(time.Millisecond)
	in := w.Must(t, 200, acceptInvite, "", map[string]any{"token": w.mailed(t, address), "password": password, "name": "Newcomer"})
	return person{user: id.User(in.String("user", "id")), organization: in.OrganizationOf(), token: in.String("access_token"), email: address}
}

func (p person) in(org string) string { return org + "/members/" + string(p.user) }

func (w world) mailsOf(t testing.TB, address string, kind mail.Kind) (n int) {
	t.Helper()
	for _, m := range w.Mails(t, address) {
		if m.Kind == kind {
			n++
		}
	}
	return n
}

// TestTheRulesOfMembership has each rule of inviting, joining, and ending a
// membership, as their users see it.
func TestTheRulesOfMembership(t *testing.T) {
	t.Parallel()
	play(t, []rule{
		{"a link's token is random, stored as a digest, and shown once", func(t *testing.T, w world, owner person, org string) {
			first := w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			second := w.invited(t, org, owner.key, map[string]any{"email": "b@example.com"})
			if a, b := shown(first), shown(second); a == b || len(a) < 43 || !strings.HasPrefix(a, "ri_") {
				t.Errorf("tokens %q and %q", a, b)
			}
			for key, item := range w.DumpItems(t) {
				for _, secret := range []string{shown(first), w.mailed(t, "a@example.com")} {
					if strings.Contains(fmt.Sprint(item), secret) {
						t.Errorf("the table holds a token in the clear at %v", key)
					}
				}
			}
			if listed := w.Must(t, 200, "GET "+org+"/invitations", owner.key, nil); strings.Contains(string(listed.Raw), "#ri_") {
				t.Errorf("the list shows a link: %s", listed.Raw)
			}
		}},
		{"of two links, only the mailed one proves the mailbox", func(t *testing.T, w world, owner person, org string) {
			invited := w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			body := map[string]any{"token": shown(invited), "password": password, "name": "A"}
			if answer := w.Must(t, 202, acceptInvite, "", body); answer.String("status") != "verification_required" || answer.String("access_token") != "" {
				t.Errorf("by the shown link: %s", answer.Raw)
			}
			w.invited(t, org, owner.key, map[string]any{"email": "b@example.com"})
			if in := w.joined(t, "b@example.com"); in.token == "" {
				t.Error("the mailed link logs nobody in")
			}
		}},
		{"an invitation stands for 7 days, or 1 to 30", func(t *testing.T, w world, owner person, org string) {
			invited := w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			if at := w.Now().Add(7 * 24 * time.Hour).Truncate(time.Minute); !strings.HasPrefix(invited.String("invitation", "expires_at"), at.Format("2006-01-02T15:04")) {
				t.Errorf("expires at %s", invited.String("invitation", "expires_at"))
			}
			for _, days := range []int{0, 31} {
				w.Must(t, 422, "PUT "+org, owner.key, map[string]any{"invitation_days": days})
			}
			token := w.mailed(t, "a@example.com")
			w.Advance(7*24*time.Hour + time.Second)
			w.Refused(t, 410, "invitation_expired", acceptInvite, "", map[string]any{"token": token, "password": password})
		}},
		{"sent again, an invitation has new links and never ends sooner", func(t *testing.T, w world, owner person, org string) {
			invited := w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			before := w.mailed(t, "a@example.com")
			resend := "POST " + org + "/invitations/" + invited.String("invitation", "id") + "/resend"
			resent := w.Must(t, 200, resend, owner.key, nil)
			if shown(resent) == shown(invited) || instant(t, resent.String("invitation", "expires_at")).Before(instant(t, invited.String("invitation", "expires_at"))) {
				t.Errorf("resent: %s", resent.Raw)
			}
			w.Must(t, 200, "GET /auth/invitations/"+before, "", nil) // who finds the older mail first is not turned away
			w.Must(t, 200, resend, owner.key, nil)
			refused := w.Refused(t, 429, "too_many_requests", resend, owner.key, nil)
			if refused.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		}},
		{"revoking kills every link for good", func(t *testing.T, w world, owner person, org string) {
			invited := w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			tokens := []string{shown(invited), w.mailed(t, "a@example.com")}
			w.Must(t, 200, "DELETE "+org+"/invitations/"+invited.String("invitation", "id"), owner.key, nil)
			for _, token := range tokens {
				w.Refused(t, 410, "invitation_gone", acceptInvite, "", map[string]any{"token": token, "password": password})
			}
		}},
		{"inviting again renews, and neither doubles nor reactivates", func(t *testing.T, w world, owner person, org string) {
			invite := "POST " + org + "/members/invite"
			first := w.invited(t, org, owner.key, map[string]any{"email": "a@example.com", "role": "member"})
			again := w.invited(t, org, owner.key, map[string]any{"email": "A@Example.COM", "role": "developer"})
			if first.String("invitation", "id") != again.String("invitation", "id") || again.String("invitation", "role") != "developer" {
				t.Errorf("renewed: %s", again.Raw)
			}
			a := w.joined(t, "a@example.com")
			w.Refused(t, 409, "already_member", invite, owner.key, map[string]any{"email": "a@example.com"})
			w.Must(t, 200, "POST "+a.in(org)+"/suspend", owner.key, map[string]any{"reason": "pause"})
			w.Refused(t, 409, "member_suspended", invite, owner.key, map[string]any{"email": "a@example.com"})
		}},
		{"a removed person may return, with their history and no old key", func(t *testing.T, w world, owner person, org string) {
			w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			a := w.joined(t, "a@example.com")
			a.key = w.newKey(t, a.token, owner.organization, "")
			w.Must(t, 200, "POST /v1/usage", a.key, `{"events":[{"id":"e1","model":"openai/gpt-4o","input_tokens":10,"output_tokens":1,"cost_usd":1.5}]}`)
			w.Must(t, 200, "DELETE "+a.in(org), owner.key, nil)
			w.Advance(25 * time.Hour)
			w.invited(t, org, owner.key, map[string]any{"email": "a@example.com", "role": "viewer"})
			token := w.mailed(t, "a@example.com")
			in := w.Must(t, 200, "POST /auth/login", "", map[string]any{"email": a.email, "password": password})
			w.Must(t, 200, acceptInvite, in.String("access_token"), map[string]any{"token": token})
			w.Refused(t, 401, "invalid_key", "POST /v1/authorize", a.key, nil)
			if got := w.Must(t, 200, "GET "+org+"/usage?user_id="+string(a.user), owner.key, nil); !strings.Contains(string(got.Raw), "1.5") {
				t.Errorf("usage: %s", got.Raw)
			}
		}},
		{"whether an address has an account, the inviter does not learn", func(t *testing.T, w world, owner person, org string) {
			w.owner(t, "has@example.com", "")
			has := w.invited(t, org, owner.key, map[string]any{"email": "has@example.com"})
			not := w.invited(t, org, owner.key, map[string]any{"email": "not@example.com"})
			if a, b := shape(has.At("invitation")), shape(not.At("invitation")); a != b {
				t.Errorf("with an account %s, without %s", a, b)
			}
		}},
		{"an invitation never sets the password of an account", func(t *testing.T, w world, owner person, org string) {
			w.owner(t, "has@example.com", "")
			w.invited(t, org, owner.key, map[string]any{"email": "has@example.com"})
			w.Refused(t, 401, "login_required", acceptInvite, "", map[string]any{
				"token": w.mailed(t, "has@example.com"), "password": "another-password"})
			w.Refused(t, 401, "invalid_login", "POST /auth/login", "", map[string]any{"email": "has@example.com", "password": "another-password"})
			w.Must(t, 200, "POST /auth/login", "", map[string]any{"email": "has@example.com", "password": password})
		}},
		{"another address than the invited one does not accept", func(t *testing.T, w world, owner person, org string) {
			other := w.owner(t, "other@example.com", "")
			w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			w.Refused(t, 403, "email_mismatch", acceptInvite, other.token, map[string]any{"token": w.mailed(t, "a@example.com")})
		}},
		{"addresses are compared folded, in ASCII alone", func(t *testing.T, w world, owner person, org string) {
			invite := "POST " + org + "/members/invite"
			got := w.invited(t, org, owner.key, map[string]any{"email": " Kim@MÜNCHEN.example "})
			if got.String("invitation", "email") != "kim@xn--mnchen-3ya.example" {
				t.Errorf("address %s", got.String("invitation", "email"))
			}
			for _, address := range []string{"\u212Aim@example.com", "Kim <kim@example.com>", "kim@example", "kïm@example.com"} {
				refused := w.Must(t, 422, invite, owner.key, map[string]any{"email": address})
				if !strings.Contains(string(refused.Raw), `"/email"`) {
					t.Errorf("%q: %s", address, refused.Raw)
				}
			}
			plus := w.invited(t, org, owner.key, map[string]any{"email": "kim+tag@example.com"})
			if plus.String("invitation", "email") != "kim+tag@example.com" {
				t.Errorf("address %s", plus.String("invitation", "email"))
			}
		}},
		{"a link is used once, and a repeat by the same person is fine", func(t *testing.T, w world, owner person, org string) {
			a := w.owner(t, "a@example.com", "")
			w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			body := map[string]any{"token": w.mailed(t, "a@example.com")}
			w.Must(t, 200, acceptInvite, a.token, body)
			w.Must(t, 200, acceptInvite, a.token, body)
			if n := w.mailsOf(t, "a@example.com", mail.Welcome); n != 1 {
				t.Errorf("%d welcomes", n)
			}
			w.Refused(t, 410, "invitation_gone", acceptInvite, "", map[string]any{"token": body["token"], "password": password})
		}},
		{"opening a link changes nothing", func(t *testing.T, w world, owner person, org string) {
			invited := w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			before := w.dump(t)
			for range 3 {
				for _, token := range []string{shown(invited), w.mailed(t, "a@example.com")} {
					w.Must(t, 200, "GET /auth/invitations/"+token, "", nil)
				}
			}
			if after := w.dump(t); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Error("something changed")
			}
		}},
		{"who has an account, a log-in and a forgotten password do not tell", func(t *testing.T, w world, owner person, org string) {
			a := w.Refused(t, 401, "invalid_login", "POST /auth/login", "", map[string]any{"email": owner.email, "password": "wrong-password"})
			b := w.Refused(t, 401, "invalid_login", "POST /auth/login", "", map[string]any{"email": "nobody@example.com", "password": "wrong-password"})
			if shape(a.JSON) != shape(b.JSON) || a.String("detail") != b.String("detail") {
				t.Errorf("%s and %s", a.Raw, b.Raw)
			}
			a = w.Must(t, 200, "POST /auth/password/forgot", "", map[string]any{"email": owner.email})
			b = w.Must(t, 200, "POST /auth/password/forgot", "", map[string]any{"email": "nobody@example.com"})
			if string(a.Raw) != string(b.Raw) {
				t.Errorf("%s and %s", a.Raw, b.Raw)
			}
		}},
		{"auto-approval takes a verified address of exactly the domain", func(t *testing.T, w world, owner person, org string) {
			w.Must(t, 200, "PUT "+org, owner.key, map[string]any{
				"allow_join_requests": true, "auto_approve_requests": true, "auto_approve_domains": []string{"acme.com", "*.acme.org"}})
			for address, want := range map[string]string{
				"a@acme.com": "approved", "b@sub.acme.org": "approved",
				"c@sub.acme.com": "pending", "d@notacme.com": "pending", "e@acme.com.example": "pending", "f@acme.org": "pending",
			} {
				p := w.owner(t, address, "")
				if got := w.Must(t, 201, "POST "+org+"/join-requests", p.token, nil).String("join_request", "status"); got != want {
					t.Errorf("%s: %s, want %s", address, got, want)
				}
			}
			in := w.Must(t, 201, "POST /auth/register", "", map[string]any{"email": "unverified@acme.com", "password": password, "name": "U"})
			if got := w.Must(t, 201, "POST "+org+"/join-requests", in.String("access_token"), nil).String("join_request", "status"); got != "pending" {
				t.Errorf("unverified: %s", got)
			}
			w.Must(t, 422, "PUT "+org, owner.key, map[string]any{"auto_approve_domains": []string{"gmail.com"}})
		}},
		{"the last owner stays, by every path", func(t *testing.T, w world, owner person, org string) {
			for request, body := range map[string]any{
				"POST " + org + "/members/leave":                   nil,
				"PUT " + owner.in(org):                             map[string]any{"role": "admin"},
				"PUT /admin/users/" + string(owner.user) + "/role": map[string]any{"role": "member"},
				"DELETE " + owner.in(org):                          nil,
			} {
				w.Refused(t, 409, "last_owner", request, owner.token, body)
			}
			for _, request := range []string{"DELETE " + org + "/members/bulk", "POST " + org + "/members/bulk-remove"} {
				answer := w.Must(t, 200, request, owner.key, map[string]any{"user_ids": []id.User{owner.user}})
				if !strings.Contains(string(answer.Raw), `"last_owner"`) {
					t.Errorf("%s: %s", request, answer.Raw)
				}
			}
			edited := w.Must(t, 200, "PUT "+org+"/members/bulk", owner.key, map[string]any{
				"user_ids": []id.User{owner.user}, "changes": map[string]any{"role": "member"}})
			if !strings.Contains(string(edited.Raw), `"last_owner"`) {
				t.Errorf("bulk edit: %s", edited.Raw)
			}
		}},
		{"nobody suspends or promotes themselves, and anyone may leave", func(t *testing.T, w world, owner person, org string) {
			admin := w.place(t, owner.organization, "admin@acme.example", permission.Admin, access.Active)
			w.Refused(t, 403, "not_oneself", "POST "+admin.in(org)+"/suspend", admin.token, map[string]any{"reason": "x"})
			if answer := w.Call(t, "PUT "+admin.in(org), admin.token, map[string]any{"role": "owner"}); answer.Status != 403 {
				t.Errorf("promotes themselves: %s", answer.Raw)
			}
			w.Must(t, 200, "POST "+org+"/members/leave", admin.token, nil)
		}},
		{"nobody grants more than they have, also at acceptance", func(t *testing.T, w world, owner person, org string) {
			admin := w.place(t, owner.organization, "admin@acme.example", permission.Admin, access.Active)
			w.Must(t, 403, "POST "+org+"/members/invite", admin.key, map[string]any{"email": "a@example.com", "role": "owner"})
			w.invited(t, org, admin.key, map[string]any{"email": "a@example.com", "role": "admin"})
			w.Must(t, 200, "PUT "+admin.in(org), owner.key, map[string]any{"role": "member"})
			w.Refused(t, 410, "invitation_gone", acceptInvite, "", map[string]any{"token": w.mailed(t, "a@example.com"), "password": password, "name": "A"})
		}},
		{"a suspended member is stopped at once; keys return, sessions do not", func(t *testing.T, w world, owner person, org string) {
			a := w.place(t, owner.organization, "a@acme.example", permission.Member, access.Active)
			w.Must(t, 200, "POST "+a.in(org)+"/suspend", owner.key, map[string]any{"reason": "x"})
			w.Refused(t, 403, "member_suspended", "POST /v1/authorize", a.key, nil)
			w.Refused(t, 403, "member_suspended", "GET "+org, a.token, nil)
			w.Must(t, 200, "POST "+a.in(org)+"/unsuspend", owner.key, nil)
			w.Must(t, 200, "POST /v1/authorize", a.key, nil)
			w.Refused(t, 401, "invalid_token", "GET "+org, a.token, nil)
		}},
		{"ownership is handed over in one step, by who proves to be the owner", func(t *testing.T, w world, owner person, org string) {
			heir := w.place(t, owner.organization, "heir@acme.example", permission.Admin, access.Active)
			transfer := "POST " + org + "/transfer-ownership"
			w.Refused(t, 403, "wrong_password", transfer, owner.token, map[string]any{"user_id": heir.user, "password": "another-password"})
			w.Refused(t, 403, "session_required", transfer, owner.key, map[string]any{"user_id": heir.user, "password": password})
			w.Must(t, 200, transfer, owner.token, map[string]any{"user_id": heir.user, "password": password})
			for p, role := range map[person]string{owner: "admin", heir: "owner"} {
				if got := w.Must(t, 200, "GET "+p.in(org), heir.key, nil); got.String("member", "role") != role {
					t.Errorf("want %s: %s", role, got.Raw)
				}
			}
		}},
		{"what a removal ends is shown before it", func(t *testing.T, w world, owner person, org string) {
			a := w.place(t, owner.organization, "a@acme.example", permission.Member, access.Active)
			before := w.dump(t)
			if shown := w.Must(t, 200, "DELETE "+a.in(org)+"?preview=true", owner.key, nil); !strings.Contains(string(shown.Raw), `"key_`) {
				t.Errorf("preview: %s", shown.Raw)
			}
			if fmt.Sprint(w.dump(t)) != fmt.Sprint(before) {
				t.Error("the preview changed something")
			}
			w.Must(t, 200, "DELETE "+a.in(org), owner.key, nil)
			w.Refused(t, 401, "invalid_key", "POST /v1/authorize", a.key, nil)
		}},
		{"an import is rehearsed row by row, and harmless to repeat", func(t *testing.T, w world, owner person, org string) {
			file := "\ufeffRole,E-Mail,metadata.department\r\nmember,new@example.com,Engineering\r\nmember,NEW@example.com,\r\n" +
				"wizard,other@example.com,\r\nmember,owner@acme.example,\r\nmember,not an address,\r\n"
			invite := func(query string) []any {
				return w.Must(t, 200, "POST "+org+"/members/invite/bulk"+query, owner.key, file, "Content-Type", "text/csv").At("results").([]any)
			}
			before := w.dump(t)
			for _, step := range []struct {
				query string
				want  []string
			}{
				{"?dry_run=true", []string{"done", "unchanged", "failed", "failed", "failed"}},
				{"", []string{"done", "unchanged", "failed", "failed", "failed"}},
				{"", []string{"unchanged", "unchanged", "failed", "failed", "failed"}},
			} {
				var got []string
				for _, result := range invite(step.query) {
					got = append(got, result.(map[string]any)["status"].(string))
				}
				if !slices.Equal(got, step.want) {
					t.Errorf("%+v: %v", step, got)
				}
				if step.query != "" && fmt.Sprint(w.dump(t)) != fmt.Sprint(before) {
					t.Error("a rehearsal changed something")
				}
			}
			if n := w.mailsOf(t, "new@example.com", mail.Invitation); n != 1 {
				t.Errorf("%d mails", n)
			}
		}},
		{"bulk calls answer entry by entry, can be rehearsed and repeated", func(t *testing.T, w world, owner person, org string) {
			a := w.place(t, owner.organization, "a@acme.example", permission.Member, access.Active)
			body := map[string]any{"user_ids": []id.User{a.user, id.NewUser(w.Now())}}
			for _, step := range []struct{ query, status string }{{"?dry_run=true", "done"}, {"", "done"}, {"", "unchanged"}} {
				answer := w.Must(t, 200, "POST "+org+"/members/bulk-remove"+step.query, owner.key, body)
				results := answer.At("results").([]any)
				if first := results[0].(map[string]any); first["status"] != step.status || results[1].(map[string]any)["status"] != "failed" {
					t.Errorf("%+v: %s", step, answer.Raw)
				}
			}
		}},
	})
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// shape is which members an object has, and of which kinds.
func shape(v any) string {
	object, _ := v.(map[string]any)
	kinds := map[string]string{}
	for name, value := range object {
		kinds[name] = fmt.Sprintf("%T", value)
	}
	return fmt.Sprint(kinds)
}

// TestWhatPeersGotWrong has what users of comparable software reported most, each
// by its project and number.
func TestWhatPeersGotWrong(t *testing.T) {
	t.Parallel()
	play(t, []rule{
		{"better-auth 9154, otari 668: accepted twice at once", func(t *testing.T, w world, owner person, org string) {
			w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			body := map[string]any{"token": w.mailed(t, "a@example.com"), "password": password, "name": "A"}
			var wg sync.WaitGroup
			answers := make([]rostertest.Response, 10)
			for i := range answers {
				wg.Go(func() { answers[i] = w.Call(t, acceptInvite, "", body) })
			}
			wg.Wait()
			accepted := 0
			for _, a := range answers {
				if a.Status == 200 {
					accepted++
				} else if a.Status != 409 && a.Status != 410 {
					t.Errorf("%d %s", a.Status, a.Raw)
				}
			}
			if n := w.mailsOf(t, "a@example.com", mail.Welcome); accepted != 1 || n != 1 {
				t.Errorf("%d accepted, %d welcomed", accepted, n)
			}
		}},
		{"better-auth 6710: an unknown role is taken", func(t *testing.T, w world, owner person, org string) {
			for request, body := range map[string]map[string]any{
				"POST " + org + "/members/invite": {"email": "a@example.com", "role": "wizard"},
				"PUT " + owner.in(org):            {"role": "wizard"},
			} {
				if refused := w.Must(t, 422, request, owner.key, body); !strings.Contains(string(refused.Raw), `"/role"`) {
					t.Errorf("%s: %s", request, refused.Raw)
				}
			}
		}},
		{"better-auth 9452: inviting again does nothing", func(t *testing.T, w world, owner person, org string) {
			w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			w.invited(t, org, owner.key, map[string]any{"email": "a@example.com", "message": "please"})
			if n := w.mailsOf(t, "a@example.com", mail.Invitation); n != 2 {
				t.Errorf("%d mails", n)
			}
		}},
		{"better-auth 10509: an error without a code", func(t *testing.T, w world, owner person, org string) {
			for _, request := range []string{
				"GET /nowhere", "POST /auth/login", "GET " + org + "/members?sort=size", "DELETE " + org + "/invitations/junk", "POST " + org + "/members/invite",
			} {
				answer := w.Call(t, request, owner.key, nil)
				if answer.Status < 400 || answer.Code() == "" || answer.Header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%s: %d %s", request, answer.Status, answer.Raw)
				}
			}
		}},
		{"better-auth 8826: an owner cannot invite an owner", func(t *testing.T, w world, owner person, org string) {
			w.invited(t, org, owner.key, map[string]any{"email": "a@example.com", "role": "owner"})
			a := w.joined(t, "a@example.com")
			w.Must(t, 200, "PUT "+owner.in(org), a.token, map[string]any{"role": "admin"})
		}},
		{"keycloak 38809: pending invitations are not seen", func(t *testing.T, w world, owner person, org string) {
			w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			for _, request := range []string{"GET " + org + "/invitations", "GET " + org + "/members?status=pending", "GET " + org + "/members"} {
				if listed := w.Must(t, 200, request, owner.key, nil); !strings.Contains(string(listed.Raw), "a@example.com") {
					t.Errorf("%s: %s", request, listed.Raw)
				}
			}
		}},
		{"keycloak 36569: the second click on a link breaks", func(t *testing.T, w world, owner person, org string) {
			a := w.owner(t, "a@example.com", "")
			w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			body := map[string]any{"token": w.mailed(t, "a@example.com")}
			w.Must(t, 200, acceptInvite, a.token, body)
			w.Refused(t, 410, "invitation_gone", "GET /auth/invitations/"+body["token"].(string), "", nil)
			if again := w.Must(t, 200, acceptInvite, a.token, body); again.String("organization", "id") != string(owner.organization) {
				t.Errorf("again: %s", again.Raw)
			}
		}},
		{"keycloak 45553: members are invited", func(t *testing.T, w world, owner person, org string) {
			w.Refused(t, 409, "already_member", "POST "+org+"/members/invite", owner.key, map[string]any{"email": "OWNER@acme.example"})
		}},
		{"zitadel 9860: three wrong codes lose the person", func(t *testing.T, w world, owner person, org string) {
			w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			token := w.mailed(t, "a@example.com")
			for range 5 {
				w.Must(t, 404, acceptInvite, "", map[string]any{"token": token[:len(token)-4] + "AAAA", "password": password})
			}
			w.joined(t, "a@example.com")
		}},
		{"zitadel 8850: that it expired is told too late", func(t *testing.T, w world, owner person, org string) {
			w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			token := w.mailed(t, "a@example.com")
			w.Advance(8 * 24 * time.Hour)
			w.Refused(t, 410, "invitation_expired", "GET /auth/invitations/"+token, "", nil)
		}},
		{"supabase 2180: an invitation is not sent again", func(t *testing.T, w world, owner person, org string) {
			invited := w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			w.Must(t, 200, "POST "+org+"/invitations/"+invited.String("invitation", "id")+"/resend", owner.key, nil)
			if n := w.mailsOf(t, "a@example.com", mail.Invitation); n != 2 {
				t.Errorf("%d mails", n)
			}
		}},
		{"supabase 101: who follows a link sees JSON", func(t *testing.T, w world, owner person, org string) {
			invited := w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			page, _, _ := strings.Cut(strings.TrimPrefix(invited.String("invitation", "link"), w.PublicURL), "#")
			if got := w.Must(t, 200, "GET "+page, "", nil); !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
				t.Errorf("%s is %s", page, got.Header.Get("Content-Type"))
			}
		}},
		{"logto 8331: the role can be changed in the link", func(t *testing.T, w world, owner person, org string) {
			invited := w.invited(t, org, owner.key, map[string]any{"email": "a@example.com", "role": "viewer"})
			if link := invited.String("invitation", "link"); strings.Contains(link, "viewer") || strings.Contains(link, "?") {
				t.Errorf("link %s", link)
			}
			w.Must(t, 400, acceptInvite, "", map[string]any{
				"token": w.mailed(t, "a@example.com"), "password": password, "name": "A", "role": "owner"})
			a := w.joined(t, "a@example.com")
			if got := w.Must(t, 200, "GET "+a.in(org), a.token, nil); got.String("member", "role") != "viewer" {
				t.Errorf("role: %s", got.Raw)
			}
		}},
		{"kratos 2525: there is no way to invite", func(t *testing.T, w world, owner person, org string) {
			w.Must(t, 201, "POST /auth/register-invite", owner.token, map[string]any{"email": "a@example.com", "role": "member"})
			w.joined(t, "a@example.com")
		}},
		{"distr 1250: who let an invitation expire cannot be invited", func(t *testing.T, w world, owner person, org string) {
			w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			w.Advance(31 * 24 * time.Hour)
			w.invited(t, org, owner.key, map[string]any{"email": "a@example.com"})
			w.joined(t, "a@example.com")
		}},
		{"hatchet 3230, chainloop 3264, zulip 15460: an admin makes an owner by an invitation", func(t *testing.T, w world, owner person, org string) {
			admin := w.place(t, owner.organization, "admin@acme.example", permission.Admin, access.Active)
			invited := w.invited(t, org, owner.key, map[string]any{"email": "a@example.com", "role": "owner"})
			at := org + "/invitations/" + invited.String("invitation", "id")
			for _, request := range []string{"POST " + at + "/resend", "DELETE " + at} {
				w.Must(t, 403, request, admin.key, nil)
			}
			w.Must(t, 403, "POST "+org+"/members/invite", admin.key, map[string]any{"email": "a@example.com", "role": "member"})
		}},
		{"objectstack 15396: the session of a removed member goes on", func(t *testing.T, w world, owner person, org string) {
			a := w.place(t, owner.organization, "a@acme.example", permission.Admin, access.Active)
			w.Must(t, 200, "GET "+org+"/members", a.token, nil)
			w.Must(t, 200, "DELETE "+a.in(org), owner.key, nil)
			w.Refused(t, 403, "not_a_member", "GET "+org+"/members", a.token, nil)
			w.Refused(t, 401, "invalid_key", "GET "+org+"/members", a.key, nil)
		}},
		{"novu 1232: a removal kills keys that others share", func(t *testing.T, w world, owner person, org string) {
			admin := w.place(t, owner.organization, "admin@acme.example", permission.Admin, access.Active)
			made := w.Must(t, 201, "POST "+org+"/service-accounts", admin.key, map[string]any{"name": "bot", "role": "member"})
			secret := w.newKey(t, admin.key, owner.organization, id.User(made.String("member", "user_id")))
			w.Must(t, 200, "POST /v1/authorize", secret, nil)
			w.Must(t, 200, "DELETE "+admin.in(org), owner.key, nil)
			w.Must(t, 200, "POST /v1/authorize", secret, nil)
		}},
		{"outline 3735: keys keep what their member lost", func(t *testing.T, w world, owner person, org string) {
			admin := w.place(t, owner.organization, "admin@acme.example", permission.Admin, access.Active)
			w.Must(t, 200, "GET "+org+"/invitations", admin.key, nil)
			w.Must(t, 200, "PUT "+admin.in(org), owner.key, map[string]any{"role": "member"})
			w.Refused(t, 403, "permission_denied", "GET "+org+"/invitations", admin.key, nil)
		}},
		{"dust 12140: limits on tries are passed by many at once", func(t *testing.T, w world, owner person, org string) {
			var wg sync.WaitGroup
			answers := make([]rostertest.Response, 12)
			for i := range answers {
				wg.Go(func() {
					answers[i] = w.Call(t, "POST "+org+"/members/invite", owner.key, map[string]any{"email": "a@example.com"})
				})
			}
			wg.Wait()
			for _, a := range answers {
				if a.Status != 201 && a.Status != 429 {
					t.Errorf("%d %s", a.Status, a.Raw)
				}
			}
			if n := w.mailsOf(t, "a@example.com", mail.Invitation); n != 3 {
				t.Errorf("%d mails within a day", n)
			}
		}},
	})
}
