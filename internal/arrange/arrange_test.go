package arrange_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"roster/internal/api"
	"roster/internal/arrange"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/rostertest"
	"roster/internal/session"
	"roster/internal/stream"
	"roster/internal/table"
)

// listEntries are the keys of all entries of an organization's lists.
func listEntries(t *testing.T, r *rostertest.Roster, org id.Organization) []table.Key {
	t.Helper()
	var all []table.Key
	for key := range r.DumpItems(t) {
		if strings.HasPrefix(key.PK, table.ListPartition(org, "")) {
			all = append(all, key)
		}
	}
	slices.SortFunc(all, func(a, b table.Key) int { return strings.Compare(a.PK+a.SK, b.PK+b.SK) })
	return all
}

// TestRepeatsAndOtherOrdersComeToTheSame lets the stream hand its records over in
// any order in which those of each item follow one another, in batches of any size,
// each of them perhaps after batches that came before.
func TestRepeatsAndOtherOrdersComeToTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r := rostertest.New(t)
		service := arrange.New(r.Env)
		handOver := func(rt *rapid.T, records []events.DynamoDBEventRecord) {
			if err := service.Stream(t.Context(), events.DynamoDBEvent{Records: records}); err != nil {
				rt.Fatal(err)
			}
		}
		owner := membertest.Found(t, r)
		m := &model{r: r, owner: owner, all: []*one{{Member: owner.Member}}, teams: []id.Team{membertest.AddTeam(t, r, owner.Organization)}, unarranged: true}
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			m.step(t, rt)
		}
		var records []events.DynamoDBEventRecord
		for news := r.Changes(t); len(news) > 0; news = r.Changes(t) { // also of what arranging changed
			handOver(rt, news)
			records = append(records, news...)
		}
		want := listEntries(t, r, owner.Organization)
		if err := r.Table.Place(t.Context(), nil, want); err != nil {
			rt.Fatal(err)
		}
		records = reordered(rt, records)
		for begin := 0; begin < len(records); {
			end := rapid.IntRange(begin+1, len(records)).Draw(rt, "end")
			handOver(rt, records[begin:end])
			begin = end
			if rapid.IntRange(0, 3).Draw(rt, "again") == 0 {
				begin = rapid.IntRange(0, end).Draw(rt, "from")
			}
		}
		if diff := cmp.Diff(want, listEntries(t, r, owner.Organization)); diff != "" {
			rt.Fatalf("(-in order +otherwise)\n%s", diff)
		}
		again, err := service.Rearrange(t.Context(), arrange.Rearranging{Organization: owner.Organization})
		if err != nil || again.Missing != 0 || again.Surplus != 0 || again.Next != nil {
			rt.Fatalf("the lists differ from the items: %+v, %v", again, err)
		}
	})
}

// reordered is an order in which the records of each item follow one another.
func reordered(rt *rapid.T, records []events.DynamoDBEventRecord) []events.DynamoDBEventRecord {
	byItem := map[table.Key][]events.DynamoDBEventRecord{}
	var order []table.Key
	for _, record := range records {
		key := stream.Key(record)
		byItem[key] = append(byItem[key], record)
		order = append(order, key)
	}
	var out []events.DynamoDBEventRecord
	for _, key := range rapid.Permutation(order).Draw(rt, "order") {
		out = append(out, byItem[key][0])
		byItem[key] = byItem[key][1:]
	}
	return out
}

// TestLostChangesAreMended: whatever became of the entries.
func TestLostChangesAreMended(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r := rostertest.New(t)
		service := arrange.New(r.Env)
		owner := membertest.Found(t, r)
		m := &model{r: r, owner: owner, all: []*one{{Member: owner.Member}}, teams: []id.Team{membertest.AddTeam(t, r, owner.Organization)}, unarranged: true}
		for range rapid.IntRange(1, 10).Draw(rt, "steps") {
			m.step(t, rt)
		}
		r.Arrange(t)
		r.Arrange(t) // what arranging itself changed
		want := listEntries(t, r, owner.Organization)
		lost := rapid.SliceOfDistinct(rapid.SampledFrom(want), func(k table.Key) table.Key { return k }).Draw(rt, "lost")
		if err := r.Table.Place(t.Context(), nil, lost); err != nil {
			rt.Fatal(err)
		}
		var surplus []table.Key
		for _, entry := range rapid.SliceOfNDistinct(rapid.SampledFrom(want), 0, 5, func(k table.Key) table.Key { return k }).Draw(rt, "surplus") {
			// Surplus entries of teams, and of what somebody holds, are left alone: no list
			// shows them, and who reads them checks each against its item.
			if place, reference := entry.Entry(); !strings.Contains(entry.PK, "#team#") && !strings.Contains(entry.PK, "#held#") {
				surplus = append(surplus, table.ListEntry(entry.PK, place+"0", reference))
			}
		}
		if err := r.Table.Place(t.Context(), surplus, nil); err != nil {
			rt.Fatal(err)
		}
		mended, err := service.Rearrange(t.Context(), arrange.Rearranging{Organization: owner.Organization})
		if err != nil || mended.Missing != len(lost) || mended.Surplus != len(surplus) || mended.Next != nil {
			rt.Fatalf("%+v, %v, where %d were lost and %d are surplus", mended, err, len(lost), len(surplus))
		}
		if diff := cmp.Diff(want, listEntries(t, r, owner.Organization)); diff != "" {
			rt.Fatalf("(-before +mended)\n%s", diff)
		}
	})
}

func TestMendingGoesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints)
	owner := membertest.Found(t, r)
	for range 3 {
		membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: "member"})
	}
	r.Changes(t)
	in, total := arrange.Rearranging{Organization: owner.Organization}, 0
	for range 1000 {
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second) // less than what it keeps in reserve
		out, err := arrange.New(r.Env).Rearrange(ctx, in)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		total += out.Missing
		if in.Next = out.Next; in.Next == nil {
			break
		}
	}
	if want := len(listEntries(t, r, owner.Organization)); in.Next != nil || total != want || want == 0 {
		t.Errorf("%d entries were missing, %d are there; next %v", total, want, in.Next)
	}
	if _, err := arrange.New(r.Env).Rearrange(t.Context(), arrange.Rearranging{Organization: id.NewOrganization(r.Now())}); err == nil {
		t.Error("an organization that there is not was rearranged")
	}
}

// TestWhenAMemberWasLastActive follows a member through days of an organization
// whose days begin before those of UTC.
func TestWhenAMemberWasLastActive(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints)
	owner := membertest.Found(t, r)
	r.Set(t, table.Organization(owner.Organization), "time_zone", "Asia/Tokyo") // 9 hours ahead
	ada := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: "member"})
	key := table.Member(owner.Organization, ada.ID)
	write := func(w table.Write) {
		t.Helper()
		if err := r.Table.Transact(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	uses := func(day string) {
		t.Helper()
		write(table.Write{Key: table.MemberMonth(owner.Organization, ada.ID, "2026-11"), Update: "ADD #r :one, #" + "r" + day + " :one", Values: table.V{"one": 1}})
	}
	// arranged returns how often the member was written to.
	arranged := func(want string) int {
		t.Helper()
		r.Arrange(t)
		writes := 0
		for _, record := range r.Changes(t) {
			if stream.Key(record) == key {
				writes++
			}
		}
		m, err := member.Get(t.Context(), r.Table, owner.Organization, ada.ID)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if !m.LastActiveAt.IsZero() {
			got = m.LastActiveAt.UTC().Format(time.RFC3339)
		}
		if got != want || m.Version != ada.Version+1 && want != "2026-11-21T15:00:00Z" {
			t.Errorf("last active at %q, want %q; version %d", got, want, m.Version)
		}
		return writes
	}
	arranged("")
	uses("20")
	if n := arranged("2026-11-19T15:00:00Z"); n != 1 {
		t.Errorf("%d writes for the first usage", n)
	}
	uses("20")
	uses("20")
	if n := arranged("2026-11-19T15:00:00Z"); n != 0 {
		t.Errorf("%d writes for further usage of the day", n)
	}
	uses("18") // reported late
	arranged("2026-11-19T15:00:00Z")

	// 22 November, 10:00 UTC is 19:00 in Tokyo; the day began at 15:00 UTC before.
	live := session.New(r.Now(), ada.ID, 0, api.Client{}).In(owner.Organization, 1)
	stale, err := member.Get(t.Context(), r.Table, owner.Organization, ada.ID)
	if err != nil {
		t.Fatal(err)
	}
	write(live.Create())
	if n := arranged("2026-11-21T15:00:00Z"); n != 1 {
		t.Errorf("%d writes for a log-in", n)
	}
	r.Set(t, table.Session(ada.ID, live.ID), "rotated_at", r.Now().Add(time.Hour))
	if n := arranged("2026-11-21T15:00:00Z"); n != 0 {
		t.Errorf("%d writes for renewed tokens on the same day", n)
	}

	// A change of the member that was read before is saved after.
	changed := *stale
	changed.Alias = "ada"
	if err := r.Table.Transact(t.Context(), member.Save(stale, changed, r.Now())...); err != nil {
		t.Fatal(err)
	}
	arranged("2026-11-21T15:00:00Z")
}

func TestNobodyIsMadeByBeingSeen(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints)
	owner := membertest.Found(t, r)
	r.Arrange(t)
	before := slices.Sorted(maps.Keys(keysOf(r.DumpItems(t))))
	stranger := session.New(r.Now(), id.NewUser(r.Now()), 0, api.Client{}).In(owner.Organization, 1)
	if err := r.Table.Transact(t.Context(), stranger.Create()); err != nil {
		t.Fatal(err)
	}
	r.Arrange(t)
	if err := r.Table.Transact(t.Context(), session.End(stranger.User, stranger.ID)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, slices.Sorted(maps.Keys(keysOf(r.DumpItems(t))))); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
}

func keysOf(items map[table.Key]map[string]any) map[string]bool {
	all := map[string]bool{}
	for key := range items {
		all[key.PK+" "+key.SK] = true
	}
	return all
}

// TestAnOpenInvitationIsListed until it is settled.
func TestAnOpenInvitationIsListed(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints)
	owner := membertest.Found(t, r)
	key := table.Invitation(owner.Organization, id.AddressHash("grace@acme.com"))
	if err := r.Table.Transact(t.Context(), table.Write{Key: key, Put: map[string]any{
		"kind": "invitation", "id": id.NewInvitation(r.Now(), "grace@acme.com"), "email": "grace@acme.com", "name": "Grace Hopper",
		"role": "developer", "status": "pending", "created_at": r.Now(), "updated_at": r.Now(),
	}}); err != nil {
		t.Fatal(err)
	}
	found := func() int {
		t.Helper()
		r.Arrange(t)
		n := 0
		for _, list := range []string{"search=hopper", "role=developer", "role=developer&status=pending", "search=grace", "sort=name&status=pending", "sort=created&status=pending"} {
			rows := r.Must(t, 200, "GET /api/organizations/"+string(owner.Organization)+"/members?"+list, owner.Secret, nil).At("members").([]any)
			for _, row := range rows {
				if row.(map[string]any)["invitation_id"] != nil {
					n++
				}
			}
		}
		return n
	}
	if n := found(); n != 6-1 { // by its address it is found in the index, where this one is not
		t.Errorf("it stands in %d lists", n)
	}
	r.Set(t, key, "status", "accepted")
	if n := found(); n != 0 {
		t.Errorf("settled, it stands in %d lists", n)
	}
}
