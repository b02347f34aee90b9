package account_test

import (
	"encoding/base32"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/account"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/rostertest"
	"roster/internal/table"
	"roster/internal/totp"
	"roster/internal/user"
)

// phone is somebody's authenticator.
type phone struct{ secret totp.Secret }

func (p phone) code(r *rostertest.Roster, off int64) string {
	return p.secret.Code(totp.StepAt(r.Now()) + off)
}

func newPhone(t testing.TB, secret string) phone {
	t.Helper()
	s, err := base32.StdEncoding.DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	return phone{s}
}

// secure turns two-factor authentication on; the clock moves past the code.
func secure(t testing.TB, r *rostertest.Roster, token string) (p phone, recovery []string) {
	t.Helper()
	setup := r.Must(t, 200, "POST /auth/2fa/setup", token, map[string]any{"password": password})
	p = newPhone(t, setup.String("secret"))
	on := r.Must(t, 200, "POST /auth/2fa/enable", token, map[string]any{"otp": p.code(r, 0)})
	for _, code := range on.At("recovery_codes").([]any) {
		recovery = append(recovery, code.(string))
	}
	r.Advance(totp.Step)
	return p, recovery
}

func login(t testing.TB, r *rostertest.Roster, address, otp string, headers ...string) rostertest.Response {
	t.Helper()
	body := map[string]any{"email": address, "password": password}
	if otp != "" {
		body["otp"] = otp
	}
	return r.Call(t, "POST /auth/login", "", body, headers...)
}

// actions are those of an organization's audit events.
func actions(t testing.TB, r *rostertest.Roster, org id.Organization) []string {
	t.Helper()
	items, err := r.Table.QueryAll(t.Context(), table.Query{PK: table.AuditEvent(org, r.Now().Format("2006-01"), "").PK})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, item := range items {
		event, err := table.Decode[struct {
			Action string `dynamodbav:"action"`
		}](item)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, event.Action)
	}
	return all
}

func TestLoggingInTakesACodeOnceTwoFactorIsOn(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "Engines")
	token := in.String("access_token")
	r.Refused(t, 403, "email_unverified", "POST /auth/2fa/setup", token, map[string]any{"password": password})
	verify(t, r, in)
	r.Refused(t, 403, "wrong_password", "POST /auth/2fa/setup", token, map[string]any{"password": "another one"})
	setup := r.Must(t, 200, "POST /auth/2fa/setup", token, map[string]any{"password": password})
	if url := setup.String("otpauth_url"); !strings.HasPrefix(url, "otpauth://totp/Roster%20%28roster.example.com%29:ada@example.com?secret="+setup.String("secret")) {
		t.Errorf("URL %s", url)
	}
	if got := login(t, r, "ada@example.com", ""); got.Status != 200 || got.At("user", "two_factor") != false {
		t.Errorf("a set-up demands a code: %s", got.Raw)
	}
	p := newPhone(t, setup.String("secret"))
	r.Refused(t, 401, "invalid_otp", "POST /auth/2fa/enable", token, map[string]any{"otp": p.code(r, 5)})
	r.Advance(time.Millisecond) // mails of one millisecond have no order
	on := r.Must(t, 200, "POST /auth/2fa/enable", token, map[string]any{"otp": p.code(r, 0)})
	if codes := on.At("recovery_codes").([]any); len(codes) != 10 {
		t.Errorf("recovery codes: %s", on.Raw)
	}
	if m := r.LastMail(t, "ada@example.com"); m.Kind != mail.TwoFactorEnabled {
		t.Errorf("mail %s", m.Kind)
	}
	r.Refused(t, 409, "two_factor_on", "POST /auth/2fa/setup", token, map[string]any{"password": password})
	r.Refused(t, 409, "two_factor_on", "POST /auth/2fa/enable", token, map[string]any{"otp": p.code(r, 1)})

	for otp, want := range map[string]string{"": "otp_required", p.code(r, 0): "invalid_otp", p.code(r, 3): "invalid_otp"} {
		if got := login(t, r, "ada@example.com", otp); got.Status != 401 || got.Code() != want {
			t.Errorf("code %q: %s", otp, got.Raw)
		}
	}
	wrong := r.Call(t, "POST /auth/login", "", map[string]any{"email": "ada@example.com", "password": "guess", "otp": p.code(r, 1)})
	if wrong.Code() != "invalid_login" {
		t.Errorf("a wrong password with a code: %s", wrong.Raw)
	}
	r.Advance(totp.Step)
	next := p.code(r, 0)
	if got := login(t, r, "ada@example.com", next); got.Status != 200 || got.At("user", "two_factor") != true {
		t.Errorf("the next code: %s", got.Raw)
	}
	if got := login(t, r, "ada@example.com", next); got.Code() != "invalid_otp" {
		t.Errorf("a code is taken twice: %s", got.Raw)
	}
}

func TestARecoveryCodeLogsInOnceAlsoOfManyAtOnce(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "")
	verify(t, r, in)
	p, recovery := secure(t, r, in.String("access_token"))
	for _, code := range []string{recovery[0], strings.ToLower(strings.ReplaceAll(recovery[1], "-", " ")), p.code(r, 0)} {
		var (
			wg       sync.WaitGroup
			statuses [6]int
		)
		for i := range statuses {
			wg.Go(func() { statuses[i] = login(t, r, "ada@example.com", code).Status })
		}
		wg.Wait()
		slices.Sort(statuses[:])
		if statuses != [6]int{200, 401, 401, 401, 401, 401} {
			t.Errorf("%s: %v", code, statuses)
		}
	}
}

// Wrong codes are throttled; they lose nobody their account.
func TestWrongCodesBarNobodyForGood(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "")
	verify(t, r, in)
	p, _ := secure(t, r, in.String("access_token"))
	elsewhere := []string{"X-Forwarded-For", "198.51.100.7"}
	for range 10 {
		if got := login(t, r, "ada@example.com", "000000", elsewhere...); got.Code() != "invalid_otp" {
			t.Fatalf("%s", got.Raw)
		}
	}
	if got := login(t, r, "ada@example.com", p.code(r, 0), elsewhere...); got.Status != 429 {
		t.Errorf("the eleventh from there: %s", got.Raw)
	}
	for range 3 {
		if got := login(t, r, "ada@example.com", "000000"); got.Code() != "invalid_otp" {
			t.Fatalf("%s", got.Raw)
		}
	}
	if got := login(t, r, "ada@example.com", p.code(r, 0)); got.Status != 200 {
		t.Errorf("who uses the account from here is barred: %s", got.Raw)
	}
	r.Advance(15 * time.Minute)
	if got := login(t, r, "ada@example.com", p.code(r, 0), elsewhere...); got.Status != 200 {
		t.Errorf("after a quarter of an hour: %s", got.Raw)
	}
}

func TestTurningItOffTakesPasswordAndCode(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "Engines")
	verify(t, r, in)
	token := in.String("access_token")
	r.Refused(t, 409, "two_factor_off", "POST /auth/2fa/disable", token, map[string]any{"password": password})
	p, recovery := secure(t, r, token)
	off := func(password, otp string) rostertest.Response {
		body := map[string]any{"password": password}
		if otp != "" {
			body["otp"] = otp
		}
		return r.Call(t, "POST /auth/2fa/disable", token, body)
	}
	for want, got := range map[string]rostertest.Response{
		"otp_required": off(password, ""), "wrong_password": off("another one", p.code(r, 0)), "invalid_otp": off(password, p.code(r, -1)),
	} {
		if got.Code() != want {
			t.Errorf("want %s: %s", want, got.Raw)
		}
	}
	if got := off(password, recovery[0]); got.Status != 200 {
		t.Fatalf("%s", got.Raw)
	}
	if m := r.LastMail(t, "ada@example.com"); m.Kind != mail.TwoFactorDisabled {
		t.Errorf("mail %s", m.Kind)
	}
	if got := login(t, r, "ada@example.com", ""); got.Status != 200 {
		t.Errorf("still asked for a code: %s", got.Raw)
	}
	// What made the codes before makes none now.
	again, _ := secure(t, r, token)
	if got := login(t, r, "ada@example.com", p.code(r, 0)); got.Code() != "invalid_otp" {
		t.Errorf("a code of the secret before: %s", got.Raw)
	}
	if got := login(t, r, "ada@example.com", recovery[1]); got.Code() != "invalid_otp" {
		t.Errorf("a recovery code of the set before: %s", got.Raw)
	}
	if got := login(t, r, "ada@example.com", again.code(r, 0)); got.Status != 200 {
		t.Errorf("%s", got.Raw)
	}
}

// flags are what the memberships of a user say.
func flags(t testing.TB, r *rostertest.Roster, of id.User) (on, off int) {
	t.Helper()
	all, err := member.Memberships(t.Context(), r.Env, of)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.Member.TwoFactor {
			on++
		} else {
			off++
		}
	}
	return on, off
}

// Of who is in more organizations than fit into one transaction, all hear it.
func TestEveryOrganizationHearsOfASecondFactor(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "Engines")
	verify(t, r, in)
	ada, token := id.User(in.String("user", "id")), in.String("access_token")
	var last id.Organization
	for range 59 {
		owner := membertest.Found(t, r)
		membertest.Add(t, r, member.Member{ID: ada, Organization: owner.Organization, Role: "member", Email: "ada@example.com"})
		last = owner.Organization
	}
	p, _ := secure(t, r, token)
	if on, off := flags(t, r, ada); on != 60 || off != 0 {
		t.Errorf("on in %d, off in %d", on, off)
	}
	founded := r.Must(t, 201, "POST /api/organizations", token, map[string]any{"name": "Founded with it"})
	if on, off := flags(t, r, ada); on != 61 || off != 0 {
		t.Errorf("with a new one: on in %d, off in %d", on, off)
	}
	r.Must(t, 200, "POST /auth/2fa/disable", token, map[string]any{"password": password, "otp": p.code(r, 0)})
	if on, off := flags(t, r, ada); on != 0 || off != 61 {
		t.Errorf("turned off: on in %d, off in %d", on, off)
	}
	if got := actions(t, r, last); !slices.Equal(got, []string{"account.two_factor_enabled", "account.two_factor_disabled"}) {
		t.Errorf("recorded: %v", got)
	}
	if got := actions(t, r, id.Organization(founded.String("organization", "id"))); !slices.Contains(got, "account.two_factor_disabled") {
		t.Errorf("recorded: %v", got)
	}
}

// A membership that was cut off from the news learns it at the next log-in.
func TestALoginNotesASecondFactorThatAMembershipMissed(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := register(t, r, "ada@example.com", "Engines")
	verify(t, r, in)
	ada, org := id.User(in.String("user", "id")), in.OrganizationOf()
	p, _ := secure(t, r, in.String("access_token"))
	membertest.Change(t, r, org, ada, func(m *member.Member) { m.TwoFactor = false })
	if got := login(t, r, "ada@example.com", p.code(r, 0)); got.Status != 200 {
		t.Fatalf("%s", got.Raw)
	}
	if on, off := flags(t, r, ada); on != 1 || off != 0 {
		t.Errorf("on in %d, off in %d", on, off)
	}
}

// TestHistoriesOfASecondFactor lets a person turn it on and off and log in with
// whatever codes, in any order. Nobody gets in without a fresh code while it is on,
// no code counts twice, who has one is never kept out, and the organization's copy
// agrees.
func TestHistoriesOfASecondFactor(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	rapid.Check(t, func(rt *rapid.T) {
		address := strings.ToLower(string(id.NewUser(r.Now()))) + "@example.com"
		in := register(t, r, address, "Engines")
		verify(t, r, in)
		ada, token := id.User(in.String("user", "id")), in.String("access_token")
		var (
			on       bool
			p        phone
			recovery []string // not used yet
			last     int64    // the newest step that was used
		)
		for range rapid.IntRange(1, 10).Draw(rt, "steps") {
			off := rapid.Int64Range(-2, 2).Draw(rt, "off")
			step := totp.StepAt(r.Now()) + off
			body := map[string]any{"email": address, "password": password}
			fresh := on && off >= -1 && off <= 1 && step > last
			switch kind := rapid.SampledFrom([]string{"none", "code", "recovery", "spent"}).Draw(rt, "otp"); {
			case kind == "code" && p.secret != nil:
				body["otp"] = p.secret.Code(step)
			case kind == "recovery" && len(recovery) > 0:
				body["otp"], fresh, step = recovery[0], true, last
			case kind == "spent":
				body["otp"], fresh = "AAAA-AAAA-AAAA-AAAA", false
			default:
				fresh = false
			}
			used := func() {
				last = max(last, step)
				if len(recovery) > 0 && body["otp"] == recovery[0] {
					recovery = recovery[1:]
				}
			}
			switch rapid.SampledFrom([]string{"log in", "turn on", "turn off", "wait"}).Draw(rt, "does") {
			case "log in":
				if got := r.Call(t, "POST /auth/login", "", body); (got.Status == 200) != (!on || fresh) {
					rt.Fatalf("on %t, fresh %t: %s", on, fresh, got.Raw)
				} else if got.Status == 200 && on {
					used()
				}
			case "turn on":
				setup := r.Call(t, "POST /auth/2fa/setup", token, map[string]any{"password": password})
				if on != (setup.Code() == "two_factor_on") {
					rt.Fatalf("on %t: %s", on, setup.Raw)
				}
				if on {
					continue
				}
				p = newPhone(t, setup.String("secret"))
				enabled := r.Must(t, 200, "POST /auth/2fa/enable", token, map[string]any{"otp": p.code(r, 0)})
				on, last, recovery = true, totp.StepAt(r.Now()), nil
				for _, code := range enabled.At("recovery_codes").([]any) {
					recovery = append(recovery, code.(string))
				}
			case "turn off":
				delete(body, "email")
				got := r.Call(t, "POST /auth/2fa/disable", token, body)
				if (got.Status == 200) != (on && fresh) {
					rt.Fatalf("on %t, fresh %t: %s", on, fresh, got.Raw)
				}
				if got.Status == 200 {
					on = false
				}
			case "wait":
				r.Advance(time.Duration(rapid.IntRange(1, 40).Draw(rt, "seconds")) * time.Second)
			}
			stored, err := user.Get(t.Context(), r.Table, ada)
			if err != nil {
				t.Fatal(err)
			}
			if said, _ := flags(t, r, ada); (stored.TwoFactor != nil) != on || (said == 1) != on {
				rt.Fatalf("on %t: the account says %t, its memberships %d", on, stored.TwoFactor != nil, said)
			}
		}
	})
}
