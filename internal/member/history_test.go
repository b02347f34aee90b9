package member_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
)

// TestHistories lets the members of an organization do to each other whatever
// they like, in any order, and asks after every step for what must always hold.
func TestHistories(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	rapid.Check(t, func(rt *rapid.T) {
		h := history{r: r, all: []membertest.Member{membertest.Found(t, r)}}
		for range 4 {
			h.all = append(h.all, membertest.Add(t, r, member.Member{
				Organization: h.all[0].Organization, Role: rapid.SampledFrom(roles[:5]).Draw(rt, "role"),
				Status: rapid.SampledFrom([]member.Status{access.Pending, access.Active}).Draw(rt, "status"),
			}))
		}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			h.step(t, rt)
		}
	})
}

// builtIn are the roles of an organization that made none.
var builtIn permission.Roles

type history struct {
	r   *rostertest.Roster
	all []membertest.Member
}

func (h *history) step(t *testing.T, rt *rapid.T) {
	index := rapid.IntRange(0, len(h.all)-1)
	by, target := h.all[index.Draw(rt, "caller")], h.all[index.Draw(rt, "target")]
	role := rapid.SampledFrom(roles).Draw(rt, "to")
	before := h.read(t)
	verb := rapid.SampledFrom([]string{"admit", "role", "suspend", "unsuspend", "remove", "leave", "both"}).Draw(rt, "verb")
	done := true
	if verb == "admit" {
		done = h.admit(t, before[by.ID], before[target.ID], role)
	} else {
		request, body := map[string]string{
			"role": "PUT " + path(target), "both": "PUT " + path(target), "suspend": "POST " + path(target) + "/suspend",
			"unsuspend": "POST " + path(target) + "/unsuspend", "remove": "DELETE " + path(target), "leave": "POST " + members(by) + "/leave",
		}[verb], map[string]any{}
		if verb == "leave" {
			target = by
		}
		if verb == "role" || verb == "both" {
			body["role"] = role
		}
		if verb == "both" {
			body["status"] = rapid.SampledFrom([]string{"active", "suspended"}).Draw(rt, "standing")
		}
		answer := h.r.Call(t, request, by.Secret, body)
		done = answer.Status == 200
		if answer.Status >= 500 {
			rt.Fatalf("%s: %s", verb, answer.Raw)
		}
	}
	h.check(t, rt, before, h.read(t), before[by.ID], target, done)
}

// admit is what an approval does: by the caller's right to grant, at the time.
func (h *history) admit(t *testing.T, by, target member.Member, role string) bool {
	if by.Status != access.Active || !builtIn.Of(by.Role).Has(permission.MembersManage) ||
		by.MayGrant(nil, role, target.Kind) != nil {
		return false
	}
	admitted, err := target.Admit(role, h.r.Now())
	if err != nil {
		return false
	}
	if err := h.r.Table.Transact(t.Context(), member.Save(&target, admitted, h.r.Now())...); err != nil {
		t.Fatal(err)
	}
	return true
}

func (h *history) read(t *testing.T) map[id.User]member.Member {
	all := map[id.User]member.Member{}
	for _, one := range h.all {
		m, err := member.Get(t.Context(), h.r.Table, one.Organization, one.ID)
		if err != nil {
			t.Fatal(err)
		}
		all[one.ID] = *m
	}
	return all
}

func (h *history) check(t *testing.T, rt *rapid.T, before, after map[id.User]member.Member, by member.Member, target membertest.Member, done bool) {
	counted, found := owners(t, h.r, h.all...)
	if counted != found || found < 1 {
		rt.Fatalf("%d owners are counted, %d are there", counted, found)
	}
	for user, was := range before {
		is := after[user]
		if was.Version == is.Version {
			continue
		}
		if !done || user != target.ID {
			rt.Fatalf("%s changed, though nobody may have changed it", user)
		}
		if by.Status != access.Active {
			rt.Fatalf("a %s member changed something", by.Status)
		}
		if user != by.ID && !builtIn.Of(by.Role).Covers(builtIn.Of(is.Role)) {
			rt.Fatalf("%s gave the role %s", by.Role, is.Role)
		}
		present := was.Status == access.Active || was.Status == access.Suspended
		if present && user != by.ID && !builtIn.Of(by.Role).Covers(builtIn.Of(was.Role)) {
			rt.Fatalf("%s changed a member who was %s", by.Role, was.Role)
		}
		if was.Role != is.Role && user == by.ID && by.Role != permission.Owner {
			rt.Fatalf("%s changed their own role to %s", by.Role, is.Role)
		}
		if is.Status == access.Removed && len(is.Keys) > 0 {
			rt.Fatalf("a removed member keeps %d keys", len(is.Keys))
		}
		if was.Status != is.Status && is.Status != access.Active && is.Epoch <= was.Epoch {
			rt.Fatalf("from %s to %s tokens stay alive", was.Status, is.Status)
		}
	}
	h.listed(t, rt, after)
}

// listed asks for every member in the index where their status puts them.
func (h *history) listed(t *testing.T, rt *rapid.T, after map[id.User]member.Member) {
	org := h.all[0].Organization
	for _, list := range []struct {
		index, partition string
		statuses         []member.Status
	}{
		{table.ListIndex, member.ListPartition(org), []member.Status{access.Pending, access.Active, access.Suspended}},
		{table.StateIndex, member.StatePartition(org, access.Pending), []member.Status{access.Pending}},
		{table.StateIndex, member.StatePartition(org, access.Suspended), []member.Status{access.Suspended}},
		{table.StateIndex, member.StatePartition(org, access.Removed), []member.Status{access.Removed}},
	} {
		items, err := h.r.Table.QueryAll(t.Context(), table.Query{Index: list.index, PK: list.partition})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := table.DecodeAll[member.Member](items)
		if err != nil {
			t.Fatal(err)
		}
		for user, m := range after {
			want := slices.Contains(list.statuses, m.Status)
			got := slices.ContainsFunc(rows, func(row member.Member) bool { return row.ID == user && row.Role == m.Role })
			if got != want {
				rt.Fatalf("a %s member stands in %s: %t", m.Status, list.partition, got)
			}
		}
	}
}
