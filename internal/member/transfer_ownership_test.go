package member_test

import (
	"sync"
	"testing"

	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/account"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/policy"
	"roster/internal/rostertest"
	"roster/internal/table"
	"roster/internal/user"
)

// withAccount gives a member an account, logged in to the organization, and returns
// the token.
func withAccount(t testing.TB, r *rostertest.Roster, m membertest.Member, verified bool) string {
	t.Helper()
	u := user.User{ID: m.ID, Email: m.Email, Name: "Someone", Password: user.HashPassword("newpassword123"), PasswordLength: 14, Verified: verified, CreatedAt: r.Now(), Version: 1}
	if err := r.Table.Transact(t.Context(), user.Create(u, user.ErrEmailTaken)...); err != nil {
		t.Fatal(err)
	}
	return r.Must(t, 200, "POST /auth/login", "", map[string]any{
		"email": m.Email, "password": "newpassword123", "org_id": m.Organization}).String("access_token")
}

func transfer(m membertest.Member) string {
	return "POST /api/organizations/" + string(m.Organization) + "/transfer-ownership"
}

func TestOwnershipIsHandedOver(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, account.Endpoints)
	owner := membertest.Found(t, r)
	token := withAccount(t, r, owner, true)
	third := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Owner})
	heir := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	withAccount(t, r, heir, true)
	unverified := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	withAccount(t, r, unverified, false)
	suspended := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member, Status: access.Suspended})
	bot := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Gateway, Kind: member.ServiceAccount, Name: "Bot"})
	r.Arrange(t)

	proof := func(to id.User) map[string]any {
		return map[string]any{"user_id": to, "password": "newpassword123"}
	}
	for _, tt := range []struct {
		status     int
		code       string
		credential string
		body       map[string]any
	}{
		{403, "session_required", owner.Secret, proof(heir.ID)},
		{403, "wrong_password", token, map[string]any{"user_id": heir.ID, "password": "guess"}},
		{409, "already_owner", token, proof(third.ID)},
		{409, "already_owner", token, proof(owner.ID)},
		{409, "cannot_own", token, proof(unverified.ID)},
		{409, "cannot_own", token, proof(suspended.ID)},
		{409, "cannot_own", token, proof(bot.ID)},
		{404, "member_not_found", token, proof(id.NewUser(r.Now()))},
	} {
		r.Refused(t, tt.status, tt.code, transfer(owner), tt.credential, tt.body)
	}
	o, err := organization.Get(t.Context(), r.Table, owner.Organization)
	if err != nil {
		t.Fatal(err)
	}
	demanding := *o
	demanding.Policy = policy.Policy{TwoFactorSince: r.Now()}
	_, save := organization.Save(*o, demanding, r.Now())
	lax := demanding
	lax.Policy = policy.Policy{}
	_, back := organization.Save(demanding, lax, r.Now())
	back.Values["read"] = o.Version + 1
	if err := r.Table.Transact(t.Context(), save); err != nil {
		t.Fatal(err)
	}
	membertest.Change(t, r, owner.Organization, owner.ID, func(m *member.Member) { m.TwoFactor = true })
	r.Refused(t, 409, "target_two_factor_required", transfer(owner), token, proof(heir.ID))
	if err := r.Table.Transact(t.Context(), back); err != nil {
		t.Fatal(err)
	}

	r.Forget(t)
	done := r.Must(t, 200, transfer(owner), token, proof(heir.ID))
	if done.String("owner", "role") != "owner" || done.String("owner", "user_id") != string(heir.ID) ||
		done.String("previous_owner", "role") != "admin" || done.String("previous_owner", "user_id") != string(owner.ID) {
		t.Errorf("%s", done.Raw)
	}
	for _, m := range []membertest.Member{owner, heir, third} {
		if got := r.Mails(t, string(m.Email)); len(got) != 1 || got[0].Kind != mail.OwnershipTransferred {
			t.Errorf("mails to %s: %v", m.Email, got)
		}
	}
	r.Must(t, 200, "GET "+path(heir), heir.Secret, nil)
	r.Refused(t, 403, "permission_denied", transfer(owner), token, proof(heir.ID)) // a repeat does nothing
	counted, found := owners(t, r, owner, heir, third)
	if counted != 2 || found != 2 {
		t.Errorf("%d owners counted, %d found, want 2", counted, found)
	}
	items, err := r.Table.QueryAll(t.Context(), table.Query{PK: table.AuditEvent(owner.Organization, "2026-11", "").PK})
	if err != nil || len(items) != 1 {
		t.Errorf("%d events (%v), want one", len(items), err)
	}
}

// TestOfTransfersAtOnceOneIsMade, also beside whatever else befalls owner and heir.
func TestOfTransfersAtOnceOneIsMade(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, account.Endpoints)
	for range 10 {
		owner := membertest.Found(t, r)
		token := withAccount(t, r, owner, true)
		var heirs []membertest.Member
		for range 4 {
			heir := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
			withAccount(t, r, heir, true)
			heirs = append(heirs, heir)
		}
		var (
			all  sync.WaitGroup
			mu   sync.Mutex
			done int
		)
		try := func(request string, body any) {
			all.Go(func() {
				got := r.Call(t, request, token, body)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case got.Status == 200:
					done++
				case got.Status == 403 || got.Code() == "last_owner" || got.Code() == "cannot_own":
				default:
					t.Errorf("%s: %s", request, got.Raw)
				}
			})
		}
		for _, heir := range heirs {
			try(transfer(owner), map[string]any{"user_id": heir.ID, "password": "newpassword123"})
		}
		try("PUT "+path(owner), map[string]any{"role": "admin"})
		try("POST "+members(owner)+"/leave", nil)
		all.Wait()
		counted, found := owners(t, r, append(heirs, owner)...)
		if counted != 1 || found != 1 {
			t.Fatalf("%d succeeded, %d owners counted, %d found", done, counted, found)
		}
	}
}

// TestHistoriesOfOwnership: whatever owners do with their role, there is one at
// least, and as many as are counted.
func TestHistoriesOfOwnership(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, account.Endpoints)
	rapid.Check(t, func(rt *rapid.T) {
		people := []membertest.Member{membertest.Found(t, r)}
		for range 2 {
			people = append(people, membertest.Add(t, r, member.Member{Organization: people[0].Organization, Role: permission.Member}))
		}
		var tokens []string
		for _, m := range people {
			tokens = append(tokens, withAccount(t, r, m, true))
		}
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			by, to := rapid.IntRange(0, 2).Draw(rt, "by"), rapid.IntRange(0, 2).Draw(rt, "to")
			var got rostertest.Response
			switch rapid.SampledFrom([]string{"transfer", "make", "unmake", "suspend", "unsuspend", "leave"}).Draw(rt, "does") {
			case "transfer":
				got = r.Call(t, transfer(people[0]), tokens[by], map[string]any{"user_id": people[to].ID, "password": "newpassword123"})
			case "make":
				got = r.Call(t, "PUT "+path(people[to]), tokens[by], map[string]any{"role": "owner"})
			case "unmake":
				got = r.Call(t, "PUT "+path(people[to]), tokens[by], map[string]any{"role": "member"})
			case "suspend":
				got = r.Call(t, "POST "+path(people[to])+"/suspend", tokens[by], nil)
			case "unsuspend":
				got = r.Call(t, "POST "+path(people[to])+"/unsuspend", tokens[by], nil)
			case "leave":
				got = r.Call(t, "POST "+members(people[0])+"/leave", tokens[by], nil)
			}
			if got.Status >= 500 {
				rt.Fatalf("%s", got.Raw)
			}
			if counted, found := owners(t, r, people...); counted != found || found < 1 {
				rt.Fatalf("%d owners counted, %d found after %s", counted, found, got.Raw)
			}
		}
	})
}
