package usage_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"roster/internal/id"
	"roster/internal/rostertest"
	"roster/internal/table"
)

// storm is a transport on which some transactions go wrong.
type storm struct {
	next http.RoundTripper
	// rages is false while a test prepares or looks.
	rages atomic.Bool
	// lost is how many connections may still break: the SDK waits long before it
	// tries again.
	mu   sync.Mutex
	lost int
}

func (s *storm) RoundTrip(r *http.Request) (*http.Response, error) {
	if !s.rages.Load() || !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		return s.next.RoundTrip(r)
	}
	switch rand.IntN(10) {
	case 0: // another transaction is at one of the items
		return rostertest.Cancelled("None", "TransactionConflict"), nil
	case 1: // the table lacks capacity
		return rostertest.Cancelled("None", "ThrottlingError"), nil
	case 2: // applied, and yet tried again: the token of the first try is not known any more
		return s.after(r, rostertest.Cancelled("None", "TransactionConflict"), nil)
	case 3: // applied, and the caller hears of a failure
		return s.after(r, rostertest.Exception("AccessDeniedException", ""), nil)
	case 4:
		if s.breaks() {
			return s.after(r, nil, errors.New("connection reset by peer"))
		}
	}
	return s.next.RoundTrip(r)
}

func (s *storm) breaks() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost--
	return s.lost >= 0
}

// after gives the answer of one's own to a call that the engine has answered.
func (s *storm) after(r *http.Request, answer *http.Response, err error) (*http.Response, error) {
	real, realErr := s.next.RoundTrip(r)
	if realErr != nil || real.StatusCode != http.StatusOK {
		return real, realErr
	}
	io.Copy(io.Discard, real.Body)
	real.Body.Close()
	return answer, err
}

// TestCountersAreTheSumOfTheEvents posts events with repeats and contradictions,
// batched anew for every poster, all at once and through a storm.
func TestCountersAreTheSumOfTheEvents(t *testing.T) {
	t.Parallel()
	weather := &storm{lost: 4}
	c := newCompanyWith(t, func(next http.RoundTripper) http.RoundTripper {
		weather.next = next
		return weather
	})
	c.setOrganization(t, "time_zone", "America/New_York")
	pools := map[string]map[string]int64{} // what the organization's pool should have
	check := 0
	rapid.Check(t, func(rt *rapid.T) {
		check++
		team := c.team(t, 3)
		events := drawEvents(rt, fmt.Sprint(check), team)
		var posts [][]object
		for range rapid.IntRange(1, 4).Draw(rt, "posters") {
			for rest := rapid.Permutation(events).Draw(rt, "order"); len(rest) > 0; {
				size := min(len(rest), rapid.IntRange(1, 12).Draw(rt, "batch"))
				posts, rest = append(posts, rest[:size]), rest[size:]
			}
		}
		var (
			group sync.WaitGroup
			mu    sync.Mutex
			said  = map[string][]string{}
			// unheard: an answer was lost, and with it perhaps a "recorded".
			unheard bool
		)
		weather.rages.Store(true)
		for _, post := range posts {
			group.Go(func() {
				answer := c.Call(t, "POST /v1/usage", c.gateway.Secret, object{"events": post})
				failed := answer.Status != http.StatusOK
				for answer.Status >= http.StatusInternalServerError {
					answer = c.Call(t, "POST /v1/usage", c.gateway.Secret, object{"events": post})
				}
				mu.Lock()
				defer mu.Unlock()
				unheard = unheard || failed
				for i, outcome := range outcomes(answer) {
					name := post[i]["id"].(string)
					said[name] = append(said[name], outcome)
				}
			})
		}
		group.Wait()
		weather.rages.Store(false)
		kept := c.kept(t, events)
		for name, outcomes := range said {
			if kept[name] == nil {
				rt.Fatalf("%s is not kept, but was answered %v", name, outcomes)
			}
			recorded := 0
			for _, outcome := range outcomes {
				switch outcome {
				case "recorded":
					recorded++
				case "duplicate", "rejected:conflict":
				default:
					rt.Fatalf("%s: %v", name, outcomes)
				}
			}
			if recorded > 1 || recorded == 0 && !unheard {
				rt.Fatalf("%s was recorded %d times: %v", name, recorded, outcomes)
			}
		}
		for _, user := range team {
			want := sums(user, kept)
			if got := c.counters(t, user); !maps.Equal(got, want) {
				rt.Fatalf("counters of %s\n got %v\nwant %v", user, got, want)
			}
			for name, n := range want {
				month, counter, _ := strings.Cut(name, " ")
				if pools[month] == nil {
					pools[month] = map[string]int64{}
				}
				pools[month][counter] += n
			}
		}
		for month, want := range pools {
			got := c.pool(t, "", month)
			if int64(got.Month.Cost) != want["c"] || got.Month.Requests != want["r"] || got.Month.Input != want["i"] || got.Month.Output != want["o"] || int64(got.Days[1].Cost) != want["c01"] || int64(got.Days[22].Cost) != want["c22"] {
				rt.Fatalf("the pool of %s\n got %+v\nwant %v", month, got, want)
			}
		}
	})
}

// drawEvents makes events of few ids, so that some repeat and some contradict
// each other.
func drawEvents(rt *rapid.T, prefix string, team []id.User) []object {
	one := rapid.Custom(func(rt *rapid.T) object {
		e := event(fmt.Sprintf("%s-%d", prefix, rapid.IntRange(0, 25).Draw(rt, "id")),
			rapid.SampledFrom([]string{"0", "0.000000001", "0.1", "12.345678901"}).Draw(rt, "cost"),
			of(rapid.SampledFrom(team).Draw(rt, "user")),
			at(rapid.SampledFrom([]string{
				"2026-10-31T23:59:59-04:00", "2026-11-01T00:00:00-04:00", "2026-11-01T01:30:00-05:00", "2026-11-22T05:00:00Z", "2026-11-22T04:59:59Z",
			}).Draw(rt, "at")))
		e["model"] = rapid.SampledFrom([]string{"a/1", "a/2", "b/1", "ü"}).Draw(rt, "model")
		e["input_tokens"] = rapid.IntRange(0, 3).Draw(rt, "input")
		e["connection_scope"] = rapid.SampledFrom([]string{"organization", "organization", "personal"}).Draw(rt, "scope")
		return e
	})
	events := rapid.SliceOfN(one, 1, 30).Draw(rt, "events")
	return append(events, events[:len(events)/3]...)
}

// keptEvent is what the table has of an event.
type keptEvent struct {
	User  id.User `dynamodbav:"user"`
	Month string  `dynamodbav:"month"`
	Day   int     `dynamodbav:"day"`
	Model string  `dynamodbav:"model"`
	Cost  int64   `dynamodbav:"cost"`
	In    int64   `dynamodbav:"input"`
	Out   int64   `dynamodbav:"output"`
	Scope string  `dynamodbav:"scope"`
}

func (c company) kept(t testing.TB, events []object) map[string]*keptEvent {
	t.Helper()
	found := map[string]**keptEvent{}
	var reads []table.Read
	for _, e := range events {
		name := e["id"].(string)
		if found[name] == nil {
			found[name] = new(*keptEvent)
			reads = append(reads, table.Into(table.UsageEvent(c.owner.Organization, name), found[name]))
		}
	}
	if err := c.Table.Get(t.Context(), reads...); err != nil {
		t.Fatal(err)
	}
	all := map[string]*keptEvent{}
	for name, event := range found {
		all[name] = *event
	}
	return all
}

// sums are the counters that the kept events of a member make.
func sums(user id.User, kept map[string]*keptEvent) map[string]int64 {
	all := map[string]int64{}
	named := map[string]bool{}
	for _, e := range kept {
		if e.User != user {
			continue
		}
		add := func(name string, n int64) {
			if n != 0 {
				all[e.Month+" "+name] += n
			}
		}
		day := fmt.Sprintf("%02d", e.Day)
		if e.Scope == "personal" {
			add("p", 1)
			add("p"+day, 1)
			continue
		}
		for letter, n := range map[string]int64{"c": e.Cost, "r": 1, "i": e.In, "o": e.Out} {
			add(letter, n)
			add(letter+day, n)
		}
		add("c:"+e.Model, e.Cost)
		add("r:"+e.Model, 1)
		if month := e.Month + " "; !named[month+e.Model] {
			named[month+e.Model] = true
			add("m", 1)
		}
	}
	return all
}

// counters are those of all months of a member, but of their test keys.
func (c company) counters(t testing.TB, user id.User) map[string]int64 {
	t.Helper()
	return c.countersIn(t, user, "L#")
}

func (c company) countersIn(t testing.TB, user id.User, prefix string) map[string]int64 {
	t.Helper()
	items, err := c.Table.QueryAll(t.Context(), table.Query{PK: table.Member(c.owner.Organization, user).PK, Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]int64{}
	for _, item := range items {
		month := item["sk"].(*types.AttributeValueMemberS).Value[len(prefix):]
		for name, value := range item {
			if n, ok := value.(*types.AttributeValueMemberN); ok {
				count, err := strconv.ParseInt(n.Value, 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				all[month+" "+name] += count
			}
		}
		if z, ok := item["z"].(*types.AttributeValueMemberB); ok {
			for name, count := range sealed(t, z.Value) {
				all[month+" "+name] += count
			}
		}
	}
	maps.DeleteFunc(all, func(_ string, n int64) bool { return n == 0 })
	return all
}

// sealed reads the counters of days that are over: each is the day, and five numbers.
func sealed(t testing.TB, b []byte) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	for len(b) > 0 {
		day := b[0]
		b = b[1:]
		for _, letter := range "criop" {
			n, length := binary.Varint(b)
			if length <= 0 {
				t.Fatalf("sealed days end in the middle: %v", b)
			}
			all[fmt.Sprintf("%c%02d", letter, day)] += n
			b = b[length:]
		}
	}
	return all
}

func TestEventsAtTheLimitOfARequest(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	team := c.team(t, 60)
	if got := c.report(t, c.gateway.Secret, batchOf(60, "each", team)...); slices.ContainsFunc(got, func(o string) bool { return o != "recorded" }) {
		t.Errorf("one of each member: %v", got)
	}
	events := batchOf(500, "full", team)
	if got := c.report(t, c.gateway.Secret, events...); slices.ContainsFunc(got, func(o string) bool { return o != "recorded" }) {
		t.Errorf("%v", got)
	}
	if got := c.report(t, c.gateway.Secret, batchOf(500, "one", team[:1])...); slices.ContainsFunc(got, func(o string) bool { return o != "recorded" }) {
		t.Errorf("of one member: %v", got)
	}
	got := c.report(t, c.gateway.Secret, append(events[:400], batchOf(100, "more", team)...)...)
	if n := len(slices.DeleteFunc(got, func(o string) bool { return o != "recorded" })); n != 100 {
		t.Errorf("%d recorded of 400 repeats and 100 new events", n)
	}
	if report := c.usage(t, ""); report.At("usage", "totals", "requests") != 1160.0 {
		t.Errorf("%v", report.At("usage", "totals"))
	}
}
