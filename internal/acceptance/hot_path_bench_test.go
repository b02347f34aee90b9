package acceptance_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/money"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/spent"
	"roster/internal/table"
)

// busy is an organization with members who use models, and one who measures.
type busy struct {
	world
	owner   person
	members []id.User
}

// newBusy stores members with what they spent in the month, each another amount, and
// their places in the list of it.
func newBusy(b *testing.B, w world, members int) busy {
	b.Helper()
	all := busy{world: w, owner: w.owner(b, "owner@acme.example", "Acme"), members: make([]id.User, members)}
	org := all.owner.organization
	const chunk = 50
	group, ctx := errgroup.WithContext(b.Context())
	group.SetLimit(4)
	for first := 0; first < members; first += chunk {
		group.Go(func() error {
			var (
				writes  []table.Write
				entries []table.Key
			)
			for i := first; i < min(first+chunk, members); i++ {
				m := member.Member{
					ID: id.NewUser(w.Now()), Organization: org, Kind: member.Person, Role: permission.Member, Status: access.Active, Epoch: 1,
					Email: email.Address(fmt.Sprintf("m%06d@example.com", i)), Name: field.Name(fmt.Sprintf("Ada Lovelace %06d", i)), CreatedAt: w.Now(),
				}
				all.members[i] = m.ID
				cost := money.Amount(i+1) * money.USD / 100
				writes = append(writes, member.Save(nil, m, w.Now())[0], table.Write{Key: table.MemberMonth(org, m.ID, "2026-11"), Put: map[string]any{
					"c": int64(cost), "c21": int64(cost), "r": i, "r21": i, "i": 1200 * i, "i21": 1200 * i, "o": 300 * i, "o21": 300 * i,
					"m": 1, "c:openai/gpt-4o": int64(cost), "r:openai/gpt-4o": i,
					"state_pk": spent.UsersPartition(org, "2026-11"), "state_sk": m.ID,
				}})
				entries = append(entries, spent.Entry(org, m.ID, "2026-11", cost))
			}
			if err := w.Table.Transact(ctx, writes...); err != nil {
				return err
			}
			return w.Table.Place(ctx, entries, nil)
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	return all
}

// BenchmarkHotPath measures what gateways and dashboards ask, in organizations of three
// sizes: nothing of it should cost more in a larger one.
func BenchmarkHotPath(b *testing.B) {
	for _, members := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("members=%d", members), func(b *testing.B) { benchmarkHotPath(b, members) })
	}
}

func benchmarkHotPath(b *testing.B, members int) {
	began := time.Now()
	w := newBusy(b, newWorld(b), members)
	b.Logf("%d members stored in %v", members, time.Since(began).Round(time.Second))
	path := "/api/organizations/" + string(w.owner.organization)
	limits := func(body map[string]any) {
		w.Must(b, 200, "PUT "+path+"/spending-limits", w.owner.key, body)
	}
	limits(map[string]any{"user_id": w.owner.user, "monthly_limit": 1_000_000, "daily_limit": 100_000})
	var calls atomic.Int64
	name := func() string { return fmt.Sprint("call-", calls.Add(1)) }
	call := func(of id.User) map[string]any {
		return map[string]any{
			"id": name(), "user_id": of, "model": "openai/gpt-4o", "input_tokens": 1200, "output_tokens": 300, "cost_usd": 0.006,
		}
	}
	run := func(name string, operation func(ctx context.Context, _ struct{}) rostertest.Response) {
		b.Run(name, func(b *testing.B) { measure(b, w.world, nothing, operation) })
	}
	run("authorize", func(ctx context.Context, _ struct{}) rostertest.Response {
		return w.CallContext(b, ctx, "POST /v1/authorize", w.owner.key, nil)
	})
	run("reserve-and-commit", func(ctx context.Context, _ struct{}) rostertest.Response {
		held := w.CallContext(b, ctx, "POST /v1/reservations", w.owner.key,
			map[string]any{"user_id": w.someone(), "model": "openai/gpt-4o", "estimated_cost_usd": 0.02})
		if held.Status != 200 {
			return held
		}
		return w.CallContext(b, ctx, "POST /v1/reservations/"+held.String("reservation", "id")+"/commit", w.owner.key, map[string]any{"cost_usd": 0.006})
	})
	run("usage-of-one-call", func(ctx context.Context, _ struct{}) rostertest.Response {
		return w.CallContext(b, ctx, "POST /v1/usage", w.owner.key, map[string]any{"events": []any{call(w.someone())}})
	})
	run("usage-of-45-calls-of-10", func(ctx context.Context, _ struct{}) rostertest.Response {
		return w.CallContext(b, ctx, "POST /v1/usage", w.owner.key, map[string]any{"events": w.events(45, 10, call)})
	})
	var (
		sources   = make(chan int, 24)
		sequences [24]int
	)
	for source := range 24 {
		sources <- source
	}
	run("chunk-of-500-calls-of-100", func(ctx context.Context, _ struct{}) rostertest.Response {
		source := <-sources
		defer func() { sources <- source }()
		sequences[source]++
		return w.CallContext(b, ctx, fmt.Sprintf("PUT /v1/usage/sources/%d/%d", source, sequences[source]), w.owner.key,
			map[string]any{"events": w.events(500, 100, call)})
	})
	run("top-10-by-cost", func(ctx context.Context, _ struct{}) rostertest.Response {
		return w.CallContext(b, ctx, "GET "+path+"/usage?group_by=user&sort=cost&limit=10", w.owner.key, nil)
	})
	run("costs-by-department", func(ctx context.Context, _ struct{}) rostertest.Response {
		return w.CallContext(b, ctx, "GET "+path+"/export/cost-allocation", w.owner.key, nil)
	})
}

// someone is each member in turn.
func (w busy) someone() id.User { return w.members[turn.Add(1)%int64(len(w.members))] }

var turn atomic.Int64

// events are calls of so many members.
func (w busy) events(calls, members int, call func(id.User) map[string]any) []any {
	users := make([]id.User, members)
	for i := range users {
		users[i] = w.someone()
	}
	all := make([]any, calls)
	for i := range all {
		all[i] = call(users[i%members])
	}
	return all
}
