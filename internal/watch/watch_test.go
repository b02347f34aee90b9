package watch_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/apikey"
	"roster/internal/arrange"
	"roster/internal/billing"
	"roster/internal/id"
	"roster/internal/limit"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/money"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/stream"
	"roster/internal/table"
	"roster/internal/usage"
	"roster/internal/warning"
	"roster/internal/watch"
)

type object = map[string]any

// company is an organization with an owner, an admin, and Ada, who may spend 10 USD a
// month.
type company struct {
	*rostertest.Roster
	owner, admin, ada membertest.Member
	events            atomic.Int64
}

func newCompany(t testing.TB) *company {
	t.Helper()
	return newCompanyWith(t, func(next http.RoundTripper) http.RoundTripper { return next })
}

func newCompanyWith(t testing.TB, transport func(http.RoundTripper) http.RoundTripper) *company {
	t.Helper()
	r := rostertest.NewWith(t, transport, usage.AuthorizeEndpoints, usage.MeterEndpoints, limit.Endpoints, organization.Endpoints, apikey.Endpoints, member.Endpoints, billing.Endpoints)
	c := &company{Roster: r, owner: membertest.Found(t, r)}
	c.admin = c.add(t, member.Member{Role: permission.Admin, Name: "Anne Admin"})
	c.ada = c.add(t, member.Member{Role: permission.Member, Name: "Ada Lovelace"})
	c.limit(t, object{"user_id": c.ada.ID, "monthly_limit": 10})
	c.Arrange(t) // the lists of owners and admins
	return c
}

func (c *company) add(t testing.TB, m member.Member) membertest.Member {
	t.Helper()
	m.Organization = c.owner.Organization
	return membertest.Add(t, c.Roster, m)
}

func (c *company) limit(t testing.TB, body object) {
	t.Helper()
	c.Must(t, 200, "PUT /api/organizations/"+string(c.owner.Organization)+"/spending-limits", c.owner.Secret, body)
}

func (c *company) set(t testing.TB, body object) {
	t.Helper()
	c.Must(t, 200, "PUT /api/organizations/"+string(c.owner.Organization), c.owner.Secret, body)
}

// spend reports a call by whoever has the secret.
func (c *company) spend(t testing.TB, secret, usd string) {
	t.Helper()
	c.spendFor(t, secret, "", usd)
}

// spendFor reports a call of somebody else; of nobody, of the reporter.
func (c *company) spendFor(t testing.TB, secret string, of id.User, usd string) {
	t.Helper()
	event := object{"id": fmt.Sprint("e", c.events.Add(1)), "model": "openai/gpt-4o", "input_tokens": 10, "output_tokens": 2, "cost_usd": usd}
	if of != "" {
		event["user_id"] = of
	}
	answer := c.Must(t, 200, "POST /v1/usage", secret, object{"events": []object{event}})
	if !strings.Contains(string(answer.Raw), `"recorded"`) {
		t.Errorf("%s", answer.Raw)
	}
}

// changed hands the changes since the last time to what the stream feeds.
func (c *company) changed(t testing.TB) {
	t.Helper()
	c.hand(t, c.Changes(t))
}

func (c *company) hand(t testing.TB, records []events.DynamoDBEventRecord) {
	t.Helper()
	take := stream.Each(arrange.New(c.Env).Stream, watch.New(c.Env).Stream)
	for batch := range slices.Chunk(records, 100) {
		if err := take(t.Context(), events.DynamoDBEvent{Records: batch}); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *company) check(t testing.TB, ctx context.Context) {
	t.Helper()
	if err := watch.New(c.Env).Sweep(ctx, events.EventBridgeEvent{}); err != nil {
		t.Fatal(err)
	}
}

// near is who stands in the list.
func (c *company) near(t testing.TB) []string {
	t.Helper()
	var all []string
	for key := range c.DumpItems(t) {
		if strings.HasPrefix(key.PK, "NE#") {
			all = append(all, key.SK)
		}
	}
	slices.Sort(all)
	return all
}

// told empties the outbox and returns what was in it: who heard what, in order.
func (c *company) told(t testing.TB) []string {
	t.Helper()
	names := map[string]string{string(c.owner.Email): "owner", string(c.admin.Email): "admin", string(c.ada.Email): "ada"}
	var all []string
	for _, m := range c.Mails(t, "") {
		who := names[string(m.To)]
		if who == "" {
			who = string(m.To)
		}
		if m.Data.Member != "" {
			who += " of " + m.Data.Member
		}
		if m.Data.Key != "" {
			who += " for " + m.Data.Key
		}
		what := m.Data.Percent
		if m.Kind == "limit_reached" {
			what = "reached"
		}
		all = append(all, fmt.Sprintf("%s: %s %s %s of %s", who, m.Data.Window, what, m.Data.Amount, m.Data.Limit))
	}
	c.Forget(t)
	slices.Sort(all)
	return all
}

func (c *company) expect(t testing.TB, why string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := c.told(t); !slices.Equal(got, want) {
		t.Errorf("%s: (-want +got)\n%s", why, cmp.Diff(want, got))
	}
}

func TestEachLevelIsToldOnceToThoseWhomItConcerns(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	for _, step := range []struct {
		usd  string
		want []string
	}{
		{"7.9", nil},
		{"0.1", []string{"ada: monthly 80 8 USD of 10 USD"}},
		{"0.5", nil},
		{"0.5", []string{"ada: monthly 90 9 USD of 10 USD", "admin of Ada Lovelace: monthly 90 9 USD of 10 USD", "owner of Ada Lovelace: monthly 90 9 USD of 10 USD"}},
		{"1.5", []string{"ada: monthly reached 10.5 USD of 10 USD", "admin of Ada Lovelace: monthly reached 10.5 USD of 10 USD", "owner of Ada Lovelace: monthly reached 10.5 USD of 10 USD"}},
		{"1", nil},
	} {
		c.spend(t, c.ada.Secret, step.usd)
		c.changed(t)
		c.expect(t, step.usd, step.want...)
		c.check(t, t.Context())
		c.expect(t, step.usd+", checked")
	}
	ends := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	c.limit(t, object{"user_id": c.ada.ID, "monthly_limit": 14}) // another limit is warned about anew
	c.changed(t)
	mails := c.Mails(t, string(c.ada.Email))
	if len(mails) != 1 || mails[0].Kind != "limit_approaching" || !mails[0].Data.ExpiresAt.Equal(ends) || mails[0].Data.Organization != "Analytical Engines" {
		t.Errorf("%+v", mails)
	}
	c.expect(t, "a raised limit", "ada: monthly 80 11.5 USD of 14 USD")
	c.limit(t, object{"user_id": c.ada.ID, "monthly_limit": 10})
	c.changed(t)
	c.expect(t, "the limit before")
	c.Advance(9 * 24 * time.Hour) // December
	c.spend(t, c.ada.Secret, "8")
	c.changed(t)
	c.expect(t, "the month after", "ada: monthly 80 8 USD of 10 USD")
}

func TestAJumpIsOneMail(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.set(t, object{"alert_thresholds": []int{70, 80, 90, 100}})
	c.spend(t, c.ada.Secret, "6")
	c.changed(t)
	c.spend(t, c.ada.Secret, "4")
	c.changed(t)
	c.expect(t, "from 60 to 100 percent", "ada: monthly reached 10 USD of 10 USD",
		"admin of Ada Lovelace: monthly reached 10 USD of 10 USD", "owner of Ada Lovelace: monthly reached 10 USD of 10 USD")
}

func TestDaysKeysAndWhoeverAnswers(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	membertest.SetTimeZone(t, c.Roster, c.owner.Organization, "Asia/Tokyo") // 19:00
	bot := c.add(t, member.Member{Kind: member.ServiceAccount, Name: "Bot", Role: permission.Member, Responsible: c.admin.ID})
	c.limit(t, object{"user_id": bot.ID, "daily_limit": 2, "monthly_limit": 1000})
	for key := range bot.Keys {
		c.limit(t, object{"key_id": key, "monthly_limit": 4})
	}
	c.spend(t, bot.Secret, "1.7")
	c.changed(t)
	c.expect(t, "a service account", "admin of Bot: daily 80 1.7 USD of 2 USD")
	c.Advance(5 * time.Hour) // midnight in Tokyo
	c.spend(t, bot.Secret, "1.7")
	c.changed(t)
	c.expect(t, "the next day", "admin of Bot for test: monthly 80 3.4 USD of 4 USD", "admin of Bot: daily 80 1.7 USD of 2 USD")
	c.spend(t, bot.Secret, "0.6")
	c.changed(t)
	c.expect(t, "two limits at once", "admin of Bot for test: monthly reached 4 USD of 4 USD", "admin of Bot: daily reached 2.3 USD of 2 USD",
		"owner of Bot for test: monthly reached 4 USD of 4 USD", "owner of Bot: daily reached 2.3 USD of 2 USD")
}

func TestWhoIsNotWarned(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	membertest.Suspend(t, c.Roster, c.owner.Organization, c.ada.ID, c.owner.ID)
	gateway := c.add(t, member.Member{Kind: member.ServiceAccount, Name: "Gateway", Role: permission.Gateway, Responsible: c.admin.ID})
	c.spendFor(t, gateway.Secret, c.ada.ID, "9")
	c.changed(t)
	c.expect(t, "suspended")
	membertest.Change(t, c.Roster, c.owner.Organization, c.ada.ID, func(m *member.Member) {
		m.Status, m.Suspension = access.Active, nil
	})
	c.set(t, object{"alert_thresholds": []int{}})
	c.changed(t)
	c.check(t, t.Context())
	c.expect(t, "no thresholds")
	c.set(t, object{"alert_thresholds": nil})
	c.check(t, t.Context())
	if got := c.told(t); len(got) != 3 {
		t.Errorf("the thresholds again: %v", got)
	}
}

// TestHoweverOftenAndInWhateverOrder the changes come, and whoever else looks meanwhile,
// nothing is told twice and the highest level is told.
func TestHoweverOftenAndInWhateverOrder(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	rapid.Check(t, func(rt *rapid.T) {
		defer c.Forget(t)
		m := c.add(t, member.Member{Role: permission.Member})
		c.limit(t, object{"user_id": m.ID, "monthly_limit": 10})
		c.Changes(t)
		for _, cents := range rapid.SliceOfN(rapid.IntRange(1, 400), 1, 8).Draw(rt, "cents") {
			c.spend(t, m.Secret, fmt.Sprintf("%.2f", float64(cents)/100))
		}
		records := c.Changes(t)
		var all sync.WaitGroup
		for runner := range 4 {
			mine := rapid.Permutation(records).Draw(rt, "order")
			all.Go(func() {
				c.hand(t, mine)
				if runner%2 == 0 {
					c.check(t, t.Context())
				}
			})
		}
		all.Wait()
		c.check(t, t.Context())
		heard, highest := map[string]int{}, 0
		for _, mail := range c.Mails(t, string(m.Email)) {
			level := 100
			if mail.Kind == "limit_approaching" {
				fmt.Sscan(mail.Data.Percent, &level)
			}
			heard[fmt.Sprint(level)]++
			highest = max(highest, level)
		}
		month, err := usage.Months(t.Context(), c.Table, c.owner.Organization, []usage.MemberMonth{{User: m.ID, Month: "2026-11"}})
		if err != nil {
			rt.Fatal(err)
		}
		spent, want := int(month[usage.MemberMonth{User: m.ID, Month: "2026-11"}].Cost/1e7), 0 // in thousandths of the limit
		for _, level := range organization.DefaultThresholds {
			if spent >= level*10 {
				want = level
			}
		}
		if highest != want || slices.ContainsFunc(slices.Collect(maps.Values(heard)), func(n int) bool { return n > 1 }) {
			rt.Fatalf("%d thousandths: %v was told", spent, heard)
		}
	})
}

func TestTheFirstRefusalIsTold(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	reserve := func(usd string, status int) {
		t.Helper()
		c.Must(t, status, "POST /v1/reservations", c.ada.Secret, object{"estimated_cost_usd": usd})
	}
	reserve("9.5", 200)
	c.changed(t)
	c.expect(t, "held, and not spent")
	reserve("1", 429)
	reached := []string{"ada: monthly reached 9.5 USD of 10 USD",
		"admin of Ada Lovelace: monthly reached 9.5 USD of 10 USD", "owner of Ada Lovelace: monthly reached 9.5 USD of 10 USD"}
	if data := c.LastMail(t, string(c.ada.Email)).Data; !data.Refused {
		t.Errorf("%+v", data)
	}
	c.expect(t, "the first refusal", reached...)
	ctx, capacity := table.WithCapacity(t.Context())
	if got := c.CallContext(t, ctx, "POST /v1/reservations", c.ada.Secret, object{"estimated_cost_usd": 1}); got.Status != 429 {
		t.Errorf("%s", got.Raw)
	}
	if read, write := capacity.Units(); write != 0 || read > 2 {
		t.Errorf("a further refusal reads %v and writes %v units: %v", read, write, capacity.Calls())
	}
	c.spend(t, c.ada.Secret, "10") // by another call
	c.Must(t, 429, "POST /v1/authorize", c.ada.Secret, nil)
	c.changed(t)
	c.check(t, t.Context())
	c.expect(t, "what all others find")
	c.set(t, object{"alert_thresholds": []int{80}})
	c.limit(t, object{"user_id": c.ada.ID, "monthly_limit": 15})
	c.Must(t, 429, "POST /v1/authorize", c.ada.Secret, nil)
	c.expect(t, "where nobody wants to hear of it")
}

// TestWhatTheStreamLostIsFound of those who are near a limit, and of changed settings.
func TestWhatTheStreamLostIsFound(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	eve := c.add(t, member.Member{Role: permission.Member})
	for range 3 {
		c.spend(t, c.add(t, member.Member{Role: permission.Member}).Secret, "0.1")
	}
	c.spend(t, eve.Secret, "5")
	c.spend(t, c.ada.Secret, "7.5")
	c.changed(t)
	if got := c.near(t); !slices.Equal(got, []string{string(c.owner.Organization) + "#" + string(c.ada.ID)}) {
		t.Errorf("near are %v", got)
	}
	c.spend(t, c.ada.Secret, "0.75")
	c.Changes(t) // lost
	c.check(t, t.Context())
	c.expect(t, "lost", "ada: monthly 80 8.25 USD of 10 USD")
	c.set(t, object{"default_monthly_limit": 100})
	c.set(t, object{"default_monthly_limit": 6})
	c.Changes(t)
	c.check(t, t.Context())
	c.expect(t, "a lowered default", string(eve.Email)+": monthly 80 5 USD of 6 USD")
	c.set(t, object{"alert_thresholds": []int{60, 82}})
	c.check(t, t.Context())
	c.expect(t, "other thresholds", string(eve.Email)+": monthly 82 5 USD of 6 USD", "ada: monthly 82 8.25 USD of 10 USD")
	c.Advance(9 * 24 * time.Hour)
	c.check(t, t.Context())
	if got := c.near(t); len(got) != 0 {
		t.Errorf("the month after, near are %v", got)
	}
}

// TestManyAtOnceTellOnce, and in many processes.
func TestManyAtOnceTellOnce(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.spend(t, c.ada.Secret, "9")
	records := c.Changes(t)
	var all sync.WaitGroup
	for n := range 64 {
		all.Go(func() {
			switch n % 3 {
			case 0:
				warning.New(c.Env).Refused(t.Context(), warning.Limit{
					Organization: c.owner.Organization, User: c.ada.ID, Window: "2026-11", Amount: 10 * money.USD, EndsAt: c.Now().Add(time.Hour),
				}, 9*money.USD)
			case 1:
				c.hand(t, records)
			case 2:
				c.check(t, t.Context())
			}
		})
	}
	all.Wait()
	heard := map[string]int{}
	for _, one := range c.told(t) {
		heard[one]++
	}
	for _, who := range []string{"ada", "admin of Ada Lovelace", "owner of Ada Lovelace"} {
		if heard[who+": monthly reached 9 USD of 10 USD"] != 1 || heard[who+": monthly 90 9 USD of 10 USD"] > 1 {
			t.Errorf("%s: %v", who, heard)
		}
	}
}

// TestKilledAtEveryCall of its storage, and repeated, the stream tells once.
func TestKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	for _, through := range []bool{false, true} {
		fuse := &rostertest.Fuse{}
		c := newCompanyWith(t, func(next http.RoundTripper) http.RoundTripper {
			fuse.Next = next
			return fuse
		})
		c.spend(t, c.ada.Secret, "9")
		records := c.Changes(t)
		for at := 1; ; at++ {
			fuse.Set(at, through)
			err := watch.New(c.Env).Stream(t.Context(), events.DynamoDBEvent{Records: records})
			if !fuse.Mend() {
				if err != nil || at < 4 {
					t.Fatalf("%d calls, %v", at, err)
				}
				break
			}
		}
		c.expect(t, fmt.Sprint("killed, through ", through), "ada: monthly 90 9 USD of 10 USD",
			"admin of Ada Lovelace: monthly 90 9 USD of 10 USD", "owner of Ada Lovelace: monthly 90 9 USD of 10 USD")
		if got := c.near(t); len(got) != 1 {
			t.Errorf("near are %v", got)
		}
	}
}

// TestWhenALimitForATimeEnds what it left behind is told.
func TestWhenALimitForATimeEnds(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.limit(t, object{"user_id": c.ada.ID, "monthly_limit": 100, "until": c.Now().Add(time.Hour)})
	c.spend(t, c.ada.Secret, "20")
	c.changed(t)
	c.check(t, t.Context())
	c.expect(t, "before it ends")
	c.Advance(time.Hour)
	c.check(t, t.Context())
	c.expect(t, "when it ends", "ada: monthly reached 20 USD of 10 USD",
		"admin of Ada Lovelace: monthly reached 20 USD of 10 USD", "owner of Ada Lovelace: monthly reached 20 USD of 10 USD")
}

// TestFarFromLimitsABatchCostsHalfAUnitAMember, however many events it has.
func TestFarFromLimitsABatchCostsHalfAUnitAMember(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	eve := c.add(t, member.Member{Role: permission.Member})
	for range 5 {
		c.spend(t, c.ada.Secret, "0.1")
		c.spend(t, eve.Secret, "0.1")
	}
	ctx, capacity := table.WithCapacity(t.Context())
	if err := watch.New(c.Env).Stream(ctx, events.DynamoDBEvent{Records: c.Changes(t)}); err != nil {
		t.Fatal(err)
	}
	if read, write := capacity.Units(); read > 2.5 || write != 0 { // 0.5 each for the organization, the limits of its pools and its budget
		t.Errorf("%v read units, %v write units: %v", read, write, capacity.Calls())
	}
}

// TestCheckingCostsWhatThoseNearCost, however many members there are.
func TestCheckingCostsWhatThoseNearCost(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.set(t, object{"default_monthly_limit": 10})
	c.check(t, t.Context())
	cost := func() float64 {
		t.Helper()
		ctx, capacity := table.WithCapacity(t.Context())
		c.check(t, ctx)
		read, write := capacity.Units()
		if write != 0 {
			t.Errorf("%v", capacity.Calls())
		}
		return read
	}
	spenders := func(n int, usd string) {
		var all sync.WaitGroup
		slots := make(chan struct{}, 8)
		for range n {
			slots <- struct{}{}
			all.Go(func() {
				defer func() { <-slots }()
				c.spend(t, c.add(t, member.Member{Role: permission.Member}).Secret, usd)
			})
		}
		all.Wait()
		c.changed(t)
	}
	spenders(10, "7.5")
	few := cost()
	spenders(100, "1")
	if many := cost(); many != few || few > 10*3+8 || few < 20 {
		t.Errorf("%v read units with 10 members, %v with 110", few, many)
	}
}
