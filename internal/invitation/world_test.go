package invitation_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/account"
	"roster/internal/id"
	"roster/internal/invitation"
	"roster/internal/job"
	"roster/internal/joinrequest"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/rostertest"
	"roster/internal/table"
)

const password = "newpassword123"

// world is a deployment with one organization.
type world struct {
	*rostertest.Roster
	org   id.Organization
	owner person
}

// person is an account with an access token; for the owner, an API key.
type person struct {
	user  id.User
	email string
	token string
}

func newWorld(t testing.TB) world {
	t.Helper()
	return newWorldWith(t, func(next http.RoundTripper) http.RoundTripper { return next })
}

func newWorldWith(t testing.TB, transport func(http.RoundTripper) http.RoundTripper) world {
	t.Helper()
	r := rostertest.NewWith(t, transport, account.Endpoints, invitation.Endpoints, joinrequest.Endpoints, job.Endpoints)
	w := world{Roster: r}
	founded := r.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "ada@acme.example", "password": password, "name": "Ada", "organization": "Acme",
	})
	w.org = founded.OrganizationOf()
	w.owner = loggedIn(founded)
	r.Must(t, 200, "POST /auth/verify-email", "", map[string]any{"token": r.LastMail(t, "ada@acme.example").LinkToken()})
	w.owner.token = w.key(t, w.owner.user) // which outlives moves of the clock
	return w
}

func loggedIn(tokens rostertest.Response) person {
	return person{id.User(tokens.String("user", "id")), tokens.String("user", "email"), tokens.String("access_token")}
}

// person registers an account, and proves its address if told to.
func (w world) person(t testing.TB, address string, verified bool) person {
	t.Helper()
	p := loggedIn(w.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": address, "password": password, "name": "Somebody"}))
	w.Advance(time.Millisecond)
	if verified {
		w.Must(t, 200, "POST /auth/verify-email", "", map[string]any{"token": w.LastMail(t, address).LinkToken()})
	}
	return p
}

// member is a person in the organization, invited by its owner.
func (w world) member(t testing.TB, address, role string) person {
	t.Helper()
	w.invite(t, map[string]any{"email": address, "role": role})
	return loggedIn(w.acceptNew(t, w.mailed(t, address)))
}

func (w world) path(rest string) string { return "/api/organizations/" + string(w.org) + rest }

func (w world) invite(t testing.TB, body map[string]any) rostertest.Response {
	t.Helper()
	defer w.Advance(time.Millisecond)
	return w.Must(t, 201, "POST "+w.path("/members/invite"), w.owner.token, body)
}

// mailed is the token of the newest mail to an address. Mails of one millisecond
// have no order, so that time goes on after each that the helpers cause.
func (w world) mailed(t testing.TB, address string) string {
	t.Helper()
	return w.LastMail(t, address).LinkToken()
}

func shownToken(invited rostertest.Response) string {
	_, token, _ := strings.Cut(invited.String("invitation", "link"), "#")
	return token
}

func (w world) acceptNew(t testing.TB, token string) rostertest.Response {
	t.Helper()
	defer w.Advance(time.Millisecond)
	return w.Must(t, 200, "POST /auth/accept-invite", "", map[string]any{
		"token": token, "password": password, "name": "New User"})
}

func (w world) invitations(t testing.TB) []any {
	t.Helper()
	list, _ := w.Must(t, 200, "GET "+w.path("/invitations"), w.owner.token, nil).At("invitations").([]any)
	return list
}

func (w world) get(t testing.TB, user id.User) *member.Member {
	t.Helper()
	m, err := member.Get(t.Context(), w.Table, w.org, user)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// change writes a member as it is to be, by no one's rules.
func (w world) change(t testing.TB, user id.User, to func(*member.Member)) {
	t.Helper()
	membertest.Change(t, w.Roster, w.org, user, to)
}

func (w world) key(t testing.TB, user id.User) string {
	t.Helper()
	return membertest.GiveKey(t, w.Roster, w.org, user)
}

func (w world) suspend(t testing.TB, user id.User) {
	t.Helper()
	membertest.Suspend(t, w.Roster, w.org, user, w.owner.user)
}

func (w world) remove(t testing.TB, user id.User) {
	w.change(t, user, func(m *member.Member) { m.Status, m.Epoch, m.Keys = access.Removed, m.Epoch+1, nil })
}

// settings changes attributes of the organization.
func (w world) settings(t testing.TB, name string, value any) {
	t.Helper()
	w.Set(t, table.Organization(w.org), name, value)
}

// serviceAccount makes one with the role of an administrator, and returns its key.
func serviceAccount(t testing.TB, w world, org id.Organization, responsible id.User) string {
	t.Helper()
	now := w.Now()
	user := id.NewUser(now)
	key := id.NewKey(now, user)
	text, digest := access.NewKeyText(org, user, key)
	m := member.Member{
		ID: user, Organization: org, Kind: member.ServiceAccount, Name: "bot", Role: "admin", Status: access.Active,
		Epoch: 1, Responsible: responsible, CreatedAt: now,
		Keys: map[id.Key]access.KeyRecord{key: {Name: "key", Digest: digest[:], CreatedBy: responsible, CreatedAt: now}},
	}
	if err := w.Table.Transact(t.Context(), member.Save(nil, m, now)...); err != nil {
		t.Fatal(err)
	}
	return text
}
