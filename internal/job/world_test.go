package job_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/email"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/job"
	"roster/internal/job/jobtest"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/route"
	"roster/internal/table"
)

// tick is a kind of job whose rows each count once more; done twice, that shows.
type tick struct {
	*env.Env
	// before, where set, is called with every row before it is decided.
	before func(ctx context.Context, row int) error
	// pages, where set, are how many rows each page of the listing has.
	pages []int
	// finish, where set, is what the end of the job fails with.
	finish error
	// build, where set, makes a file in place of rows.
	build func(ctx context.Context, state string) (job.Step, error)
}

type params struct {
	By int `json:"by"`
}

type row struct {
	N int `json:"n"`
}

var errOdd = fault.New(fault.Conflict, "odd", "The number is odd.")

func counter(org id.Organization, n int) table.Key {
	return table.Key{PK: "TICK#" + string(org), SK: fmt.Sprint(n)}
}

func (k *tick) definition() job.Definition[params, row] {
	d := job.Definition[params, row]{
		Name: "tick", Permission: permission.MembersManage,
		Subject: func(r row) job.Subject { return job.Subject{Email: address(r.N)} },
		Do: func(ctx context.Context, t job.Task[params], r row) (job.Outcome, []table.Write, error) {
			if k.before != nil {
				if err := k.before(ctx, r.N); err != nil {
					return job.Outcome{}, nil, err
				}
			}
			switch {
			case r.N%10 == 3:
				return job.Outcome{}, nil, errOdd
			case r.N%10 == 7:
				return job.Outcome{Unchanged: true}, nil, nil
			}
			return job.Outcome{Invitation: id.NewInvitation(k.Now(), string(address(r.N))), Link: fmt.Sprint("https://example.com/", r.N)},
				[]table.Write{{
					Key: counter(t.By.Organization(), r.N), Update: "ADD #count :by", Values: table.V{"by": t.Params.By},
				}}, nil
		},
	}
	if k.pages != nil {
		d.List = func(_ context.Context, _ job.Task[params], cursor string) ([]row, string, error) {
			page, from := 0, 0
			_, _ = fmt.Sscanf(cursor, "%d %d", &page, &from)
			next := ""
			if page+1 < len(k.pages) {
				next = fmt.Sprint(page+1, " ", from+k.pages[page])
			}
			return numbers(from, k.pages[page]), next, nil
		}
	}
	if k.build != nil {
		d.Build = func(ctx context.Context, _ job.Task[params], state string) (job.Step, error) {
			return k.build(ctx, state)
		}
	}
	if k.finish != nil {
		d.Finish = func(context.Context, job.Task[params]) ([]table.Write, error) { return nil, k.finish }
	}
	return d
}

func numbers(from, n int) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i].N = from + i
	}
	return rows
}

// world is a deployment with an organization whose admin creates jobs of a tick.
type world struct {
	*rostertest.Roster
	tick *tick
	org  id.Organization
	user id.User
	key  string
}

type submit struct {
	Rows int `json:"rows"`
}

func newWorld(t testing.TB, k *tick, transport func(http.RoundTripper) http.RoundTripper) world {
	t.Helper()
	if transport == nil {
		transport = func(next http.RoundTripper) http.RoundTripper { return next }
	}
	endpoints := func(e *env.Env) []api.Endpoint {
		k.Env = e
		return []api.Endpoint{
			api.Handle(route.InviteMember, access.Member(e), func(ctx context.Context, by access.Actor, in submit) (job.Answer, error) {
				d := k.definition()
				j, writes, err := d.Submit(ctx, e, by, params{By: 1}, numbers(0, in.Rows))
				if err != nil {
					return job.Answer{}, err
				}
				return api.Commit(ctx, e.Table, job.Answer{Job: j.View(e.Now())}, writes...)
			}),
		}
	}
	w := world{Roster: rostertest.NewWith(t, transport, endpoints, job.Endpoints), tick: k}
	owner := membertest.Found(t, w.Roster)
	w.org = owner.Organization
	admin := membertest.Add(t, w.Roster, member.Member{Organization: w.org, Role: permission.Admin})
	w.user, w.key = admin.ID, admin.Secret
	return w
}

func (w world) kinds(*env.Env) []job.Kind { return []job.Kind{w.tick.definition().Kind()} }

func (w world) runner() job.Runner { return job.NewRunner(w.Env, w.kinds) }

func (w world) path(rest string) string { return "/api/organizations/" + string(w.org) + rest }

func address(n int) email.Address { return email.Address(fmt.Sprintf("n%d@example.com", n)) }

// submit creates a job, and returns its path.
func (w world) submit(t testing.TB, rows int) string {
	t.Helper()
	answer := w.Must(t, 201, "POST "+w.path("/members/invite"), w.key, map[string]any{"rows": rows})
	return w.path("/jobs/" + answer.String("job", "id"))
}

func (w world) drain(t testing.TB) {
	t.Helper()
	jobtest.Drain(t, w.Roster, w.kinds)
}

// results are those of every page of a job.
func (w world) results(t testing.TB, path, key string) []map[string]any {
	t.Helper()
	var all []map[string]any
	cursor := ""
	for {
		answer := w.Must(t, 200, "GET "+path+"/results?limit=100"+cursor, key, nil)
		list, _ := answer.At("results").([]any)
		for _, r := range list {
			all = append(all, r.(map[string]any))
		}
		next := answer.String("next_cursor")
		if next == "" {
			return all
		}
		cursor = "&cursor=" + next
	}
}

// counts are how often each row was done.
func (w world) counts(t testing.TB) map[int]int {
	t.Helper()
	all := map[int]int{}
	for key, item := range w.DumpItems(t) {
		if strings.HasPrefix(key.PK, "TICK#") {
			n, _ := strconv.Atoi(key.SK)
			count, _ := item["count"].(float64)
			all[n] = int(count)
		}
	}
	return all
}

// check tells whether a job is at its end, every row through exactly once.
func (w world) check(t testing.TB, path string, rows int) {
	t.Helper()
	answer := w.Must(t, 200, "GET "+path, w.key, nil)
	if state := answer.String("job", "state"); state != "done" {
		t.Errorf("the job is %s", state)
	}
	results, counts, failed, unchanged := w.results(t, path, w.key), w.counts(t), 0, 0
	if len(results) != rows {
		t.Fatalf("%d results of %d rows", len(results), rows)
	}
	for n, r := range results {
		status, count := "done", 1
		switch n % 10 {
		case 3:
			status, count = "failed", 0
			failed++
		case 7:
			status, count = "unchanged", 0
			unchanged++
		}
		if r["index"] != float64(n) || r["email"] != string(address(n)) || r["status"] != status || counts[n] != count {
			t.Errorf("row %d was done %d times: %v", n, counts[n], r)
		}
	}
	want := map[string]any{"done": float64(rows), "failed": float64(failed), "unchanged": float64(unchanged), "total": float64(rows)}
	if diff := cmp.Diff(any(want), answer.At("job", "progress")); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	if left := jobtest.Calls(t, w.Roster); len(left) > 0 {
		t.Errorf("%v still call for the job", left)
	}
}
