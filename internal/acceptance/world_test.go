// Package acceptance tests Roster as a whole, through its API: what holds for
// every route, every role and every input.
package acceptance_test

import (
	"encoding/base32"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/email"
	"roster/internal/feature"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/session"
	"roster/internal/table"
	"roster/internal/totp"
	"roster/internal/user"
)

const password = "newpassword123"

// world is a deployment with organizations and people in it.
type world struct {
	*rostertest.Roster
}

func newWorld(t testing.TB) world {
	t.Helper()
	return world{rostertest.New(t, feature.All...)}
}

// person is someone with credentials in one organization.
type person struct {
	user         id.User
	organization id.Organization
	token        string // access token of the organization
	key          string // API key
	platform     string // access token of the platform administrator, where a test needs it
	email        string
}

// owner founds an organization, if it has a name; the address counts as verified.
func (w world) owner(t testing.TB, address, organization string) person {
	t.Helper()
	body := map[string]any{"email": address, "password": password, "name": "Owner"}
	if organization != "" {
		body["organization"] = organization
	}
	in := w.Must(t, 201, "POST /auth/register", "", body)
	p := person{user: id.User(in.String("user", "id")), organization: in.OrganizationOf(), token: in.String("access_token"), email: address}
	w.Must(t, 200, "POST /auth/verify-email", "", map[string]any{"token": w.LastMail(t, address).LinkToken()})
	w.Advance(time.Millisecond) // mails of one millisecond have no order
	if organization != "" {
		p.key = w.newKey(t, p.token, p.organization, "")
	}
	return p
}

// platform is the platform administrator, with an organization of their own.
func (w world) platform(t testing.TB) person {
	t.Helper()
	in := w.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "root@example.com", "password": password, "name": "Root", "setup_token": rostertest.SetupToken,
	})
	return person{user: id.User(in.String("user", "id")), token: in.String("access_token"), email: "root@example.com"}
}

func (w world) newKey(t testing.TB, credential string, org id.Organization, of id.User) string {
	t.Helper()
	body := map[string]any{"name": "key"}
	if of != "" {
		body["user_id"] = of
	}
	return w.Must(t, 201, "POST /api/organizations/"+string(org)+"/keys", credential, body).String("key", "secret")
}

// place puts an account straight into an organization, in any role and status:
// also in those that the API reaches only by detours.
func (w world) place(t testing.TB, org id.Organization, address, role string, status access.Status) person {
	t.Helper()
	now := w.Now()
	u := user.New(now, email.Address(address), field.Name("Someone"), password)
	u.Verified = true
	p := person{user: u.ID, organization: org, email: address}
	text, digest := access.NewKeyText(org, u.ID, id.NewKey(now, u.ID))
	read, _ := access.ReadKeyText(text)
	m := member.Member{
		ID: u.ID, Organization: org, Kind: member.Person, Email: u.Email, Name: u.Name, Role: role,
		Status: access.Active, Epoch: 1, CreatedAt: now,
		Keys: map[id.Key]access.KeyRecord{read.Key: {Name: "key", Digest: digest[:], Hint: text[len(text)-4:], CreatedBy: u.ID, CreatedAt: now}},
	}
	if role == permission.Gateway {
		m.Kind = member.ServiceAccount
	}
	if status == access.Pending {
		m.Status = status
		m.Request = &member.JoinRequest{ID: id.NewJoinRequest(now, u.ID), At: now}
	}
	live := session.New(now, u.ID, 0, api.Client{IP: "192.0.2.1", Agent: "test"}).In(org, m.Epoch)
	writes := append(user.Create(u, user.ErrEmailTaken), member.Save(nil, m, now)...)
	w.transact(t, append(writes, live.Create())...)
	keys, err := w.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := live.Tokens(w.Env, keys)
	if err != nil {
		t.Fatal(err)
	}
	p.token, p.key = tokens.Access, text
	if status == access.Suspended || status == access.Removed {
		stored, err := member.Get(t.Context(), w.Table, org, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		next := *stored
		next.Status, next.Epoch = status, stored.Epoch+1
		if status == access.Removed {
			next.Keys = nil
		}
		w.transact(t, member.Save(stored, next, now)...)
	}
	return p
}

// setUp begins a second factor, and returns the codes of its authenticator: the
// current one, and those of so many steps later.
func (w world) setUp(t testing.TB, p person) func(later int64) string {
	t.Helper()
	setup := w.Must(t, 200, "POST /auth/2fa/setup", p.token, map[string]any{"password": password})
	secret, err := base32.StdEncoding.DecodeString(setup.String("secret"))
	if err != nil {
		t.Fatal(err)
	}
	return func(later int64) string { return totp.Secret(secret).Code(totp.StepAt(w.Now()) + later) }
}

// secured turns a second factor on, which uses the current code up.
func (w world) secured(t testing.TB, p person) func(later int64) string {
	t.Helper()
	code := w.setUp(t, p)
	w.Must(t, 200, "POST /auth/2fa/enable", p.token, map[string]any{"otp": code(0)})
	return code
}

func (w world) transact(t testing.TB, writes ...table.Write) {
	t.Helper()
	if err := w.Table.Transact(t.Context(), writes...); err != nil {
		t.Fatal(err)
	}
}

// dump is every item that the API shows or acts on, by its keys. What counts
// attempts and answers (throttles, idempotency keys) is left out.
func (w world) dump(t testing.TB) map[table.Key]map[string]any {
	t.Helper()
	return w.DumpItems(t, "TH#", "IK#")
}
