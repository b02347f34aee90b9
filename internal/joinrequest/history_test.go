package joinrequest_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/session"
)

// TestMain bounds the property test, whose every step is a call over a real table.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.steps", "40"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// TestHistories plays random histories of everything that happens to invitations
// and requests, and looks after each step whether all agrees.
func TestHistories(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.person(t, "admin@acme.example", true)
	var people []person
	for _, name := range []string{"bob", "carol"} {
		people = append(people, w.person(t, name+"@example.com", true))
	}
	w.settings(t, "auto_approve_requests", false)
	rapid.Check(t, func(rt *rapid.T) {
		h := newHistory(t, rt, w, admin, people)
		rt.Repeat(map[string]func(*rapid.T){
			"":         h.check,
			"invite":   h.invite,
			"resend":   h.resend,
			"revoke":   h.revoke,
			"accept":   h.accept,
			"join":     h.join,
			"approve":  h.approve,
			"reject":   h.reject,
			"withdraw": h.withdraw,
			"depart":   h.depart,
			"unmake":   h.unmake,
			"wait":     h.wait,
		})
	})
}

// history is one organization, and what is known of it.
type history struct {
	world
	t      *testing.T
	admin  person
	people []*subject
	// accepted are the invitations by which somebody became a member.
	accepted map[id.Invitation]bool
}

// subject is a person to whom things happen.
type subject struct {
	person
	tokens      []string
	invitations []string
	requests    []string
	// admissions is how often they became a member, welcomed how often by mail
	// before this history.
	admissions, welcomed int
}

func newHistory(t *testing.T, rt *rapid.T, w world, admin person, people []person) *history {
	w.Advance(24 * time.Hour) // there are limits on each day
	founded := w.Must(t, 201, "POST /api/organizations", mint(t, w, id.User(w.owner.user)), map[string]any{"name": "Acme"})
	w.org = id.Organization(founded.String("organization", "id"))
	w.settings(t, "allow_join_requests", true)
	w.owner.token = w.key(t, w.owner.user)
	now := w.Now()
	if err := w.Table.Transact(t.Context(), member.Save(nil, member.Member{
		ID: admin.user, Organization: w.org, Kind: member.Person, Email: "admin@acme.example",
		Role: permission.Admin, Status: access.Active, Epoch: 1, CreatedAt: now,
	}, now)...); err != nil {
		rt.Fatal(err)
	}
	admin.token = w.key(t, admin.user)
	h := &history{world: w, t: t, admin: admin, accepted: map[id.Invitation]bool{}}
	for _, p := range people {
		h.people = append(h.people, &subject{person: p, welcomed: w.mails(t, p.email, mail.Welcome)})
	}
	return h
}

// mint logs an account in.
func mint(t testing.TB, w world, user id.User) string {
	t.Helper()
	live := session.New(w.Now(), user, 0, api.Client{})
	if err := w.Table.Transact(t.Context(), live.Create()); err != nil {
		t.Fatal(err)
	}
	keys, err := w.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := live.Tokens(w.Env, keys)
	if err != nil {
		t.Fatal(err)
	}
	return tokens.Access
}

func (h *history) subject(rt *rapid.T) *subject {
	return rapid.SampledFrom(h.people).Draw(rt, "person")
}

func (h *history) actor(rt *rapid.T) person {
	return rapid.SampledFrom([]person{h.owner, h.admin}).Draw(rt, "actor")
}

// call makes a call that may be refused, but must not fail.
func (h *history) call(rt *rapid.T, request, credential string, body any) rostertest.Response {
	answer := h.Call(h.t, request, credential, body)
	if answer.Status >= 500 {
		rt.Fatalf("%s: %s", request, answer.Raw)
	}
	h.Advance(time.Millisecond)
	return answer
}

func oneOf(rt *rapid.T, all []string) string {
	if len(all) == 0 {
		rt.Skip("there is none")
	}
	return rapid.SampledFrom(all).Draw(rt, "which")
}

func (h *history) invite(rt *rapid.T) {
	s, actor := h.subject(rt), h.actor(rt)
	role := rapid.SampledFrom([]string{"owner", "admin", "developer", "member", "viewer"}).Draw(rt, "role")
	answer := h.call(rt, "POST "+h.path("/members/invite"), actor.token, map[string]any{"email": s.email, "role": role})
	if answer.Status != 201 {
		return
	}
	s.invitations = append(s.invitations, answer.String("invitation", "id"))
	h.links(s, answer)
}

func (h *history) links(s *subject, answer rostertest.Response) {
	s.tokens = append(s.tokens, h.shown(h.t, answer), h.LastMail(h.t, s.email).LinkToken())
}

func (h *history) resend(rt *rapid.T) {
	s, actor := h.subject(rt), h.actor(rt)
	if answer := h.call(rt, "POST "+h.path("/invitations/"+oneOf(rt, s.invitations)+"/resend"), actor.token, nil); answer.Status == 200 {
		h.links(s, answer)
	}
}

func (h *history) revoke(rt *rapid.T) {
	s, actor := h.subject(rt), h.actor(rt)
	h.call(rt, "DELETE "+h.path("/invitations/"+oneOf(rt, s.invitations)), actor.token, nil)
}

func (h *history) accept(rt *rapid.T) {
	s := h.subject(rt)
	token := oneOf(rt, s.tokens)
	before, invited := h.get(h.t, s.user), h.invitationOf(h.t, s.email)
	answer := h.call(rt, accept, mint(h.t, h.world, s.user), map[string]any{"token": token})
	wasMember := before != nil && before.Status == access.Active
	if answer.Status != 200 || wasMember {
		return
	}
	s.admissions++
	if h.accepted[invited.ID] {
		rt.Fatalf("%s was accepted twice", invited.ID)
	}
	h.accepted[invited.ID] = true
	inviter, m := h.get(h.t, invited.Invite.By), h.get(h.t, s.user)
	if inviter.Status != access.Active ||
		inviter.MayGrant(nil, m.Role, member.Person) != nil || !permission.Roles(nil).Of(inviter.Role).Has(permission.MembersManage) {
		rt.Fatalf("%s became %s by %+v", s.email, m.Role, inviter)
	}
}

func (h *history) join(rt *rapid.T) {
	s := h.subject(rt)
	if answer := h.call(rt, "POST "+h.path("/join-requests"), mint(h.t, h.world, s.user), nil); answer.Status == 201 {
		s.requests = append(s.requests, answer.String("join_request", "id"))
	}
}

func (h *history) approve(rt *rapid.T) {
	s, actor := h.subject(rt), h.actor(rt)
	request := oneOf(rt, s.requests)
	role := rapid.SampledFrom([]string{"owner", "admin", "member"}).Draw(rt, "role")
	before := h.get(h.t, s.user)
	answer := h.call(rt, approve(request), actor.token, map[string]any{"role": role})
	if answer.Status == 200 && before.Status == access.Pending {
		s.admissions++
		if role == "owner" && actor.user == h.admin.user {
			rt.Fatal("an administrator made an owner")
		}
	}
}

func (h *history) reject(rt *rapid.T) {
	s, actor := h.subject(rt), h.actor(rt)
	h.call(rt, reject(oneOf(rt, s.requests)), actor.token, map[string]any{"reason": "Not affiliated with organization"})
}

func (h *history) withdraw(rt *rapid.T) {
	s := h.subject(rt)
	h.call(rt, "DELETE /auth/join-requests/"+oneOf(rt, s.requests), mint(h.t, h.world, s.user), nil)
}

// depart suspends, unsuspends or removes a member.
func (h *history) depart(rt *rapid.T) {
	s := h.subject(rt)
	m := h.get(h.t, s.user)
	how := rapid.SampledFrom([]string{"suspend", "remove", "unsuspend"}).Draw(rt, "how")
	switch {
	case m == nil:
	case how == "suspend" && m.Status == access.Active:
		h.suspend(h.t, s.user)
	case how == "remove" && (m.Status == access.Active || m.Status == access.Suspended):
		h.remove(h.t, s.user)
	case how == "unsuspend" && m.Status == access.Suspended:
		h.change(h.t, s.user, func(m *member.Member) { m.Status, m.Suspension = access.Active, nil })
	}
}

// unmake takes the administrator's role or place, or gives both back.
func (h *history) unmake(rt *rapid.T) {
	suspended := rapid.Bool().Draw(rt, "suspended")
	h.change(h.t, h.admin.user, func(m *member.Member) {
		switch {
		case m.Role != permission.Admin || m.Status != access.Active:
			m.Role, m.Status, m.Suspension = permission.Admin, access.Active, nil
		case suspended:
			m.Status, m.Suspension = access.Suspended, &member.Suspension{By: h.owner.user}
		default:
			m.Role = permission.Developer
		}
	})
}

func (h *history) wait(rt *rapid.T) {
	h.Advance(time.Duration(rapid.IntRange(1, 100).Draw(rt, "hours")) * time.Hour)
}

// check is what holds after every step.
func (h *history) check(rt *rapid.T) {
	waiting := h.pending(h.t)
	want, owners := map[string]int{}, 1
	for _, s := range h.people {
		m, invited := h.get(h.t, s.user), h.invitationOf(h.t, s.email)
		if invited.Open() {
			want["invitation "+s.email] = 1
			if m != nil && (m.Status == access.Active || m.Status == access.Suspended) {
				rt.Fatalf("%s is %s, and invited", s.email, m.Status)
			}
		}
		if m != nil && m.Status == access.Pending {
			want["person "+s.email] = 1
		}
		if m != nil && m.Status == access.Active && m.Role == permission.Owner {
			owners++
		}
		if n := h.mails(h.t, s.email, mail.Welcome) - s.welcomed; n != s.admissions {
			rt.Fatalf("%s became a member %d times, and was welcomed %d times", s.email, s.admissions, n)
		}
	}
	if fmt.Sprint(waiting) != fmt.Sprint(want) {
		rt.Fatalf("lists show %v, want %v", waiting, want)
	}
	org, err := organization.Get(h.t.Context(), h.Table, h.org)
	if err != nil || org.Owners != owners {
		rt.Fatalf("%+v is counted, there are %d owners (%v)", org, owners, err)
	}
}
