package apikey_test

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/apikey"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
	"roster/internal/usage"
)

// listed are the ids of an organization's keys, page by page.
func listed(t *testing.T, r *rostertest.Roster, by membertest.Member, query string) (all []string) {
	t.Helper()
	request := "GET " + keys(by) + "?scope=organization&" + query
	for cursor := ""; ; {
		answer := r.Must(t, 200, request+cursor, by.Secret, nil)
		for _, row := range answer.At("keys").([]any) {
			row := row.(map[string]any)
			all = append(all, strings.TrimSpace(fmt.Sprint(row["id"], " ", strings.Trim(fmt.Sprint(row["orphaned_by"]), "<nil>[]"))))
		}
		if cursor = answer.String("next_cursor"); cursor == "" {
			return all
		}
		cursor = "&cursor=" + cursor
	}
}

// reportOf is a report of usage with a key; where it is empty, with that of the reporter.
func reportOf(key string, at time.Time) map[string]any {
	event := map[string]any{
		"id": rand.Text(), "model": "m", "input_tokens": 1, "output_tokens": 1, "cost_usd": 1, "occurred_at": at.Format(time.RFC3339),
	}
	if key != "" {
		event["key_id"] = key
	}
	return map[string]any{"events": []any{event}}
}

// TestListsOfKeysAreThoseOfTheItems lets members come and go, make keys for each other
// and use them at random, and compares every list with a full recount.
func TestListsOfKeysAreThoseOfTheItems(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, apikey.Endpoints, usage.MeterEndpoints)
	rapid.Check(t, func(rt *rapid.T) {
		owner := membertest.Found(t, r)
		gateway := membertest.Add(t, r, member.Member{Organization: owner.Organization, Kind: member.ServiceAccount, Name: "Edge", Role: permission.Gateway, Responsible: owner.ID})
		gatewayKey := slices.Collect(maps.Keys(gateway.Keys))[0]
		all := []id.User{owner.ID}
		used := map[id.Key]time.Time{}
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			r.Advance(time.Duration(rapid.IntRange(1, 30*60).Draw(rt, "minutes")) * time.Minute)
			of, other := rapid.SampledFrom(all).Draw(rt, "of"), rapid.SampledFrom(all).Draw(rt, "other")
			change := func(to func(*member.Member)) { membertest.Change(t, r, owner.Organization, of, to) }
			record := func(m *member.Member, to func(*access.KeyRecord)) {
				if len(m.Keys) == 0 || m.ID == owner.ID { // whose key lists
					return
				}
				key := rapid.SampledFrom(slices.Sorted(maps.Keys(m.Keys))).Draw(rt, "key")
				k := m.Keys[key]
				to(&k)
				m.Keys = maps.Clone(m.Keys)
				m.Keys[key] = k
			}
			switch step := rapid.SampledFrom([]string{"person", "service", "key", "key", "use", "rotate", "expire", "status", "responsible", "arrange"}).Draw(rt, "step"); step {
			case "person", "service":
				m := member.Member{Organization: owner.Organization, Role: permission.Admin}
				if step == "service" {
					m.Kind, m.Name, m.Role, m.Responsible = member.ServiceAccount, "Bot", permission.Gateway, other
				}
				all = append(all, membertest.Add(t, r, m).ID)
			case "key":
				change(func(m *member.Member) {
					if m.Status == access.Removed {
						return
					}
					key := id.NewKey(r.Now(), of)
					_, digest := access.NewKeyText(owner.Organization, of, key)
					keys := map[id.Key]access.KeyRecord{key: {Name: "key", Digest: digest[:], CreatedBy: other, CreatedAt: r.Now()}}
					maps.Copy(keys, m.Keys)
					m.Keys = keys
				})
			case "use":
				m, _ := member.Get(t.Context(), r.Table, owner.Organization, of)
				for _, key := range slices.Sorted(maps.Keys(m.Keys)) {
					r.Must(t, 200, "POST /v1/usage", gateway.Secret, reportOf(string(key), r.Now()))
					used[key] = r.Now().Truncate(24 * time.Hour)
					break
				}
				if len(m.Keys) > 0 {
					used[gatewayKey] = r.Now().Truncate(24 * time.Hour)
				}
			case "rotate":
				change(func(m *member.Member) {
					record(m, func(k *access.KeyRecord) {
						*k = k.Rotated(access.Secret{Digest: []byte("x"), CreatedBy: other}, "hint", time.Hour, r.Now())
					})
				})
			case "expire":
				change(func(m *member.Member) { record(m, func(k *access.KeyRecord) { k.ExpiresAt = r.Now() }) })
			case "status":
				if of == owner.ID {
					continue
				}
				status := rapid.SampledFrom([]member.Status{access.Active, access.Suspended, access.Removed}).Draw(rt, "status")
				change(func(m *member.Member) {
					m.Status = status
					if status == access.Removed {
						m.Keys = nil
					}
				})
			case "responsible":
				change(func(m *member.Member) {
					if m.Kind == member.ServiceAccount {
						m.Responsible = other
					}
				})
			case "arrange":
				r.Arrange(t)
			}
		}
		r.Arrange(t)
		r.Arrange(t) // what arranging itself changed: when keys were last used
		days := rapid.IntRange(1, 20).Draw(rt, "idle days")
		var everyone, orphaned, idle []string
		active, machine := map[id.User]bool{}, map[id.User]bool{}
		var people []member.Member
		for _, user := range append(all, gateway.ID) {
			m, err := member.Get(t.Context(), r.Table, owner.Organization, user)
			if err != nil || m == nil {
				t.Fatal(err)
			}
			people, active[user], machine[user] = append(people, *m), m.Status == access.Active, m.Kind == member.ServiceAccount
		}
		since := r.Now().Truncate(24*time.Hour).AddDate(0, 0, -days)
		for _, m := range people {
			for key, k := range m.Keys {
				everyone = append(everyone, string(key))
				if k.Expired(r.Now()) {
					continue
				}
				if !k.UsedAt.Equal(used[key]) && (!used[key].IsZero() || !k.UsedAt.IsZero()) {
					rt.Fatalf("%s was last used on %v, and says %v", key, used[key], k.UsedAt)
				}
				if last := max(used[key].Unix(), k.CreatedAt.Unix()); last < since.Unix() {
					idle = append(idle, string(key))
				}
				gone := map[string]bool{}
				knowing := []id.User{k.CreatedBy, m.Responsible}
				if k.Previous != nil && r.Now().Before(k.Previous.Until) {
					knowing = append(knowing, k.Previous.CreatedBy)
				}
				for _, person := range knowing {
					if person != "" && person != m.ID && (!active[person] || person == m.Responsible && machine[person]) {
						gone[string(person)] = true
					}
				}
				if len(gone) > 0 {
					orphaned = append(orphaned, string(key)+" "+strings.Join(slices.Sorted(maps.Keys(gone)), " "))
				}
			}
		}
		for query, want := range map[string][]string{"": everyone, "&state=orphaned": orphaned, fmt.Sprint("&state=idle&idle_days=", days): idle} {
			got := listed(t, r, owner, fmt.Sprint("limit=", rapid.IntRange(1, 7).Draw(rt, "limit"), query))
			slices.Sort(want)
			if query == "" && !slices.IsSortedFunc(got, func(a, b string) int { return strings.Compare(a[:30], b[:30]) }) {
				rt.Fatalf("not by creation: %v", got)
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				rt.Fatalf("%s:\n got %v\nwant %v", query, got, want)
			}
		}
	})
}

func TestWhoListsTheKeysOfAll(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, apikey.Endpoints)
	owner := membertest.Found(t, r)
	admin := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Admin})
	bob := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	r.Refused(t, 403, "permission_denied", "GET "+keys(bob)+"?scope=organization", bob.Secret, nil)
	for _, query := range []string{
		"state=idle", "limit=5", "scope=organization&idle_days=5", "scope=organization&state=orphaned&idle_days=5", "scope=organization&state=lost",
		"scope=everyone", "scope=organization&state=idle&idle_days=0", "scope=organization&user_id=" + string(bob.ID),
		"scope=organization&cursor=x",
	} {
		if got := r.Call(t, "GET "+keys(bob)+"?"+query, admin.Secret, nil); got.Status != 422 {
			t.Errorf("%s: %s", query, got.Raw)
		}
	}
	made := r.Must(t, 201, "POST "+keys(bob), admin.Secret, map[string]any{"name": "ci", "user_id": bob.ID}).String("key", "id")
	r.Arrange(t)
	if got := listed(t, r, owner, ""); len(got) != 4 {
		t.Errorf("%q", got)
	}
	if got := listed(t, r, owner, "state=orphaned"); len(got) != 0 {
		t.Errorf("%q", got)
	}
	membertest.Change(t, r, admin.Organization, admin.ID, func(m *member.Member) { m.Status, m.Keys = access.Removed, nil })
	if got := listed(t, r, owner, "state=orphaned"); !slices.Equal(got, []string{made + " " + string(admin.ID)}) {
		t.Errorf("at once after a removal: %q", got)
	}
	r.Must(t, 200, "POST "+keys(bob)+"/"+made+"/rotate", owner.Secret, nil)
	if got := listed(t, r, owner, "state=orphaned"); len(got) != 0 {
		t.Errorf("after a rotation: %q", got)
	}
	if got := listed(t, r, owner, "state=idle"); len(got) != 0 {
		t.Errorf("new keys are idle: %q", got)
	}
	r.Advance(91 * 24 * time.Hour)
	if got := listed(t, r, owner, "state=idle"); len(got) != 3 { // those that are left
		t.Errorf("%q", got)
	}
}

// TestAKeyTellsTheDayOfItsLastUse whoever reports it, and no request pays for it.
func TestAKeyTellsTheDayOfItsLastUse(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, apikey.Endpoints, usage.AuthorizeEndpoints, usage.MeterEndpoints)
	owner := membertest.Found(t, r)
	r.Set(t, table.Organization(owner.Organization), "time_zone", "America/New_York")
	gateway := membertest.Add(t, r, member.Member{Organization: owner.Organization, Kind: member.ServiceAccount, Name: "Edge", Role: permission.Gateway})
	bob := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	sandbox := r.Must(t, 201, "POST "+keys(bob), bob.Secret, map[string]any{"name": "sandbox", "test": true})
	key := func(m membertest.Member) string { return string(slices.Collect(maps.Keys(m.Keys))[0]) }
	shown := func(of membertest.Member, key string) any {
		t.Helper()
		for range 2 {
			r.Arrange(t)
		}
		for _, row := range r.Must(t, 200, "GET "+keys(of)+"?user_id="+string(of.ID), owner.Secret, nil).At("keys").([]any) {
			if row := row.(map[string]any); row["id"] == key {
				return row["last_used_at"]
			}
		}
		return "no such key"
	}
	want := func(of membertest.Member, key string, want any) {
		t.Helper()
		if got := shown(of, key); got != want {
			t.Errorf("%s was last used on %v, not %v", key, got, want)
		}
	}
	r.Must(t, 200, "POST /v1/authorize", gateway.Secret, map[string]any{"key": bob.Secret})
	r.Must(t, 200, "GET "+keys(bob), bob.Secret, nil)
	want(bob, key(bob), nil)
	want(gateway, key(gateway), nil)

	// 22 November, 10:00 UTC: 5:00 in New York, where the day began at 5:00 UTC.
	report := func(credential, key string, ago time.Duration) {
		t.Helper()
		if got := r.Must(t, 200, "POST /v1/usage", credential, reportOf(key, r.Now().Add(-ago))); !strings.Contains(string(got.Raw), `"recorded"`) {
			t.Fatal(string(got.Raw))
		}
	}
	report(gateway.Secret, key(bob), 48*time.Hour)
	want(bob, key(bob), "2026-11-20T05:00:00Z")
	want(gateway, key(gateway), "2026-11-20T05:00:00Z")
	report(bob.Secret, "", 0)
	want(bob, key(bob), "2026-11-22T05:00:00Z")
	want(gateway, key(gateway), "2026-11-20T05:00:00Z")
	report(gateway.Secret, sandbox.String("key", "id"), 0)
	want(bob, sandbox.String("key", "id"), "2026-11-22T05:00:00Z")
	want(gateway, key(gateway), "2026-11-22T05:00:00Z")

	read := func() *member.Member {
		t.Helper()
		m, err := member.Get(t.Context(), r.Table, bob.Organization, bob.ID)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	before := read()
	report(gateway.Secret, key(bob), 0)
	report(gateway.Secret, key(bob), 24*time.Hour) // reported late
	for range 2 {
		r.Arrange(t)
	}
	if after := read(); fmt.Sprint(*after) != fmt.Sprint(*before) {
		t.Errorf("further uses of the day changed %+v to %+v", before, after)
	}

	// A change of the member that was decided before is saved after.
	r.Advance(24 * time.Hour)
	stale := read()
	report(gateway.Secret, key(bob), 0)
	r.Arrange(t)
	changed := *stale
	changed.Alias = "bob"
	if err := r.Table.Transact(t.Context(), member.Save(stale, changed, r.Now())...); err != nil {
		t.Fatal(err)
	}
	want(bob, key(bob), "2026-11-23T05:00:00Z")

	// A key that is revoked meanwhile stays so.
	r.Must(t, 200, "DELETE "+keys(bob)+"/"+key(bob), owner.Secret, nil)
	r.Advance(24 * time.Hour)
	report(gateway.Secret, key(bob), 0)
	want(bob, key(bob), "no such key")
}

func TestAPageOfKeysCostsWhatItShows(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, apikey.Endpoints)
	owner := membertest.Found(t, r)
	gone := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Admin, Status: access.Suspended})
	for _, maker := range []id.User{owner.ID, gone.ID} {
		for range 30 {
			m := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
			membertest.Change(t, r, m.Organization, m.ID, func(m *member.Member) {
				for key, record := range m.Keys {
					record.CreatedBy = maker
					m.Keys = map[id.Key]access.KeyRecord{key: record}
				}
			})
		}
	}
	r.Arrange(t)
	for query, most := range map[string]float64{"limit=10": 9, "limit=10&state=orphaned": 16, "limit=10&state=idle": 3} {
		ctx, capacity := table.WithCapacity(t.Context())
		got := r.CallContext(t, ctx, "GET "+keys(owner)+"?scope=organization&"+query, owner.Secret, nil)
		if read, write := capacity.Units(); got.Status != 200 || read > most || write != 0 {
			t.Errorf("%s: %s %.1f RRU, %.1f WRU %v", query, got.Raw[:60], read, write, capacity.Calls())
		}
	}
}
