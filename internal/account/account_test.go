package account_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"roster/internal/account"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/rostertest"
	"roster/internal/table"
	"roster/internal/throttle"
	"roster/internal/user"
)

const password = "newpassword123"

func registration(address, organization string) map[string]any {
	body := map[string]any{"email": address, "password": password, "name": "New User"}
	if organization != "" {
		body["organization"] = organization
	}
	return body
}

func register(t *testing.T, r *rostertest.Roster, address, organization string) rostertest.Response {
	t.Helper()
	return r.Must(t, 201, "POST /auth/register", "", registration(address, organization))
}

// verify proves an address without its mail, which package invitation tests.
func verify(t *testing.T, r *rostertest.Roster, registered rostertest.Response) {
	t.Helper()
	u, err := user.Get(t.Context(), r.Table, id.User(registered.String("user", "id")))
	if err != nil {
		t.Fatal(err)
	}
	u.Verified = true
	if err := r.Table.Transact(t.Context(), user.Save(*u, r.Now())); err != nil {
		t.Fatal(err)
	}
}

func TestRegisterWithAnOrganizationMakesItsOwner(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	registered := register(t, r, "Ada@Example.com", "Analytical Engines")
	if got := registered.String("organization", "role"); got != "owner" {
		t.Errorf("role %q, want owner\n%s", got, registered.Raw)
	}
	me := r.Must(t, 200, "GET /auth/me", registered.String("access_token"), nil)
	if got := me.String("user", "email"); got != "ada@example.com" {
		t.Errorf("email %q", got)
	}
	if got := me.String("organization", "name"); got != "Analytical Engines" {
		t.Errorf("organization %q", got)
	}
	if me.At("user", "email_verified") != false {
		t.Error("the address counts as verified before its mail link was followed")
	}
	m := r.LastMail(t, "ada@example.com")
	if m.Kind != mail.VerifyAddress || m.LinkToken() == "" {
		t.Errorf("mail %q with link %q, want the verification link", m.Kind, m.Data.Link)
	}
}

func TestAnAddressHasOneAccount(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	var (
		wg       sync.WaitGroup
		statuses [10]int
	)
	for i, spelling := range []string{"ada@example.com", "ADA@example.com", "ada@EXAMPLE.COM", "Ada@Example.Com", " ada@example.com ",
		"ada@example.com", "aDa@example.com", "adA@example.com", "ada@exAmple.com", "ada@example.com"} {
		wg.Go(func() {
			statuses[i] = r.Call(t, "POST /auth/register", "", registration(spelling, "")).Status
		})
	}
	wg.Wait()
	created := 0
	for _, status := range statuses {
		switch status {
		case 201:
			created++
		case 409:
		default:
			t.Errorf("status %d", status)
		}
	}
	if created != 1 {
		t.Errorf("%d accounts for one address", created)
	}
}

func TestLoginTellsNothingAboutUnknownAddresses(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	register(t, r, "ada@example.com", "Engines")
	login := func(address, word string) rostertest.Response {
		return r.Call(t, "POST /auth/login", "", map[string]any{"email": address, "password": word})
	}
	wrong, unknown := login("ada@example.com", "wrong password"), login("eve@example.com", "wrong password")
	for _, answer := range []rostertest.Response{wrong, unknown} {
		if answer.Status != 401 || answer.Code() != "invalid_login" {
			t.Errorf("%d %s", answer.Status, answer.Raw)
		}
	}
	if wrong.String("detail") != unknown.String("detail") {
		t.Error("the answers differ")
	}
	in := login("ADA@example.com", password)
	if in.Status != 200 || in.String("organization", "name") != "Engines" {
		t.Errorf("login: %s", in.Raw)
	}
}

func TestLoginIsThrottledPerAddressAndPlace(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	body := map[string]any{"email": "ada@example.com", "password": "guess"}
	for range 20 {
		r.Refused(t, 401, "invalid_login", "POST /auth/login", "", body)
	}
	refused := r.Refused(t, 429, "too_many_requests", "POST /auth/login", "", body)
	if refused.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	r.Refused(t, 401, "invalid_login", "POST /auth/login", "", map[string]any{"email": "eve@example.com", "password": "guess"})
	r.Advance(15 * time.Minute)
	r.Refused(t, 401, "invalid_login", "POST /auth/login", "", body)
}

func TestRefreshRotatesAndDetectsReuse(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	first := register(t, r, "ada@example.com", "Engines")
	refresh := func(token string) rostertest.Response {
		return r.Call(t, "POST /auth/refresh", "", map[string]any{"refresh_token": token})
	}
	second := refresh(first.String("refresh_token"))
	if second.Status != 200 || second.String("refresh_token") == first.String("refresh_token") {
		t.Fatalf("refresh: %s", second.Raw)
	}
	again := refresh(first.String("refresh_token"))
	if again.String("refresh_token") != second.String("refresh_token") {
		t.Errorf("a repeat at once gives another successor")
	}
	r.Advance(time.Minute)
	if reused := refresh(first.String("refresh_token")); reused.Code() != "refresh_token_reused" {
		t.Errorf("reuse after a minute: %s", reused.Raw)
	}
	if ended := refresh(second.String("refresh_token")); ended.Status != 401 {
		t.Errorf("the session goes on after its token was stolen: %s", ended.Raw)
	}
	r.Refused(t, 401, "invalid_token", "GET /auth/me", second.String("access_token"), nil)
}

func TestLogoutEndsEveryTokenOfTheSession(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "Engines")
	other := r.Must(t, 200, "POST /auth/login", "", map[string]any{"email": "ada@example.com", "password": password})
	r.Must(t, 200, "POST /auth/logout", in.String("access_token"), nil)
	r.Refused(t, 401, "invalid_token", "GET /auth/me", in.String("access_token"), nil)
	r.Refused(t, 401, "invalid_refresh_token", "POST /auth/refresh", "", map[string]any{"refresh_token": in.String("refresh_token")})
	r.Must(t, 200, "GET /auth/me", other.String("access_token"), nil)
}

func TestAccessTokensExpireAfterTenMinutes(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "Engines")
	r.Advance(10*time.Minute - time.Second)
	r.Must(t, 200, "GET /auth/me", in.String("access_token"), nil)
	r.Advance(2 * time.Second)
	r.Refused(t, 401, "invalid_token", "GET /auth/me", in.String("access_token"), nil)
}

func TestSwitchingNeedsNoNewLogin(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "Engines")
	token := in.String("access_token")
	r.Refused(t, 403, "email_unverified", "POST /api/organizations", token, map[string]any{"name": "Looms"})
	verify(t, r, in)
	created := r.Must(t, 201, "POST /api/organizations", token, map[string]any{"name": "Looms", "time_zone": "Europe/Paris"})
	looms := created.String("organization", "id")
	listed := r.Must(t, 200, "GET /auth/organizations", token, nil)
	if all := listed.At("organizations").([]any); len(all) != 2 {
		t.Fatalf("organizations: %s", listed.Raw)
	}
	switched := r.Must(t, 200, "POST /auth/switch-org", token, map[string]any{"org_id": looms})
	if switched.String("organization", "id") != looms {
		t.Errorf("switched to %s", switched.Raw)
	}
	back := r.Must(t, 200, "POST /auth/login", "", map[string]any{"email": "ada@example.com", "password": password})
	if back.String("organization", "id") != looms {
		t.Errorf("the next log-in leads to %s, want the organization used last", back.Raw)
	}
	refreshed := r.Must(t, 200, "POST /auth/refresh", "", map[string]any{"refresh_token": switched.String("refresh_token")})
	if refreshed.String("organization", "id") != looms {
		t.Errorf("refreshed into %s", refreshed.Raw)
	}
	stranger := register(t, r, "eve@example.com", "Eve's")
	foreign := r.Refused(t, 404, "organization_not_found", "POST /auth/switch-org", stranger.String("access_token"), map[string]any{"org_id": looms})
	absent := r.Refused(t, 404, "organization_not_found", "POST /auth/switch-org", stranger.String("access_token"),
		map[string]any{"org_id": id.NewOrganization(r.Now())})
	if foreign.String("detail") != absent.String("detail") {
		t.Error("a foreign organization looks other than one that does not exist")
	}
}

func TestClosedSignUpLeavesFoundingToThePlatform(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	r.OpenSignUp = false
	r.Refused(t, 403, "sign_up_closed", "POST /auth/register", "", registration("eve@example.com", "Eve's"))
	eve := register(t, r, "eve@example.com", "")
	if eve.At("organization") != nil {
		t.Errorf("an organization from nowhere: %s", eve.Raw)
	}
	r.Refused(t, 403, "sign_up_closed", "POST /api/organizations", eve.String("access_token"), map[string]any{"name": "Eve's"})

	body := registration("root@example.com", "Provider")
	body["setup_token"] = "guessed"
	r.Refused(t, 403, "invalid_setup_token", "POST /auth/register", "", body)
	body["setup_token"] = rostertest.SetupToken
	root := r.Must(t, 201, "POST /auth/register", "", body)
	if root.At("user", "platform_administrator") != true || root.String("organization", "name") != "Provider" {
		t.Errorf("set-up: %s", root.Raw)
	}
	r.Must(t, 201, "POST /api/organizations", root.String("access_token"), map[string]any{"name": "Customer"})
	body["email"] = "mallory@example.com"
	r.Refused(t, 409, "setup_done", "POST /auth/register", "", body)
}

func TestAnyoneCanVerifyAccessTokensWithTheJWKS(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "Engines")
	answer := r.Must(t, 200, "GET /.well-known/jwks.json", "", nil)
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(answer.Raw, &set); err != nil {
		t.Fatal(err)
	}
	token, err := jwt.ParseSigned(in.String("access_token"), []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	keys := set.Key(token.Headers[0].KeyID)
	if len(keys) != 1 {
		t.Fatalf("%d keys of the token's kid in %s", len(keys), answer.Raw)
	}
	public, ok := keys[0].Key.(ed25519.PublicKey)
	if !ok {
		t.Fatalf("the key is a %T", keys[0].Key)
	}
	var claims map[string]any
	if err := token.Claims(public, &claims); err != nil {
		t.Fatal(err)
	}
	if claims["sub"] != in.String("user", "id") || claims["org"] != in.String("organization", "id") {
		t.Errorf("claims %v", claims)
	}
	if _, leaked := claims["email"]; leaked {
		t.Error("the token carries the address")
	}
}

func TestResendingMakesTheLinkBeforeDead(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "")
	first := r.LastMail(t, "ada@example.com").LinkToken()
	r.Advance(time.Second)
	r.Must(t, 200, "POST /auth/verify-email/resend", in.String("access_token"), nil)
	second := r.LastMail(t, "ada@example.com").LinkToken()
	if first == second {
		t.Fatal("the same link again")
	}
	r.Must(t, 200, "POST /auth/verify-email/resend", in.String("access_token"), nil)
	r.Must(t, 200, "POST /auth/verify-email/resend", in.String("access_token"), nil)
	r.Refused(t, 429, "too_many_requests", "POST /auth/verify-email/resend", in.String("access_token"), nil)
}

func TestNoTokenWaitsInTheClear(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	register(t, r, "ada@example.com", "")
	token := r.LastMail(t, "ada@example.com").LinkToken()
	var stored string
	for shard := range table.OutboxShards {
		items, err := r.Table.QueryAll(t.Context(), table.Query{PK: table.Outbox(shard, "").PK})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			all, err := table.Decode[map[string]any](item)
			if err != nil {
				t.Fatal(err)
			}
			b, _ := json.Marshal(all)
			stored += string(b)
		}
	}
	if stored == "" {
		t.Fatal("nothing waits")
	}
	for _, form := range []string{token, base64.StdEncoding.EncodeToString([]byte(token))} {
		if strings.Contains(stored, form) {
			t.Errorf("the outbox holds the token: %s", stored)
		}
	}
}

func TestAnIdempotencyKeyDoesNotKeepAUsedRefreshTokenAlive(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "Engines")
	body := map[string]any{"refresh_token": in.String("refresh_token")}
	r.Must(t, 200, "POST /auth/refresh", "", body, "Idempotency-Key", "k1")
	r.Advance(time.Hour)
	r.Refused(t, 401, "refresh_token_reused", "POST /auth/refresh", "", body, "Idempotency-Key", "k1")
}

func TestSprayingLogInsFromOnePlaceIsThrottled(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	limit := throttle.Limit{Name: "login-from", Times: 1000, Per: 15 * time.Minute}
	for range 999 { // as 999 log-ins with other addresses
		if err := limit.Take(t.Context(), r.Env, r.IP()); err != nil {
			t.Fatal(err)
		}
	}
	r.Refused(t, 401, "invalid_login", "POST /auth/login", "", map[string]any{"email": "a@example.com", "password": "guess"})
	r.Refused(t, 429, "too_many_requests", "POST /auth/login", "", map[string]any{"email": "b@example.com", "password": "guess"})
}

// Both read the account, and one of them loses: it reads it again.
func TestTwoResendsAtOnceAreBothAnswered(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	for n := range 10 {
		in := register(t, r, fmt.Sprintf("ada%d@example.com", n), "")
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if got := r.Call(t, "POST /auth/verify-email/resend", in.String("access_token"), nil); got.Status != 200 {
					t.Errorf("%s", got.Raw)
				}
			})
		}
		wg.Wait()
	}
}

func TestAPersonFoundsTenOrganizationsADay(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "")
	verify(t, r, in)
	found := func() rostertest.Response {
		return r.Call(t, "POST /api/organizations", in.String("access_token"), map[string]any{"name": "Another"})
	}
	for range 10 {
		if got := found(); got.Status != 201 {
			t.Fatalf("%s", got.Raw)
		}
	}
	if got := found(); got.Status != 429 || got.Header.Get("Retry-After") == "" {
		t.Errorf("%s", got.Raw)
	}
}
