package joinrequest_test

import (
	"strings"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/account"
	"roster/internal/email"
	"roster/internal/id"
	"roster/internal/invitation"
	"roster/internal/joinrequest"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/rostertest"
	"roster/internal/table"
)

const (
	password = "newpassword123"
	requests = "/api/admin/organization/join-requests"
	accept   = "POST /auth/accept-invite"
)

// world is a deployment with one organization that takes requests.
type world struct {
	*rostertest.Roster
	org   id.Organization
	owner person
}

// person is an account with an access token; for administrators, an API key.
type person struct {
	user  id.User
	email string
	token string
}

func newWorld(t testing.TB) world {
	t.Helper()
	w := world{Roster: rostertest.New(t, account.Endpoints, invitation.Endpoints, joinrequest.Endpoints)}
	w.found(t, "ada@acme.example")
	return w
}

// found makes the organization of the world, with its owner.
func (w *world) found(t testing.TB, address string) {
	t.Helper()
	founded := w.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": address, "password": password, "name": "Ada", "organization": "Acme"})
	w.org, w.owner = founded.OrganizationOf(), loggedIn(founded)
	w.Must(t, 200, "POST /auth/verify-email", "", map[string]any{"token": w.LastMail(t, address).LinkToken()})
	w.owner.token = w.key(t, w.owner.user)
	w.settings(t, "allow_join_requests", true)
	w.Advance(time.Millisecond)
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

// admin is an administrator of the organization.
func (w world) admin(t testing.TB, address string) person {
	t.Helper()
	p := w.person(t, address, true)
	w.join(t, p)
	w.change(t, p.user, func(m *member.Member) { *m, _ = m.Admit("admin", w.Now()) })
	p.token = w.key(t, p.user)
	return p
}

func (w world) path(rest string) string { return "/api/organizations/" + string(w.org) + rest }

// join asks to join, and returns the request's id.
func (w world) join(t testing.TB, p person) string {
	t.Helper()
	return w.Must(t, 201, "POST "+w.path("/join-requests"), p.token, nil).String("join_request", "id")
}

func (w world) invite(t testing.TB, address, role string) rostertest.Response {
	t.Helper()
	defer w.Advance(time.Millisecond)
	return w.Must(t, 201, "POST "+w.path("/members/invite"), w.owner.token, map[string]any{"email": address, "role": role})
}

func approve(request string) string { return "POST " + requests + "/" + request + "/approve" }
func reject(request string) string  { return "POST " + requests + "/" + request + "/reject" }

func (w world) shown(t testing.TB, invited rostertest.Response) string {
	t.Helper()
	_, token, _ := strings.Cut(invited.String("invitation", "link"), "#")
	return token
}

func (w world) get(t testing.TB, user id.User) *member.Member {
	t.Helper()
	m, err := member.Get(t.Context(), w.Table, w.org, user)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (w world) invitationOf(t testing.TB, address string) *invitation.Invitation {
	t.Helper()
	var i *invitation.Invitation
	if err := w.Table.Get(t.Context(), invitation.Read(w.org, email.Address(address), &i)); err != nil {
		t.Fatal(err)
	}
	return i
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
	w.change(t, user, func(m *member.Member) {
		m.Status, m.Epoch, m.Keys, m.Suspension = access.Removed, m.Epoch+1, nil, nil
	})
}

// settings changes an attribute of the organization.
func (w world) settings(t testing.TB, name string, value any) {
	t.Helper()
	w.Set(t, table.Organization(w.org), name, value)
}

// mails counts the mails of a kind to an address.
func (w world) mails(t testing.TB, address string, kind mail.Kind) int {
	t.Helper()
	n := 0
	for _, m := range w.Mails(t, address) {
		if m.Kind == kind {
			n++
		}
	}
	return n
}

// pending lists what waits in the organization: "invitation <address>" and
// "person <address>", as the state index has it.
func (w world) pending(t testing.TB) map[string]int {
	t.Helper()
	items, err := w.Table.QueryAll(t.Context(), table.Query{
		Index: table.StateIndex, PK: member.StatePartition(w.org, access.Pending)})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := table.DecodeAll[member.Member](items)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]int{}
	for _, m := range rows {
		all[string(m.Kind)+" "+string(m.Email)]++
	}
	return all
}
