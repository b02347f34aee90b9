package acceptance_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/email"
	"roster/internal/feature"
	"roster/internal/id"
	"roster/internal/invitation"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/role"
	"roster/internal/rostertest"
	"roster/internal/session"
	"roster/internal/table"
	"roster/internal/team"
	"roster/internal/user"
)

// TestHistories lets the people of an organization, and those around it, do
// whatever they like in any order. After each step it looks at everything that is
// stored for what must always hold:
//
//   - an address has one open invitation at most, and none as a member;
//   - the organization has an active owner, and counts its owners right;
//   - roles and teams count the members that are in them;
//   - nobody got a permission by someone who lacks it;
//   - a call that was refused changed nothing, and one that changed something
//     recorded it once, entry by entry;
//   - the list of members has everyone who is there, and nobody else.
func TestHistories(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := newHistory(t, rt)
		steps := h.steps()
		names := slices.Sorted(maps.Keys(steps))
		h.begin(rt)
		for range rapid.IntRange(5, 40).Draw(rt, "steps") {
			h.do(rt, steps[rapid.SampledFrom(names).Draw(rt, "step")](rt))
		}
		h.checkCounts(rt, h.state())
		h.checkList(rt)
	})
}

// history is an organization and the people around it, and what is known of both.
type history struct {
	*rostertest.Roster
	t      *testing.T
	org    id.Organization
	people []*actor
	// tokens are those of invitations, by address.
	tokens      map[string][]string
	invitations []string
	requests    []string
	teams       []string
	services    []id.User
	keys        []string
}

// actor is a person with an account, a session and, as a member, an API key.
type actor struct {
	id    id.User
	email string
}

func newHistory(t *testing.T, rt *rapid.T) *history {
	h := &history{Roster: rostertest.New(t, feature.All...), t: t, tokens: map[string][]string{}}
	org := organization.New(h.Now(), "Acme")
	org.AllowJoinRequests = true
	h.org = org.ID
	var writes []table.Write
	for i, r := range []string{permission.Owner, permission.Admin, permission.Member, "", ""} {
		a := &actor{id: id.NewUser(h.Now()), email: fmt.Sprintf("person%d@example.com", i)}
		h.people = append(h.people, a)
		account := user.User{
			ID: a.id, Email: email.Address(a.email), Name: "Person", Verified: true,
			CreatedAt: h.Now(), UpdatedAt: h.Now(), Version: 1,
		}
		writes = append(writes, user.Create(account, user.ErrEmailTaken)...)
		if r == "" {
			continue
		}
		m := member.Member{
			ID: a.id, Organization: h.org, Kind: member.Person, Email: account.Email, Name: account.Name, Role: r,
			Status: access.Active, Epoch: 1, CreatedAt: h.Now(),
		}
		if r == permission.Owner {
			writes = append(writes, member.CreateFounder(m, h.Now())...)
		} else {
			writes = append(writes, member.Save(nil, m, h.Now())...)
		}
	}
	if err := h.Table.Transact(t.Context(), append(writes, organization.Create(org))...); err != nil {
		rt.Fatal(err)
	}
	return h
}

// begin makes a team and a role with members in them.
func (h *history) begin(rt *rapid.T) {
	org := "/api/organizations/" + string(h.org)
	h.do(rt, call{by: h.people[0], request: "POST " + org + "/teams", body: map[string]any{"name": "Red"}, learn: func(answer rostertest.Response) {
		h.teams = append(h.teams, answer.String("team", "id"))
	}})
	h.do(rt, call{by: h.people[0], request: "POST " + org + "/roles", body: map[string]any{"name": "analyst", "permissions": []string{"models:use"}}})
	for _, a := range h.people[1:3] {
		h.do(rt, call{by: h.people[0], request: "PUT " + org + "/teams/" + h.teams[0] + "/members/" + string(a.id), body: map[string]any{"role": "user"}})
	}
	h.do(rt, call{by: h.people[0], request: "PUT " + org + "/members/" + string(h.people[2].id), body: map[string]any{"role": "analyst"}})
}

// enter is an access token of a person: in the organization, if it admits them.
func (h *history) enter(a *actor) string {
	h.t.Helper()
	live := session.New(h.Now(), a.id, 0, api.Client{IP: "192.0.2.1"})
	m, err := member.Get(h.t.Context(), h.Table, h.org, a.id)
	if err != nil {
		h.t.Fatal(err)
	}
	if m != nil {
		live = live.In(h.org, m.Epoch)
	}
	if err := h.Table.Transact(h.t.Context(), live.Create()); err != nil {
		h.t.Fatal(err)
	}
	keys, err := h.Keys(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	tokens, err := live.Tokens(h.Env, keys)
	if err != nil {
		h.t.Fatal(err)
	}
	return tokens.Access
}

// call is a step that was drawn.
type call struct {
	by      *actor
	request string
	body    any
	// learn, where set, hears the answer of a success.
	learn func(rostertest.Response)
	// grantor is whose rights count: the caller's, where it is empty.
	grantor id.User
}

// steps draw a call each.
func (h *history) steps() map[string]func(*rapid.T) call {
	org := "/api/organizations/" + string(h.org)
	// Whoever was the owner first calls most often, so that histories get somewhere.
	callers := append([]*actor{h.people[0], h.people[0], h.people[0], h.people[0], h.people[1], h.people[1]}, h.people...)
	anyone := func(rt *rapid.T) *actor { return rapid.SampledFrom(callers).Draw(rt, "by") }
	someone := func(rt *rapid.T) *actor { return rapid.SampledFrom(h.people).Draw(rt, "who") }
	outsider := func(rt *rapid.T) *actor { return rapid.SampledFrom(h.people[2:]).Draw(rt, "who") }
	target := func(rt *rapid.T) string {
		users := append([]id.User{}, h.services...)
		for _, a := range h.people {
			users = append(users, a.id)
		}
		return string(rapid.SampledFrom(users).Draw(rt, "target"))
	}
	roleName := func(rt *rapid.T) string {
		return rapid.SampledFrom([]string{"owner", "admin", "developer", "member", "viewer", "gateway", "analyst", "auditor"}).Draw(rt, "role")
	}
	of := func(rt *rapid.T, known []string) string {
		if len(known) == 0 {
			return "none"
		}
		return rapid.SampledFrom(known).Draw(rt, "which")
	}
	note := func(into *[]string, path ...string) func(rostertest.Response) {
		return func(answer rostertest.Response) { *into = append(*into, answer.String(path...)) }
	}
	permissions := func(rt *rapid.T) []string {
		return rapid.SliceOfDistinct(rapid.SampledFrom([]string{"models:use", "usage:read", "members:manage", "billing:manage", "keys:own"}),
			rapid.ID[string]).Draw(rt, "permissions")
	}
	return map[string]func(*rapid.T) call{
		"invite": func(rt *rapid.T) call {
			to := outsider(rt).email
			body := map[string]any{"email": to, "role": roleName(rt)}
			if rapid.Bool().Draw(rt, "into a team") {
				body["team_ids"] = []string{of(rt, h.teams)}
			}
			return call{by: anyone(rt), request: "POST " + org + "/members/invite", body: body, learn: func(answer rostertest.Response) {
				h.invitations = append(h.invitations, answer.String("invitation", "id"))
				h.tokens[to] = append(h.tokens[to], shown(answer), h.LastMail(h.t, to).LinkToken())
			}}
		},
		"resend": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "POST " + org + "/invitations/" + of(rt, h.invitations) + "/resend"}
		},
		"revoke": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "DELETE " + org + "/invitations/" + of(rt, h.invitations)}
		},
		"accept": func(rt *rapid.T) call {
			by := someone(rt)
			if invited := slices.Sorted(maps.Keys(h.tokens)); len(invited) > 0 {
				address := rapid.SampledFrom(invited).Draw(rt, "invited")
				by = h.people[slices.IndexFunc(h.people, func(a *actor) bool { return a.email == address })]
			}
			c := call{by: by, request: acceptInvite, body: map[string]any{"token": of(rt, h.tokens[by.email])}}
			var i *invitation.Invitation
			if err := h.Table.Get(h.t.Context(), invitation.Read(h.org, email.Address(by.email), &i)); err != nil {
				rt.Fatal(err)
			}
			if i != nil {
				c.grantor = i.Invite.By
			}
			return c
		},
		"ask": func(rt *rapid.T) call {
			return call{by: outsider(rt), request: "POST " + org + "/join-requests", body: map[string]any{},
				learn: note(&h.requests, "join_request", "id")}
		},
		"withdraw": func(rt *rapid.T) call {
			return call{by: outsider(rt), request: "DELETE /auth/join-requests/" + of(rt, h.requests)}
		},
		"approve": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "POST /api/admin/organization/join-requests/" + of(rt, h.requests) + "/approve"}
		},
		"reject": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "POST /api/admin/organization/join-requests/" + of(rt, h.requests) + "/reject",
				body: map[string]any{"reason": "no"}}
		},
		"change role": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "PUT " + org + "/members/" + target(rt), body: map[string]any{"role": roleName(rt)}}
		},
		"change role by another route": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "PUT /admin/users/" + target(rt) + "/role", body: map[string]any{"role": roleName(rt)}}
		},
		"describe": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "PUT " + org + "/members/" + target(rt),
				body: map[string]any{"metadata": map[string]any{"department": rapid.SampledFrom([]any{"Engineering", "Sales", nil}).Draw(rt, "department")}}}
		},
		"suspend": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "POST " + org + "/members/" + target(rt) + "/suspend", body: map[string]any{"reason": "x"}}
		},
		"unsuspend": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "POST " + org + "/members/" + target(rt) + "/unsuspend"}
		},
		"remove": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "DELETE " + org + "/members/" + target(rt)}
		},
		"leave": func(rt *rapid.T) call { return call{by: someone(rt), request: "POST " + org + "/members/leave"} },
		"remove many": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "POST " + org + "/members/bulk-remove",
				body: map[string]any{"user_ids": []string{target(rt), target(rt), target(rt)}}}
		},
		"edit many": func(rt *rapid.T) call {
			change := rapid.SampledFrom([]map[string]any{{"role": "member"}, {"role": "owner"}, {"status": "suspended"}, {"status": "active"}, {"alias": "x"}}).Draw(rt, "changes")
			return call{by: anyone(rt), request: "PUT " + org + "/members/bulk",
				body: map[string]any{"user_ids": []string{target(rt), target(rt), target(rt)}, "changes": change}}
		},
		"make a service account": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "POST " + org + "/service-accounts",
				body: map[string]any{"name": "bot", "role": roleName(rt)},
				learn: func(answer rostertest.Response) {
					h.services = append(h.services, id.User(answer.String("member", "user_id")))
				}}
		},
		"make a team": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "POST " + org + "/teams",
				body: map[string]any{"name": rapid.SampledFrom([]string{"Red", "Blue"}).Draw(rt, "name")}, learn: note(&h.teams, "team", "id")}
		},
		"delete a team": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "DELETE " + org + "/teams/" + of(rt, h.teams)}
		},
		"put into a team": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "PUT " + org + "/teams/" + of(rt, h.teams) + "/members/" + target(rt),
				body: map[string]any{"role": rapid.SampledFrom([]string{"user", "manager"}).Draw(rt, "as")}}
		},
		"take out of a team": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "DELETE " + org + "/teams/" + of(rt, h.teams) + "/members/" + target(rt)}
		},
		"make a role": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "POST " + org + "/roles", body: map[string]any{
				"name": rapid.SampledFrom([]string{"analyst", "auditor"}).Draw(rt, "name"), "permissions": permissions(rt)}}
		},
		"change a role": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "PUT " + org + "/roles/" + rapid.SampledFrom([]string{"analyst", "auditor"}).Draw(rt, "name"),
				body: map[string]any{"permissions": permissions(rt)}}
		},
		"delete a role": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "DELETE " + org + "/roles/" + rapid.SampledFrom([]string{"analyst", "auditor"}).Draw(rt, "name") +
				rapid.SampledFrom([]string{"", "?successor=member", "?successor=auditor", "?successor=admin"}).Draw(rt, "successor")}
		},
		"make a key": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "POST " + org + "/keys", body: map[string]any{"name": "k", "user_id": target(rt)},
				learn: note(&h.keys, "key", "id")}
		},
		"rotate a key": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "POST " + org + "/keys/" + of(rt, h.keys) + "/rotate"}
		},
		"give a key away": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "POST " + org + "/keys/" + of(rt, h.keys) + "/transfer",
				body: map[string]any{"user_id": target(rt)}, learn: note(&h.keys, "key", "id")}
		},
		"revoke a key": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "DELETE " + org + "/keys/" + of(rt, h.keys)}
		},
		"change settings": func(rt *rapid.T) call {
			return call{by: anyone(rt), request: "PUT " + org, body: rapid.SampledFrom([]map[string]any{
				{"auto_approve_requests": true}, {"auto_approve_requests": false}, {"default_role": "developer"}, {"default_role": "viewer"}, {"name": "Acme"},
			}).Draw(rt, "settings")}
		},
	}
}

// do makes a call and checks what came of it.
func (h *history) do(rt *rapid.T, c call) {
	credential := h.enter(c.by)
	before := h.state()
	answer := h.Call(h.t, c.request, credential, c.body)
	after := h.state()
	h.Advance(time.Millisecond)
	if answer.Status >= 500 {
		rt.Fatalf("%s: %s", c.request, answer.Raw)
	}
	recorded := after.events - before.events
	changed := difference(before.items, after.items)
	switch done := entriesDone(answer); {
	case answer.Status >= 400 && (len(changed) > 0 || recorded > 0):
		rt.Fatalf("%s was refused with %s, and changed %v", c.request, answer.Raw, changed)
	case done >= 0 && recorded != done:
		rt.Fatalf("%s: %d entries done, %d recorded: %s", c.request, done, recorded, answer.Raw)
	case done < 0 && len(changed) > 0 && recorded != 1:
		rt.Fatalf("%s changed %v, and recorded it %d times", c.request, changed, recorded)
	case len(changed) == 0 && recorded > 0:
		rt.Fatalf("%s recorded a change and made none", c.request)
	}
	if answer.Status < 300 && c.learn != nil {
		c.learn(answer)
	}
	if c.grantor == "" {
		c.grantor = c.by.id
	}
	h.checkGrants(rt, c, before, after)
	h.checkCounts(rt, after)
}

// entriesDone is how many entries of a bulk call changed something; -1 of another call.
func entriesDone(answer rostertest.Response) int {
	results, ok := answer.At("results").([]any)
	if !ok {
		return -1
	}
	done := 0
	for _, result := range results {
		if result.(map[string]any)["status"] == "done" {
			done++
		}
	}
	return done
}

// state is everything that is stored, read into what it is.
type state struct {
	items       map[table.Key]map[string]any
	events      int
	org         organization.Organization
	members     map[id.User]member.Member
	invitations []invitation.Invitation
	roles       map[string]role.Role
	teams       map[id.Team]team.Team
}

// state reads the table. Sessions, mails, throttles, answers to idempotency keys,
// entries of lists and accounts are nothing that an organization changes by; audit
// events are counted.
func (h *history) state() state {
	h.t.Helper()
	s := state{items: h.DumpItems(h.t, "OB#", "TH#", "IK#", "ML#", "U#"), members: map[id.User]member.Member{}, roles: map[string]role.Role{}, teams: map[id.Team]team.Team{}}
	maps.DeleteFunc(s.items, func(key table.Key, _ map[string]any) bool {
		event := strings.HasPrefix(key.PK, "AU#")
		if event {
			s.events++
		}
		return event
	})
	var reads []table.Read
	members, invitations := map[id.User]**member.Member{}, []**invitation.Invitation{}
	roles, teams := map[string]**role.Role{}, map[id.Team]**team.Team{}
	var org *organization.Organization
	for key := range s.items {
		switch {
		case key == table.Organization(h.org):
			reads = append(reads, organization.Read(h.org, &org))
		case strings.HasPrefix(key.PK, table.MemberPrefix) && key.SK == "LA":
			_, u, _ := key.Member()
			members[u] = new(*member.Member)
			reads = append(reads, member.Read(h.org, u, members[u]))
		case strings.HasPrefix(key.PK, table.InvitationPrefix):
			into := new(*invitation.Invitation)
			invitations = append(invitations, into)
			reads = append(reads, table.Into(key, into))
		case strings.HasPrefix(key.SK, table.RolePrefix):
			name := strings.TrimPrefix(key.SK, table.RolePrefix)
			roles[name] = new(*role.Role)
			reads = append(reads, table.Into(key, roles[name]))
		case strings.HasPrefix(key.SK, table.TeamPrefix):
			of := id.Team(strings.TrimPrefix(key.SK, table.TeamPrefix))
			teams[of] = new(*team.Team)
			reads = append(reads, table.Into(key, teams[of]))
		}
	}
	if err := h.Table.Get(h.t.Context(), reads...); err != nil {
		h.t.Fatal(err)
	}
	s.org = *org
	for u, m := range members {
		s.members[u] = **m
	}
	for _, i := range invitations {
		s.invitations = append(s.invitations, **i)
	}
	for name, r := range roles {
		s.roles[name] = **r
	}
	for of, found := range teams {
		s.teams[of] = **found
	}
	return s
}

// difference are the keys of the items that are not the same in both.
func difference(before, after map[table.Key]map[string]any) (changed []table.Key) {
	for key, item := range after {
		if !reflect.DeepEqual(before[key], item) {
			changed = append(changed, key)
		}
	}
	for key := range before {
		if after[key] == nil {
			changed = append(changed, key)
		}
	}
	return changed
}

func present(m member.Member) bool { return m.Status == access.Active || m.Status == access.Suspended }

// checkGrants: whoever can do more than before got it from someone who can do that.
func (h *history) checkGrants(rt *rapid.T, c call, before, after state) {
	grantor := before.members[c.grantor]
	had := before.org.Roles.Of(grantor.Role)
	if grantor.Status != access.Active {
		had = 0
	}
	for u, is := range after.members {
		was, could := before.members[u], permission.Set(0)
		if present(was) {
			could = before.org.Roles.Of(was.Role)
		}
		can := permission.Set(0)
		if present(is) {
			can = after.org.Roles.Of(is.Role)
		}
		gained := can &^ could
		if gained == 0 {
			continue
		}
		if asked := strings.HasSuffix(c.request, "/join-requests") && u == c.by.id; asked {
			if before.org.AutoApproveRequests && is.Role == before.org.DefaultRole {
				continue // by the organization's rules
			}
		}
		if !had.Covers(gained) {
			rt.Fatalf("%s: %s gained %v by %s, who has %v", c.request, u, gained.List(), c.grantor, had.List())
		}
		if is.Role == permission.Owner && was.Role != permission.Owner && grantor.Role != permission.Owner {
			rt.Fatalf("%s: a %s made an owner", c.request, grantor.Role)
		}
	}
}

func (h *history) checkCounts(rt *rapid.T, s state) {
	owners, inRole, inTeam := 0, map[string]int{}, map[id.Team]int{}
	addresses := map[email.Address]member.Member{}
	for _, m := range s.members {
		if m.Role == permission.Owner && m.Status == access.Active {
			owners++
		}
		if m.KeyCount != len(m.Keys) {
			rt.Fatalf("%s has %d keys, and counts %d", m.ID, len(m.Keys), m.KeyCount)
		}
		if !present(m) {
			if len(m.Keys) > 0 || len(m.Teams) > 0 && m.Status == access.Removed {
				rt.Fatalf("a %s member has %d keys and %d teams", m.Status, len(m.Keys), len(m.Teams))
			}
			continue
		}
		if m.Email != "" {
			addresses[m.Email] = m
		}
		inRole[m.Role]++
		for of := range m.Teams {
			inTeam[of]++
			if _, there := s.teams[of]; !there {
				rt.Fatalf("%s is in a team that there is not", m.ID)
			}
		}
	}
	if owners < 1 || owners != s.org.Owners {
		rt.Fatalf("%d owners, counted as %d", owners, s.org.Owners)
	}
	for name, r := range s.roles {
		if r.Members != inRole[name] {
			rt.Fatalf("role %s counts %d members and has %d", name, r.Members, inRole[name])
		}
	}
	for of, found := range s.teams {
		if found.Members != inTeam[of] {
			rt.Fatalf("team %s counts %d members and has %d", found.Name, found.Members, inTeam[of])
		}
	}
	open := map[email.Address]bool{}
	for _, i := range s.invitations {
		if !i.Open() {
			continue
		}
		if m, there := addresses[i.Email]; there || open[i.Email] {
			rt.Fatalf("%s has an open invitation beside another or a membership: %v", i.Email, m.Status)
		}
		open[i.Email] = true
	}
}

// checkList compares the pages of the member list with what is stored.
func (h *history) checkList(rt *rapid.T) {
	s := h.state()
	var want []string
	for _, m := range s.members {
		switch {
		case m.Request != nil:
			want = append(want, string(m.Request.ID))
		case present(m):
			want = append(want, string(m.ID))
		}
	}
	for _, i := range s.invitations {
		if i.Open() {
			want = append(want, string(i.ID))
		}
	}
	owner := ""
	for _, a := range h.people {
		if m := s.members[a.id]; m.Role == permission.Owner && m.Status == access.Active {
			owner = h.enter(a)
		}
	}
	if owner == "" {
		return // a service account is the last owner: it has no session
	}
	var got []string
	request := "GET /api/organizations/" + string(h.org) + "/members?limit=3"
	for next := ""; ; {
		answer := h.Must(h.t, 200, request+next, owner, nil)
		for _, listed := range answer.At("members").([]any) {
			row := listed.(map[string]any)
			for _, name := range []string{"user_id", "invitation_id", "request_id"} {
				if of, _ := row[name].(string); of != "" {
					got = append(got, of)
				}
			}
		}
		cursor := answer.String("next_cursor")
		if cursor == "" {
			break
		}
		next = "&cursor=" + cursor
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		rt.Fatalf("listed %v, stored %v", got, want)
	}
}
