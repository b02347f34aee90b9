package offboarding_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/rostertest"
)

// history is an organization to which things happen at random.
type history struct {
	*rostertest.Roster
	t        *testing.T
	people   []membertest.Member
	services []membertest.Member
}

// TestHistories removes, hands over and brings back at random, with lists that are
// behind at times: every service account has an active person who answers for it, or is
// shown as orphaned; whoever hands over leaves none orphaned; an owner stays; a repeat
// changes nothing.
func TestHistories(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	rapid.Check(t, func(rt *rapid.T) {
		h := history{Roster: r, t: t, people: []membertest.Member{membertest.Found(t, r)}}
		org := h.people[0].Organization
		for _, role := range []string{permission.Owner, permission.Admin, permission.Admin} {
			h.people = append(h.people, membertest.Add(t, r, member.Member{Organization: org, Role: role}))
		}
		for range 2 {
			h.services = append(h.services, membertest.Add(t, r, member.Member{
				Organization: org, Kind: member.ServiceAccount, Name: "bot", Role: permission.Gateway,
				Responsible: rapid.SampledFrom(h.people).Draw(rt, "responsible").ID,
			}))
		}
		for range rapid.IntRange(1, 4).Draw(rt, "steps") {
			h.step(rt)
			h.check(rt)
		}
	})
}

func (h history) step(rt *rapid.T) {
	if rapid.Bool().Draw(rt, "lists are up to date") {
		h.Arrange(h.t)
	}
	by, leaver := rapid.SampledFrom(h.people).Draw(rt, "by"), rapid.SampledFrom(h.people).Draw(rt, "leaver")
	if rapid.IntRange(0, 4).Draw(rt, "return") == 0 {
		h.bringBack(leaver)
		return
	}
	request := "DELETE /api/organizations/" + string(by.Organization) + "/members/" + string(leaver.ID)
	to := id.User("")
	if rapid.IntRange(0, 3).Draw(rt, "hand over") > 0 {
		to = rapid.SampledFrom(h.people).Draw(rt, "heir").ID
		request += "?transfer_to=" + string(to)
	}
	held := h.answeredFor(rt, leaver.ID)
	answer := h.Call(h.t, request, by.Secret, nil)
	if answer.Status != 200 {
		if answer.Status >= 500 {
			rt.Fatalf("%s: %s", request, answer.Raw)
		}
		return
	}
	for _, service := range held {
		if to != "" && h.orphaned(rt, service) {
			rt.Fatalf("%s left %s without anyone", request, service)
		}
	}
	if by.ID == leaver.ID {
		return // whose credential has ended
	}
	before := h.versions(rt)
	h.Must(h.t, 200, request, by.Secret, nil)
	if !slices.Equal(before, h.versions(rt)) {
		rt.Fatalf("%s: a repeat changed something", request)
	}
}

// bringBack makes a removed person what they were, as an invitation does.
func (h history) bringBack(m membertest.Member) {
	read := h.read(h.t, m.ID)
	if read.Status != access.Removed {
		return
	}
	membertest.Change(h.t, h.Roster, m.Organization, m.ID, func(m *member.Member) {
		back, err := m.Admit(m.Role, h.Now())
		if err != nil {
			h.t.Fatal(err)
		}
		*m = back
	})
}

func (h history) check(rt *rapid.T) {
	owners := 0
	for _, m := range h.people {
		if read := h.read(rt, m.ID); read.Role == permission.Owner && read.Status == access.Active {
			owners++
		}
	}
	org, err := organization.Get(h.t.Context(), h.Table, h.people[0].Organization)
	if err != nil || owners < 1 || org.Owners != owners {
		rt.Fatalf("%d owners are there, %d are counted: %v", owners, org.Owners, err)
	}
	for _, service := range h.services {
		if answers := h.answering(rt, service.ID); (answers == nil) != h.orphaned(rt, service.ID) {
			rt.Fatalf("%s has %v to answer for it, and is shown as orphaned: %t", service.ID, answers, h.orphaned(rt, service.ID))
		}
	}
}

type fataler interface{ Fatalf(string, ...any) }

func (h history) read(f fataler, user id.User) member.Member {
	m, err := member.Get(h.t.Context(), h.Table, h.people[0].Organization, user)
	if err != nil || m == nil {
		f.Fatalf("%s: %v", user, err)
	}
	return *m
}

// answering is the active person who answers for a service account: whoever it names,
// or took over from them.
func (h history) answering(f fataler, service id.User) *member.Member {
	at := h.read(f, h.read(f, service).Responsible)
	for met := map[id.User]bool{}; at.Status == access.Removed && at.Successor != ""; at = h.read(f, at.Successor) {
		if met[at.ID] {
			f.Fatalf("%s takes over from themselves", at.ID)
		}
		met[at.ID] = true
	}
	if at.Status != access.Active || at.Kind != member.Person {
		return nil
	}
	return &at
}

// answeredFor are the service accounts that name a person.
func (h history) answeredFor(f fataler, user id.User) []id.User {
	var all []id.User
	for _, service := range h.services {
		if h.read(f, service.ID).Responsible == user {
			all = append(all, service.ID)
		}
	}
	return all
}

// orphaned asks the API, as whichever owner is there.
func (h history) orphaned(f fataler, service id.User) bool {
	for _, m := range h.people {
		if read := h.read(f, m.ID); read.Role == permission.Owner && read.Status == access.Active {
			secret := m.Secret
			// Whoever was removed and came back has lost the key that they had.
			if key, _ := access.ReadKeyText(secret); read.Keys[key.Key].Digest == nil {
				secret = membertest.GiveKey(h.t, h.Roster, m.Organization, m.ID)
			}
			answer := h.Must(h.t, 200, "GET /api/organizations/"+string(m.Organization)+"/members/"+string(service), secret, nil)
			orphaned, _ := answer.At("member", "orphaned").(bool)
			return orphaned
		}
	}
	f.Fatalf("no owner is left")
	return false
}

func (h history) versions(f fataler) []int {
	var all []int
	for _, m := range slices.Concat(h.people, h.services) {
		all = append(all, h.read(f, m.ID).Version)
	}
	return all
}
