package apikey_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/apikey"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/permission"
	"roster/internal/rostertest"
)

// TestKeyHistories lets an owner do to the keys of two members whatever they like,
// and asks after every step which secrets work, and what is listed.
func TestKeyHistories(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints, apikey.Endpoints)
	rapid.Check(t, func(rt *rapid.T) {
		owner := membertest.Found(t, r)
		h := &keyHistory{Roster: r, t: t, owner: owner, secrets: map[string]*secretModel{}}
		for range 2 {
			m := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
			h.members = append(h.members, m)
			h.keys = append(h.keys, &keyModel{id: string(keyOf(m)), of: m})
			h.secrets[m.Secret] = &secretModel{key: h.keys[len(h.keys)-1]}
		}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			h.step(rt)
			h.check(rt)
		}
	})
}

type keyHistory struct {
	*rostertest.Roster
	t       *testing.T
	owner   membertest.Member
	members []membertest.Member
	// keys are those that were neither revoked, transferred nor forgotten.
	keys    []*keyModel
	secrets map[string]*secretModel
}

type keyModel struct {
	id      string
	of      membertest.Member
	expires time.Time
	// ended: revoked or transferred.
	ended bool
}

type secretModel struct {
	key *keyModel
	// until is the end of a secret that was replaced.
	until time.Time
	// replaced and dead: it was followed by one, and by two.
	replaced, dead bool
}

func (k *keyModel) expired(now time.Time) bool { return !k.expires.IsZero() && !now.Before(k.expires) }

func (s *secretModel) works(now time.Time) bool {
	return !s.key.ended && !s.key.expired(now) && !s.dead && (!s.replaced || now.Before(s.until))
}

func (h *keyHistory) step(rt *rapid.T) {
	now := h.Now()
	to := rapid.SampledFrom(h.members).Draw(rt, "to")
	verb := rapid.SampledFrom([]string{"create", "create", "rotate", "expire", "revoke", "transfer", "wait"}).Draw(rt, "verb")
	if len(h.keys) == 0 && verb != "wait" {
		verb = "create"
	}
	var key *keyModel
	if verb != "create" && verb != "wait" {
		key = rapid.SampledFrom(h.keys).Draw(rt, "key")
	}
	wait := time.Duration(rapid.IntRange(1, 20).Draw(rt, "seconds")) * time.Second
	live := len(slices.DeleteFunc(h.of(to), func(k *keyModel) bool { return k.expired(now) }))
	status, path := 200, ""
	if key != nil {
		path = keys(h.owner) + "/" + key.id
		if key.expired(now) {
			status = 409
		}
	}
	switch verb {
	case "wait":
		h.Advance(wait)
	case "create":
		body := map[string]any{"name": "k", "user_id": to.ID}
		made := &keyModel{of: to}
		if rapid.Bool().Draw(rt, "expires") {
			made.expires = now.Add(wait)
			body["expires_at"] = made.expires
		}
		status = 201
		if live == apikey.MaxKeys {
			status = 409
		}
		if answer := h.Must(h.t, status, "POST "+keys(h.owner), h.owner.Secret, body); status == 201 {
			h.made(made, answer)
		}
	case "rotate":
		grace := rapid.SampledFrom([]int{0, 5, 15}).Draw(rt, "grace")
		if answer := h.Must(h.t, status, "POST "+path+"/rotate", h.owner.Secret, map[string]any{"grace_seconds": grace}); status == 200 {
			for _, s := range h.secrets {
				if s.key == key {
					s.dead = s.dead || s.replaced
					if !s.replaced {
						s.replaced, s.until = true, now.Add(time.Duration(grace)*time.Second)
					}
				}
			}
			h.secrets[answer.String("key", "secret")] = &secretModel{key: key}
		}
	case "expire":
		if h.Must(h.t, status, "PUT "+path, h.owner.Secret, map[string]any{"expires_at": now.Add(wait)}); status == 200 {
			key.expires = now.Add(wait)
		}
	case "revoke":
		h.Must(h.t, 200, "DELETE "+path, h.owner.Secret, nil)
		h.end(key)
	case "transfer":
		if to.ID == key.of.ID {
			return
		}
		if status = max(status, 201); live == apikey.MaxKeys {
			status = 409
		}
		if answer := h.Must(h.t, status, "POST "+path+"/transfer", h.owner.Secret, map[string]any{"user_id": to.ID}); status == 201 {
			h.end(key)
			h.made(&keyModel{of: to, expires: key.expires}, answer)
		}
	}
}

// made notes a new key; the expired ones of its member are forgotten.
func (h *keyHistory) made(key *keyModel, answer rostertest.Response) {
	h.keys = slices.DeleteFunc(h.keys, func(k *keyModel) bool { return k.of.ID == key.of.ID && k.expired(h.Now()) })
	key.id = answer.String("key", "id")
	h.keys = append(h.keys, key)
	h.secrets[answer.String("key", "secret")] = &secretModel{key: key}
}

func (h *keyHistory) end(key *keyModel) {
	key.ended = true
	h.keys = slices.DeleteFunc(h.keys, func(k *keyModel) bool { return k == key })
}

func (h *keyHistory) of(m membertest.Member) []*keyModel {
	return slices.DeleteFunc(slices.Clone(h.keys), func(k *keyModel) bool { return k.of.ID != m.ID })
}

func (h *keyHistory) check(rt *rapid.T) {
	for _, m := range h.members {
		var want, got []string
		for _, k := range h.of(m) {
			want = append(want, k.id)
		}
		for _, k := range h.Must(h.t, 200, "GET "+keys(m)+"?user_id="+string(m.ID), h.owner.Secret, nil).At("keys").([]any) {
			got = append(got, k.(map[string]any)["id"].(string))
		}
		slices.Sort(want)
		counted := h.Must(h.t, 200, "GET "+self(m), h.owner.Secret, nil).At("member", "keys")
		if !slices.Equal(got, want) || len(got) > apikey.MaxKeys || counted != float64(len(got)) {
			rt.Fatalf("%v are listed, %v counted, want %v", got, counted, want)
		}
	}
	for _, text := range slices.Sorted(maps.Keys(h.secrets)) {
		s := h.secrets[text]
		if got, want := works(h.t, h.Roster, s.key.of, text), s.works(h.Now()); got != want {
			rt.Fatalf("a secret of %s works: %t, want %t (%s)", s.key.id, got, want, fmt.Sprintf("%+v %+v", *s, *s.key))
		}
	}
}
