package acceptance_test

import (
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/policy"
	"roster/internal/rostertest"
	"roster/internal/route"
	"roster/internal/totp"
	"roster/internal/user"
)

// demand changes what an organization demands, whatever the rules.
func (w world) demand(t testing.TB, org id.Organization, change func(*organization.Organization)) {
	t.Helper()
	read, err := organization.Get(t.Context(), w.Table, org)
	if err != nil {
		t.Fatal(err)
	}
	changed := *read
	change(&changed)
	_, save := organization.Save(*read, changed, w.Now())
	w.transact(t, save)
}

// TestMatrixOfUnmetDemands asks every route as people who do not meet what their
// organization demands. A new route is closed to them unless it is added here.
func TestMatrixOfUnmetDemands(t *testing.T) {
	t.Parallel()
	open := map[string][]route.ID{
		"two_factor_required": {route.GetSecurity, route.LeaveOrganization, route.AcceptPolicy},
		"policy_not_accepted": {route.GetSecurity, route.LeaveOrganization, route.AcceptPolicy, route.GetOrganization, route.RestoreOrganization},
	}
	w := newWorld(t)
	for _, unmet := range [][]string{{"two_factor_required"}, {"policy_not_accepted"}, {"two_factor_required", "policy_not_accepted"}} {
		name := strings.Join(unmet, "-and-")
		own := w.owner(t, email.LowerASCII(name)+"@acme.example", "Acme").organization
		w.demand(t, own, func(o *organization.Organization) {
			if slices.Contains(unmet, "two_factor_required") {
				o.Policy = policy.Policy{TwoFactorSince: w.Now()}
			}
			if slices.Contains(unmet, "policy_not_accepted") {
				o.PolicyURL, o.RequirePolicyAcceptance = "https://acme.example/policy", true
			}
		})
		for _, role := range permission.BuiltIn {
			p := w.place(t, own, role.Name+"."+name+"@acme.example", role.Name, access.Active)
			for credential, secret := range map[string]string{"token": p.token, "key": p.key} {
				t.Run(name+"/"+role.Name+"/"+credential, func(t *testing.T) {
					t.Parallel()
					for _, r := range route.All {
						want := expected(r, role, access.Active, credential)
						if r.Access == route.Member && role.Name != permission.Gateway {
							closed := slices.IndexFunc(unmet, func(code string) bool { return !slices.Contains(open[code], r.ID) })
							if closed >= 0 {
								want = unmet[closed]
							}
						}
						answer := w.probe(t, r, secret, own)
						if want == "" && !passed(answer) || want != "" && answer.Code() != want {
							t.Errorf("%s: %d %s, want %q", r.Key, answer.Status, answer.Raw, want)
						}
					}
				})
			}
		}
	}
}

// TestHistoriesOfRequiredTwoFactor lets an owner, and somebody else in another
// organization, require two-factor authentication and not, while the owner turns
// their own on and off, logs in and moves between the two. Whoever lacks it acts
// nowhere where it is required, by no credential; whoever has it acts everywhere; and
// they can always set it up.
func TestHistoriesOfRequiredTwoFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people := 0
	rapid.Check(t, func(rt *rapid.T) {
		people++
		ada := user.User{
			ID: id.NewUser(w.Now()), Email: email.Address(fmt.Sprintf("ada%d@example.com", people)), Name: "Ada",
			Password: user.HashPassword(password), PasswordLength: 14, Verified: true, CreatedAt: w.Now(), Version: 1,
		}
		w.transact(t, user.Create(ada, user.ErrEmailTaken)...)
		var (
			orgs     [2]id.Organization
			keys     [2]string
			required [2]time.Time
			on       bool
			secret   totp.Secret
			session  rostertest.Response
		)
		bob := "" // an owner of the second one, who has two-factor authentication
		for i, role := range []string{permission.Owner, permission.Member} {
			o := organization.New(w.Now(), "Acme")
			orgs[i] = o.ID
			founder, text := w.keyed(o.ID, id.NewUser(w.Now()), permission.Owner, "bob@example.com")
			founder.TwoFactor = true
			w.transact(t, append(member.CreateFounder(founder, w.Now()), organization.Create(o))...)
			bob = text
			m, text := w.keyed(o.ID, ada.ID, role, ada.Email)
			keys[i] = text
			w.transact(t, member.Save(nil, m, w.Now())...)
		}
		call := func(request, credential string, body any) rostertest.Response {
			return w.Call(t, request, credential, body)
		}
		code := func() string { return secret.Code(totp.StepAt(w.Now())) }
		token := func() string { return session.String("access_token") }
		login := func() {
			body := map[string]any{"email": ada.Email, "password": password}
			if on {
				body["otp"] = code()
			}
			session = w.Must(t, 200, "POST /auth/login", "", body)
		}
		login()
		require := func(i int, by string, given bool) {
			body := map[string]any{"require_two_factor": given}
			grace := 0
			if given {
				grace = rapid.SampledFrom([]int{0, 1}).Draw(rt, "grace")
				body["two_factor_grace_days"] = grace
			}
			got := call("PUT /api/organizations/"+string(orgs[i])+"/security", by, body)
			began := required[i].IsZero()
			want := 200
			if i == 0 && !on {
				switch {
				case !began && !w.Now().Before(required[0]):
					want = 403
				case given && began:
					want = 409
				}
			}
			if got.Status != want {
				rt.Fatalf("requiring: %d %s, want %d", got.Status, got.Raw, want)
			}
			if want != 200 {
				return
			}
			required[i] = time.Time{}
			if from := got.String("security", "two_factor_required_from"); from != "" {
				required[i], _ = time.Parse(time.RFC3339, from)
			}
		}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"require", "stop", "enable", "disable", "log in", "switch", "wait"}).Draw(rt, "does") {
			case "require":
				if i := rapid.IntRange(0, 1).Draw(rt, "where"); i == 0 {
					require(0, keys[0], true)
				} else {
					require(1, bob, true)
				}
			case "stop":
				if i := rapid.IntRange(0, 1).Draw(rt, "where"); i == 0 {
					require(0, keys[0], false)
				} else {
					require(1, bob, false)
				}
			case "enable":
				setup := call("POST /auth/2fa/setup", token(), map[string]any{"password": password})
				if (setup.Status == 200) == on {
					rt.Fatalf("on %t: %s", on, setup.Raw)
				}
				if !on {
					secret, _ = base32.StdEncoding.DecodeString(setup.String("secret"))
					w.Must(t, 200, "POST /auth/2fa/enable", token(), map[string]any{"otp": code()})
					on = true
				}
			case "disable":
				if on {
					w.Must(t, 200, "POST /auth/2fa/disable", token(), map[string]any{"password": password, "otp": code()})
					on = false
				}
			case "log in":
				login()
			case "switch":
				i := rapid.IntRange(0, 1).Draw(rt, "to")
				session = w.Must(t, 200, "POST /auth/switch-org", token(), map[string]any{"org_id": orgs[i]})
			case "wait":
				w.Advance(12 * time.Hour)
			}
			w.Advance(time.Minute)
			session = w.Must(t, 200, "POST /auth/refresh", "", map[string]any{"refresh_token": session.String("refresh_token")})
			for i, org := range orgs {
				barred := !on && !required[i].IsZero() && !w.Now().Before(required[i])
				asked := map[string]string{"a key": keys[i]}
				if session.OrganizationOf() == org {
					asked["a token"] = token()
				}
				for what, credential := range asked {
					got := call("GET /api/organizations/"+string(org), credential, nil)
					if barred != (got.Code() == "two_factor_required") || !barred && got.Status != 200 {
						rt.Fatalf("on %t, required from %v: %s is answered %s", on, required[i], what, got.Raw)
					}
				}
				got := call("POST /v1/authorize", keys[i], nil)
				if barred != (got.Code() == "two_factor_required") || !barred && got.Status != 200 {
					rt.Fatalf("on %t, required from %v: authorize is answered %s", on, required[i], got.Raw)
				}
			}
			if got := call("POST /auth/2fa/setup", token(), map[string]any{"password": password}); (got.Status == 200) == on {
				rt.Fatalf("on %t: setting up is answered %s", on, got.Raw)
			}
		}
	})
}

// keyed is a member of an organization with an API key, not stored yet.
func (w world) keyed(org id.Organization, u id.User, role string, address email.Address) (member.Member, string) {
	now := w.Now()
	key := id.NewKey(now, u)
	text, digest := access.NewKeyText(org, u, key)
	return member.Member{
		ID: u, Organization: org, Kind: member.Person, Email: address, Role: role, Status: access.Active, Epoch: 1, CreatedAt: now,
		Keys: map[id.Key]access.KeyRecord{key: {Name: "key", Digest: digest[:], CreatedBy: u, CreatedAt: now}},
	}, text
}

// TestASessionIsJudgedByEachOrganization: what one demands of sessions does not end
// those of others, and a new log-in is let in.
func TestASessionIsJudgedByEachOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.owner(t, "owner@acme.example", "Acme")
	strict := p.organization
	lax := id.Organization(w.Must(t, 201, "POST /api/organizations", p.token, map[string]any{"name": "Lax"}).String("organization", "id"))
	path := "/api/organizations/" + string(strict) + "/security"
	login := func(org id.Organization) rostertest.Response {
		return w.Must(t, 200, "POST /auth/login", "", map[string]any{"email": p.email, "password": password, "org_id": org})
	}
	refresh := func(in rostertest.Response) rostertest.Response {
		return w.Must(t, 200, "POST /auth/refresh", "", map[string]any{"refresh_token": in.String("refresh_token")})
	}
	enter := func(in rostertest.Response, org id.Organization) rostertest.Response {
		return w.Call(t, "POST /auth/switch-org", in.String("access_token"), map[string]any{"org_id": org})
	}
	expectEnded := func(in rostertest.Response, code string) {
		t.Helper()
		if in.At("organization") != nil || in.String("ended", "code") != code || in.String("ended", "id") != string(strict) {
			t.Errorf("want %s: %s", code, in.Raw)
		}
		if got := enter(in, strict); got.Code() != code {
			t.Errorf("switched: %s, want %s", got.Raw, code)
		}
	}

	w.Must(t, 200, "PUT "+path, p.key, map[string]any{"session_hours": 2, "idle_minutes": 30})
	in := login(strict)
	for range 5 {
		w.Advance(20 * time.Minute)
		if in = refresh(in); in.OrganizationOf() != strict {
			t.Fatalf("a session that is used: %s", in.Raw)
		}
	}
	w.Advance(20 * time.Minute)
	expectEnded(refresh(in), "session_expired")

	in = login(strict)
	w.Advance(31 * time.Minute)
	in = refresh(in)
	expectEnded(in, "session_idle")
	in = refresh(in)
	expectEnded(in, "session_idle") // it rested, whatever it did since
	if got := enter(in, lax); got.Status != 200 {
		t.Errorf("the other organization ended too: %s", got.Raw)
	}
	if got := login(strict); got.OrganizationOf() != strict {
		t.Errorf("a new log-in: %s", got.Raw)
	}

	before := login(strict)
	w.Must(t, 200, "PUT "+path, p.key, map[string]any{"session_hours": nil, "idle_minutes": nil, "password_min_length": 20})
	in = login(strict)
	expectEnded(in, "password_change_required")
	expectEnded(refresh(before), "password_change_required")
	w.Must(t, 200, "PUT "+path, p.key, map[string]any{"password_min_length": nil})
	for _, session := range []rostertest.Response{in, before} {
		if got := enter(session, strict); got.OrganizationOf() != strict {
			t.Errorf("after the demand was dropped: %s", got.Raw)
		}
	}
}

// TestAnEndedSessionDoesNotReturnByAnInvitation: who comes back logs in.
func TestAnEndedSessionDoesNotReturnByAnInvitation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.owner(t, "owner@acme.example", "Acme")
	path := "/api/organizations/" + string(p.organization)
	m := w.place(t, p.organization, "m@acme.example", "member", "active")
	session := w.Must(t, 200, "GET /auth/sessions", m.token, nil).At("sessions").([]any)[0].(map[string]any)["id"].(string)
	w.Must(t, 200, "DELETE "+path+"/members/"+string(m.user)+"/sessions/"+session, p.key, nil)
	w.Must(t, 200, "DELETE "+path+"/members/"+string(m.user), p.key, nil)
	w.LastMail(t, m.email) // of the removal
	w.invite(t, p, m.email, "member")
	body := map[string]any{"token": w.LastMail(t, m.email).LinkToken()}
	w.Refused(t, 401, "session_ended", "POST /auth/accept-invite", m.token, body)
	anew := w.Must(t, 200, "POST /auth/login", "", map[string]any{"email": m.email, "password": password}).String("access_token")
	w.Must(t, 200, "POST /auth/accept-invite", anew, body)
	w.Refused(t, 401, "session_ended", "POST /auth/accept-invite", m.token, body)
}

// TestPeopleOfOtherDomainsDoNotBecomeMembers by any way in, also where they were on
// it before; who is a member stays.
func TestPeopleOfOtherDomainsDoNotBecomeMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.owner(t, "owner@elsewhere.example", "Acme")
	path := "/api/organizations/" + string(p.organization)
	w.Must(t, 200, "PUT "+path, p.key, map[string]any{"allow_join_requests": true})
	asks := w.owner(t, "asks@other.example", "")
	invited := w.owner(t, "invited@other.example", "")
	request := w.Must(t, 201, "POST "+path+"/join-requests", asks.token, map[string]any{}).String("join_request", "id")
	invitation := w.invite(t, p, invited.email, "member").String("invitation", "id")
	link := w.LastMail(t, invited.email).LinkToken()
	w.invite(t, p, "new@other.example", "member")
	fresh := w.LastMail(t, "new@other.example").LinkToken()

	w.Must(t, 200, "PUT "+path+"/security", p.key, map[string]any{"allowed_email_domains": []string{"acme.example", "*.acme.example"}})
	const code = "email_domain_not_allowed"
	w.Refused(t, 403, code, "POST "+path+"/members/invite", p.key, map[string]any{"email": "more@other.example", "role": "member"})
	w.Refused(t, 403, code, "POST "+path+"/invitations/"+invitation+"/resend", p.key, nil)
	w.Refused(t, 403, code, "POST /auth/accept-invite", invited.token, map[string]any{"token": link})
	w.Refused(t, 403, code, "POST /auth/accept-invite", "", map[string]any{"token": fresh, "password": password, "name": "New"})
	w.Refused(t, 403, code, "POST "+path+"/join-requests", invited.token, map[string]any{})
	w.Refused(t, 403, code, "POST /api/admin/organization/join-requests/"+request+"/approve", p.key, map[string]any{})
	w.Must(t, 200, "GET "+path, p.key, nil)
	w.invite(t, p, "eu@eu.acme.example", "member")
	gateway := w.Must(t, 201, "POST "+path+"/service-accounts", p.key, map[string]any{"name": "gateway"}).String("member", "user_id")
	outside := func() (all []string) {
		for _, row := range w.Must(t, 200, "GET "+path+"/members", p.key, nil).At("members").([]any) {
			if of := row.(map[string]any); of["outside_allowed_domains"] == true {
				all = append(all, of["email"].(string))
			}
		}
		return all
	}
	if got := outside(); !slices.Equal(got, []string{"asks@other.example", invited.email, "new@other.example", p.email}) {
		t.Errorf("outside of the domains are %v", got)
	}
	for of, want := range map[string]any{string(p.user): true, gateway: nil} {
		if got := w.Must(t, 200, "GET "+path+"/members/"+of, p.key, nil).At("member", "outside_allowed_domains"); got != want {
			t.Errorf("%s: %v, want %v", of, got, want)
		}
	}

	w.Must(t, 200, "PUT "+path+"/security", p.key, map[string]any{"allowed_email_domains": nil})
	if got := outside(); len(got) != 0 {
		t.Errorf("outside of no domains are %v", got)
	}
	w.Must(t, 200, "POST /auth/accept-invite", invited.token, map[string]any{"token": link})
}

// TestPasswordsThatNobodyChooses: where a password is set, by the rules of the
// organization that is joined too.
func TestPasswordsThatNobodyChooses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.owner(t, "owner@acme.example", "Analytical")
	w.Must(t, 200, "PUT /api/organizations/"+string(p.organization)+"/security", p.key, map[string]any{"password_min_length": 16})
	shown := w.invite(t, p, "new@example.com", "member").String("invitation", "link")
	link := w.LastMail(t, "new@example.com").LinkToken()
	for _, call := range []struct {
		request string
		body    map[string]any
	}{
		{"POST /auth/register", map[string]any{"email": "ada@example.com", "name": "Ada", "password": "password2026"}},
		{"POST /auth/register", map[string]any{"email": "ada@example.com", "name": "Ada Lovelace", "password": "lovelace42"}},
		{"POST /auth/accept-invite", map[string]any{"token": link, "name": "New", "password": password}},
		{"POST /auth/accept-invite", map[string]any{"token": shown[len(shown)-len(link):], "name": "New", "password": password}},
	} {
		answer := w.Must(t, 422, call.request, "", call.body)
		if faults, _ := answer.At("errors").([]any); len(faults) != 1 || faults[0].(map[string]any)["pointer"] != "/password" {
			t.Errorf("%s: %s", call.request, answer.Raw)
		}
	}
	w.Must(t, 200, "POST /auth/accept-invite", "", map[string]any{"token": link, "name": "New", "password": "newpassword123456"})
}
