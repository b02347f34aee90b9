package session_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"roster/internal/account"
	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/rostertest"
	"roster/internal/secret"
	"roster/internal/session"
	"roster/internal/table"
)

var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

const (
	user id.User         = "usr_01JD9Z3V4T5W6X7Y8Z9ABCDEFG"
	org  id.Organization = "org_01JD9Z3V4T5W6X7Y8Z9ABCDEFG"
)

func at(now time.Time) *env.Env {
	return &env.Env{PublicURL: "https://roster.example.com", Now: func() time.Time { return now }}
}

func keys(t testing.TB, values ...string) *secret.Keys {
	t.Helper()
	if len(values) == 0 {
		values = []string{strings.Repeat("a secret ", 4)}
	}
	k, err := secret.Derive(values...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func tokens(t testing.TB, e *env.Env, k *secret.Keys, s session.Session) session.Tokens {
	t.Helper()
	made, err := s.Tokens(e, k)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestAccessTokenSaysWhatItWasMadeFor(t *testing.T) {
	t.Parallel()
	k := keys(t)
	s := session.New(start, user, 0, api.Client{IP: "192.0.2.1", Agent: "curl"}).In(org, 7)
	want := session.Access{User: user, Session: s.ID, Organization: org, Epoch: 7}
	token := tokens(t, at(start), k, s).Access
	for _, now := range []time.Time{start, start.Add(session.AccessTTL), start.Add(-time.Second)} { // clocks differ
		if got, err := session.Verify(at(now), k, token); err != nil || got != want {
			t.Errorf("at %s: %+v, %v, want %+v", now, got, err, want)
		}
	}
	if _, err := session.Verify(at(start.Add(session.AccessTTL+time.Second)), k, token); err != session.ErrToken {
		t.Errorf("after its time: %v", err)
	}
	header, _, _ := strings.Cut(token, ".")
	if b, _ := base64.RawURLEncoding.DecodeString(header); !strings.Contains(string(b), `"at+jwt"`) {
		t.Errorf("header %s", b)
	}
}

// sign makes a token of any claims with any key.
func sign(t testing.TB, algorithm jose.SignatureAlgorithm, key any, kid string, claims ...any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: kid}},
		(&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	b := jwt.Signed(signer)
	for _, c := range claims {
		b = b.Claims(c)
	}
	token, err := b.Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestForgedAccessTokensAreRefused(t *testing.T) {
	t.Parallel()
	k := keys(t)
	own := session.JWKS(k).Keys[0]
	good := jwt.Claims{
		Issuer: "https://roster.example.com", Audience: jwt.Audience{"roster"}, Subject: string(user),
		IssuedAt: jwt.NewNumericDate(start), Expiry: jwt.NewNumericDate(start.Add(time.Minute)),
	}
	more := map[string]any{"sid": id.NewSession(start), "org": org}
	if _, err := session.Verify(at(start), k, sign(t, jose.EdDSA, k.Signing(), own.KeyID, good, more)); err != nil {
		t.Fatalf("the token that the forgeries differ from: %v", err)
	}
	but := func(change func(*jwt.Claims)) jwt.Claims {
		c := good
		change(&c)
		return c
	}
	_, foreign, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := []byte(own.Key.(ed25519.PublicKey))
	signed := sign(t, jose.EdDSA, k.Signing(), own.KeyID, good, more)
	parts := strings.Split(signed, ".")
	encode := base64.RawURLEncoding.EncodeToString
	for name, token := range map[string]string{
		"empty":                    "",
		"no JWT":                   "junk",
		"dots":                     "..",
		"a megabyte":               strings.Repeat("a", 1<<20),
		"foreign key":              sign(t, jose.EdDSA, foreign, own.KeyID, good, more),
		"foreign key and kid":      sign(t, jose.EdDSA, foreign, "x", good, more),
		"no kid":                   sign(t, jose.EdDSA, k.Signing(), "", good, more),
		"HMAC with the public key": sign(t, jose.HS256, public, own.KeyID, good, more),
		"alg none":                 encode([]byte(`{"alg":"none","kid":"`+own.KeyID+`"}`)) + "." + parts[1] + ".",
		"no signature":             parts[0] + "." + parts[1] + ".",
		"other payload":            parts[0] + "." + encode([]byte(`{"sub":"usr_x"}`)) + "." + parts[2],
		"other issuer":             sign(t, jose.EdDSA, k.Signing(), own.KeyID, but(func(c *jwt.Claims) { c.Issuer = "https://evil.example" }), more),
		"no issuer":                sign(t, jose.EdDSA, k.Signing(), own.KeyID, but(func(c *jwt.Claims) { c.Issuer = "" }), more),
		"other audience":           sign(t, jose.EdDSA, k.Signing(), own.KeyID, but(func(c *jwt.Claims) { c.Audience = jwt.Audience{"mail"} }), more),
		"no audience":              sign(t, jose.EdDSA, k.Signing(), own.KeyID, but(func(c *jwt.Claims) { c.Audience = nil }), more),
		"expired": sign(t, jose.EdDSA, k.Signing(), own.KeyID,
			but(func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(start.Add(-time.Second)) }), more),
		"not yet valid": sign(t, jose.EdDSA, k.Signing(), own.KeyID,
			but(func(c *jwt.Claims) { c.NotBefore = jwt.NewNumericDate(start.Add(time.Second)) }), more),
		"malformed session": sign(t, jose.EdDSA, k.Signing(), own.KeyID, good, map[string]any{"sid": "ses_x"}),
		"JSON form":         `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
	} {
		if got, err := session.Verify(at(start), k, token); err != session.ErrToken || got != (session.Access{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestTokensOutliveTheRotationOfTheSecret(t *testing.T) {
	t.Parallel()
	first, second := strings.Repeat("first", 8), strings.Repeat("second", 8)
	before, during, after := keys(t, first), keys(t, second, first), keys(t, second)
	s := session.New(start, user, 0, api.Client{}).In(org, 1)
	old := tokens(t, at(start), before, s)
	if _, err := session.Verify(at(start), during, old.Access); err != nil {
		t.Errorf("access during the rotation: %v", err)
	}
	if _, err := session.Verify(at(start), after, old.Access); err != session.ErrToken {
		t.Errorf("access after the rotation: %v", err)
	}
	presented, err := session.ReadRefresh(old.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	if err := presented.Check(&s, 0, during, start); err != nil {
		t.Errorf("refresh during the rotation: %v", err)
	}
	if err := presented.Check(&s, 0, after, start); err != session.ErrRefresh {
		t.Errorf("refresh after the rotation: %v", err)
	}
	if got := len(session.JWKS(during).Keys); got != 2 {
		t.Errorf("%d public keys during the rotation", got)
	}
}

func TestJWKSShowsNoPrivateKey(t *testing.T) {
	t.Parallel()
	for _, key := range session.JWKS(keys(t)).Keys {
		if !key.IsPublic() || key.KeyID == "" || key.Algorithm != "EdDSA" || key.Use != "sig" {
			t.Errorf("key %+v", key)
		}
	}
}

func TestCheckAndRotate(t *testing.T) {
	t.Parallel()
	k := keys(t)
	s := session.New(start, user, 0, api.Client{}).In(org, 1)
	present := func(s session.Session) session.Refreshing {
		t.Helper()
		r, err := session.ReadRefresh(tokens(t, at(start), k, s).Refresh)
		if err != nil || r.User != user || r.Session != s.ID {
			t.Fatalf("%+v, %v", r, err)
		}
		return r
	}
	first := present(s)
	rotated, writes := first.Rotate(s, start)
	if rotated.Counter != 1 || len(writes) != 1 {
		t.Fatalf("%+v, %d writes", rotated, len(writes))
	}
	second := present(rotated)
	twice, _ := second.Rotate(rotated, start)

	other := s
	other.Salt = make([]byte, 16)
	foreign := session.New(start, user, 0, api.Client{}).In(org, 1)
	for _, tt := range []struct {
		name  string
		token session.Refreshing
		in    *session.Session
		at    time.Duration
		want  error
	}{
		{"fresh", first, &s, 0, nil},
		{"at the end of its life", first, &s, session.Lifetime - time.Second, nil},
		{"after its life", first, &s, session.Lifetime, session.ErrRefresh},
		{"ended session", first, nil, 0, session.ErrRefresh},
		{"used just now", first, &rotated, session.RepeatWindow, nil},
		{"used a while ago", first, &rotated, session.RepeatWindow + 1, session.ErrReused},
		{"used twice before", first, &twice, 0, session.ErrReused},
		{"of the future", second, &s, 0, session.ErrRefresh},
		{"of another salt", first, &other, 0, session.ErrRefresh},
		{"of another session", present(foreign), &s, 0, session.ErrRefresh},
	} {
		if err := tt.token.Check(tt.in, 0, k, start.Add(tt.at)); err != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if again, writes := first.Rotate(rotated, start); len(writes) != 0 ||
		tokens(t, at(start), k, again).Refresh != tokens(t, at(start), k, rotated).Refresh {
		t.Error("a repeat has another successor")
	}
	if err := first.Check(&s, 0, keys(t, strings.Repeat("another", 8)), start); err != session.ErrRefresh {
		t.Errorf("another deployment's: %v", err)
	}
}

func FuzzTokens(f *testing.F) {
	k := keys(f)
	s := session.New(start, user, 0, api.Client{}).In(org, 1)
	made := tokens(f, at(start), k, s)
	f.Add(made.Access)
	f.Add(made.Refresh)
	f.Add("rr_" + strings.Repeat("A", 91))
	f.Add(made.Access + ".a.b") // five parts: an encrypted token
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := session.Verify(at(start), k, text); err == nil && a.User != user {
			t.Errorf("%q is verified as %+v", text, a)
		}
		if r, err := session.ReadRefresh(text); err == nil && r.Check(&s, 0, k, start) == nil && r.User != user {
			t.Errorf("%q refreshes a session of %s", text, r.User)
		}
	})
}

func registered(t *testing.T, r *rostertest.Roster) rostertest.Response {
	t.Helper()
	return r.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "ada@example.com", "password": "newpassword123", "name": "Ada", "organization": "Engines"})
}

func TestConcurrentRefreshesGetOneSuccessor(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	refresh := registered(t, r).String("refresh_token")
	var (
		wg      sync.WaitGroup
		answers [8]rostertest.Response
	)
	for i := range answers {
		wg.Go(func() {
			answers[i] = r.Call(t, "POST /auth/refresh", "", map[string]any{"refresh_token": refresh})
		})
	}
	wg.Wait()
	successor := answers[0].String("refresh_token")
	for _, a := range answers {
		if a.Status != 200 || a.String("refresh_token") != successor {
			t.Fatalf("status %d, %s\n%s", a.Status, a.Raw, answers[0].Raw)
		}
	}
	r.Advance(time.Minute)
	r.Must(t, 200, "POST /auth/refresh", "", map[string]any{"refresh_token": successor})
	r.Refused(t, 401, "refresh_token_reused", "POST /auth/refresh", "", map[string]any{"refresh_token": refresh})
}

// A refresh that was overtaken must not turn the counter back.
func TestALateRotationIsRefused(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	k := keys(t)
	s := session.New(start, user, 0, api.Client{}).In(org, 1)
	presented, err := session.ReadRefresh(tokens(t, at(start), k, s).Refresh)
	if err != nil {
		t.Fatal(err)
	}
	next, rotate := presented.Rotate(s, start)
	for i, tt := range []struct {
		writes []table.Write
		want   error
	}{{[]table.Write{s.Create()}, nil}, {rotate, nil}, {rotate, table.ErrChanged}} {
		if err := r.Table.Transact(t.Context(), tt.writes...); !errors.Is(err, tt.want) {
			t.Errorf("write %d: %v, want %v", i, err, tt.want)
		}
	}
	var stored *session.Session
	if err := r.Table.Get(t.Context(), table.Into(table.Session(user, s.ID), &stored)); err != nil || stored.Counter != next.Counter || !stored.RotatedAt.Equal(start) {
		t.Errorf("%+v, %v", stored, err)
	}
}

func TestLogoutEndsBothTokens(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints)
	in := registered(t, r)
	r.Must(t, 200, "POST /auth/logout", in.String("access_token"), nil)
	r.Refused(t, 401, "invalid_token", "GET /auth/me", in.String("access_token"), nil)
	r.Refused(t, 401, "invalid_refresh_token", "POST /auth/refresh", "", map[string]any{"refresh_token": in.String("refresh_token")})
}

func TestASessionLivesInItsEpochUntilItExpires(t *testing.T) {
	t.Parallel()
	s := session.New(start, user, 3, api.Client{}).In(org, 1)
	for _, test := range []struct {
		session *session.Session
		epoch   int
		at      time.Time
		want    bool
	}{
		{&s, 3, start, true},
		{&s, 4, start, false},
		{&s, 3, start.Add(session.Lifetime - 1), true},
		{&s, 3, start.Add(session.Lifetime), false},
		{nil, 3, start, false},
	} {
		if got := test.session.Live(test.epoch, test.at); got != test.want {
			t.Errorf("epoch %d at %v: %v", test.epoch, test.at, got)
		}
	}
}
