package usage_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"sync"
	"testing"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/permission"
	"roster/internal/table"
)

func TestAForeseenEventIDKeepsNoRealEventOut(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, eve := c.add(t, permission.Member), c.add(t, permission.Member)
	names := map[id.User]string{ada.ID: "ada", eve.ID: "eve"}
	for _, step := range []struct {
		credential string
		event      object
		want       string
	}{
		{eve.Secret, event("chatcmpl-1", "0"), "recorded"},
		{eve.Secret, event("chatcmpl-2", "0"), "recorded"},
		{c.gateway.Secret, event("chatcmpl-1", "50", of(ada.ID)), "recorded"},
		{c.gateway.Secret, event("chatcmpl-2", "7", of(eve.ID)), "recorded"},
		{ada.Secret, event("chatcmpl-1", "1"), "recorded"},
		// each repeat is known in the space of its own
		{eve.Secret, event("chatcmpl-1", "0"), "duplicate"},
		{eve.Secret, event("chatcmpl-1", "50"), "rejected:conflict"},
		{ada.Secret, event("chatcmpl-1", "1"), "duplicate"},
		{c.gateway.Secret, event("chatcmpl-1", "50", of(ada.ID)), "duplicate"},
		{c.owner.Secret, event("chatcmpl-1", "50", of(ada.ID)), "duplicate"},
		{c.owner.Secret, event("chatcmpl-1", "50"), "rejected:conflict"},
	} {
		if got := c.report(t, step.credential, step.event); got[0] != step.want {
			t.Errorf("%v: %s, want %s", step.event, got[0], step.want)
		}
	}
	want := []string{"ada 2 2000 400 51 [openai/gpt-4o]", "eve 3 3000 600 7 [openai/gpt-4o]"}
	if got := c.rows(t, "", names); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestUsageIsNotDeclaredPersonalToEscapeTheLimit(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	personal := object{"connection_scope": "personal"}
	eve := c.add(t, permission.Member)
	got := c.report(t, eve.Secret, event("1", "50", personal), event("2", "1"))
	if !slices.Equal(got, []string{"rejected:personal_not_allowed", "recorded"}) {
		t.Errorf("member: %v", got)
	}
	if report := c.usage(t, ""); report.At("usage", "excluded", "personal", "requests") != 0.0 || report.At("usage", "totals", "cost_usd") != 1.0 {
		t.Errorf("%s", report.Raw)
	}
	for role, reporter := range map[string]string{
		"developer": c.add(t, permission.Developer).Secret, "owner": c.owner.Secret, "gateway": c.gateway.Secret,
	} {
		if got := c.report(t, reporter, event("of a "+role, "1", personal, object{"id": role})); got[0] != "recorded" {
			t.Errorf("%s: %v", role, got)
		}
	}
}

// TestModelNamesAtOnceStayWithinTheBound: names that appear at the same moment,
// each of the greatest length.
func TestModelNamesAtOnceStayWithinTheBound(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	eve := c.add(t, permission.Member)
	var group sync.WaitGroup
	for i := range 40 {
		for _, reporter := range []string{eve.Secret, c.gateway.Secret} {
			model := fmt.Sprintf("%s-%03d-", reporter[len(reporter)-8:], i)
			model += strings.Repeat("x", 128-len(model))
			group.Go(func() {
				if got := c.report(t, reporter, event(fmt.Sprint(i), "1", of(eve.ID), object{"model": model})); got[0] != "recorded" {
					t.Errorf("%d: %v", i, got)
				}
			})
		}
	}
	group.Wait()
	counters := c.counters(t, eve.ID)
	if named := namedModels(counters); named != 24 || counters["2026-11 m"] != 24 {
		t.Errorf("%d models have a name, %d are said to", named, counters["2026-11 m"])
	}
	if counters["2026-11 r"] != 80 || counters["2026-11 r:"] != 80-24 {
		t.Errorf("%d requests, %d of them of others", counters["2026-11 r"], counters["2026-11 r:"])
	}
}

// namedModels is how many models the counters of one month have by name.
func namedModels(counters map[string]int64) (named int) {
	for name := range counters {
		if _, model, ok := strings.Cut(name, " r:"); ok && model != "" {
			named++
		}
	}
	return named
}

func TestMadeUpModelsDoNotHideThoseThatGatewaysReport(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	eve := c.add(t, permission.Member)
	var events []object
	for i := range 40 {
		events = append(events, event(fmt.Sprint(i), "0", object{"model": fmt.Sprint("made-up-", i)}))
	}
	c.report(t, eve.Secret, events...)
	c.report(t, c.gateway.Secret, event("real", "50", of(eve.ID), object{"model": "openai/o3-pro"}))
	if got := c.rows(t, "", nil); len(got) != 1 || !strings.Contains(got[0], "[openai/o3-pro made-up-") {
		t.Errorf("%q", got)
	}
}

func TestAMonthTooLargeToGrowRejectsItsOwnEventsAlone(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, eve := c.add(t, permission.Member), c.add(t, permission.Member)
	before := event("before", "1", of(eve.ID))
	another := object{"model": "another/" + strings.Repeat("x", 64)}
	c.report(t, c.gateway.Secret, before)
	c.fill(t, table.MemberMonth(eve.Organization, eve.ID, "2026-11"))
	for _, batch := range [][]object{
		{event("1", "1", of(eve.ID), another), event("2", "1", of(ada.ID)), before, event("3", "1", of(c.owner.ID))},
		append([]object{event("1", "1", of(eve.ID), another), event("4", "1", of(ada.ID)), before}, batchOf(200, "more", []id.User{ada.ID})...),
	} {
		got := c.report(t, c.gateway.Secret, batch...)
		if !slices.Equal(got[:3], []string{"rejected:counters_full", "recorded", "duplicate"}) ||
			slices.ContainsFunc(got[3:], func(o string) bool { return o != "recorded" }) {
			t.Errorf("%v", got)
		}
	}
	if got := c.report(t, eve.Secret, event("own", "1", another)); got[0] != "rejected:counters_full" {
		t.Errorf("own: %v", got)
	}
}

// fill makes an item so large that no counter of a new model fits.
func (c company) fill(t *testing.T, key table.Key) {
	t.Helper()
	for size := 400 << 10; size > 0; size -= 32 {
		err := c.Table.Transact(t.Context(), table.Write{
			Key: key, Update: "SET #filling = :filling", Values: table.V{"filling": strings.Repeat("x", size)},
		})
		if err == nil {
			return
		}
		if !errors.Is(err, table.ErrTooLarge) {
			t.Fatal(err)
		}
	}
}

func TestTheZeroTimeIsNotNow(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.add(t, permission.Member)
	got := c.report(t, ada.Secret, event("1", "1", at("0001-01-01T00:00:00Z")), event("2", "1", at("0001-01-01T05:00:00+05:00")),
		event("3", "1", object{"occurred_at": nil}))
	if !slices.Equal(got, []string{"rejected:invalid_input", "rejected:invalid_input", "recorded"}) {
		t.Errorf("%v", got)
	}
}

// TestOnesOwnUsageIsNotPutOnAnothersKey: the checksum of a key's text is no
// secret, so that anyone can write one which names their own user and another's key.
func TestOnesOwnUsageIsNotPutOnAnothersKey(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, eve := c.add(t, permission.Member), c.add(t, permission.Member)
	got := c.report(t, eve.Secret,
		event("1", "1", object{"key": forgedText(eve.Organization, eve.ID, keyOf(ada.Member))}),
		event("3", "1", object{"key": eve.Secret}),
		event("4", "1", object{"user_id": eve.ID, "key_id": keyOf(eve.Member)}))
	if !slices.Equal(got, []string{"rejected:invalid_key", "recorded", "recorded"}) {
		t.Errorf("%v", got)
	}
	c.Refused(t, 403, "cannot_act_for_others", "POST /v1/usage", eve.Secret, object{"events": []any{
		event("2", "1", object{"user_id": eve.ID, "key_id": keyOf(ada.Member)}),
	}})
}

func forgedText(org id.Organization, user id.User, key id.Key) string {
	o, u, k := id.Bytes(org), id.Bytes(user), key.Bytes()
	b := slices.Concat(o[:], u[:], k[:], make([]byte, 32))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return access.KeyPrefix + base64.RawURLEncoding.EncodeToString(b)
}
