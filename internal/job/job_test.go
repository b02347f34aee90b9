package job_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/job/jobtest"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
)

func TestEveryRowIsDoneOnceInOrder(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{1, 250, 613} {
		w := newWorld(t, new(tick), nil)
		path := w.submit(t, rows)
		if state := w.Must(t, 200, "GET "+path, w.key, nil).String("job", "state"); state != "queued" {
			t.Errorf("a new job is %s", state)
		}
		if _, err := w.runner().Stream(t.Context(), jobtest.Event(jobtest.Calls(t, w.Roster)...)); err != nil {
			t.Fatal(err)
		}
		w.check(t, path, rows)
	}
}

func TestJobOfNoRowsEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, new(tick), nil)
	path := w.submit(t, 0)
	w.drain(t)
	w.check(t, path, 0)
}

// trouble lets calls of DynamoDB fail from the n-th on, or that one alone.
type trouble struct {
	mu        sync.Mutex
	at, calls int
	// after: the call is made, its answer lost; fatal: none gets through any more.
	after, fatal bool
}

func (f *trouble) transport(next http.RoundTripper) http.RoundTripper {
	return rostertest.RoundTrip(func(r *http.Request) (*http.Response, error) {
		f.mu.Lock()
		f.calls++
		hit, dead := f.at > 0 && f.calls == f.at, f.at > 0 && f.fatal && f.calls > f.at
		f.mu.Unlock()
		if dead || hit && !f.after {
			return nil, errors.New("connection reset by peer")
		}
		answer, err := next.RoundTrip(r)
		if hit && err == nil {
			answer.Body.Close()
			return nil, errors.New("connection reset by peer")
		}
		return answer, err
	})
}

func (f *trouble) arm(at int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, f.calls = at, 0
}

// TestTroubleAtEveryCall lets every call of a runner fail, in each way: the job goes
// on where it was, and each row is done exactly once.
func TestTroubleAtEveryCall(t *testing.T) {
	t.Parallel()
	const rows = 8
	for name, kind := range map[string]struct{ after, fatal bool }{
		"killed before": {fatal: true}, "killed after": {after: true, fatal: true}, "answer lost": {after: true},
	} {
		for _, pages := range [][]int{nil, {3, 0, 5}} {
			t.Run(fmt.Sprint(name, pages), func(t *testing.T) {
				t.Parallel()
				for at, calls := 1, 2; at <= calls; at++ {
					f := &trouble{after: kind.after, fatal: kind.fatal}
					w := newWorld(t, &tick{pages: pages}, f.transport)
					submitted := rows
					if pages != nil {
						submitted = 0
					}
					path := w.submit(t, submitted)
					called := jobtest.Event(jobtest.Calls(t, w.Roster)...)
					f.arm(at)
					ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
					_, _ = w.runner().Stream(ctx, called)
					cancel()
					f.mu.Lock()
					calls = max(calls, f.calls)
					f.at = 0
					f.mu.Unlock()
					_, _ = w.runner().Stream(t.Context(), called) // the stream repeats
					w.drain(t)
					w.check(t, path, rows)
				}
			})
		}
	}
}

// TestTwoRunnersAtOnce: a lease that ran out while its runner still works.
func TestTwoRunnersAtOnce(t *testing.T) {
	t.Parallel()
	release, began := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	w := newWorld(t, &tick{before: func(_ context.Context, n int) error {
		if n == 5 && first.CompareAndSwap(false, true) {
			close(began)
			<-release
		}
		return nil
	}}, nil)
	path := w.submit(t, 40)
	called := jobtest.Event(jobtest.Calls(t, w.Roster)...)
	var slow sync.WaitGroup
	slow.Go(func() {
		if out, err := w.runner().Stream(t.Context(), called); err != nil || len(out.BatchItemFailures) > 0 {
			t.Errorf("the slow runner: %v %v", out, err)
		}
	})
	<-began
	w.Advance(2 * time.Minute)
	w.drain(t)
	w.check(t, path, 40)
	close(release)
	slow.Wait()
	w.check(t, path, 40)
}

func TestManyRunnersAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, new(tick), nil)
	path := w.submit(t, 300)
	called := jobtest.Event(jobtest.Calls(t, w.Roster)...)
	var runners sync.WaitGroup
	for range 4 {
		runners.Go(func() {
			_, _ = w.runner().Stream(t.Context(), called)
			_ = w.runner().Sweep(t.Context(), events.EventBridgeEvent{})
		})
	}
	runners.Wait()
	w.drain(t)
	w.check(t, path, 300)
}

// TestRunnerHandsOnInTime: a runner stops before its function's end, and calls for
// the next.
func TestRunnerHandsOnInTime(t *testing.T) {
	t.Parallel()
	var over time.Time // the runner's time
	w := newWorld(t, &tick{before: func(_ context.Context, row int) error {
		if row >= 40 {
			time.Sleep(time.Until(over))
		}
		return nil
	}}, nil)
	path := w.submit(t, 300)
	before := jobtest.Calls(t, w.Roster)
	over = time.Now().Add(5 * time.Second)
	ctx, cancel := context.WithDeadline(t.Context(), over.Add(8*time.Second)) // what a runner keeps in reserve
	defer cancel()
	if out, err := w.runner().Stream(ctx, jobtest.Event(before...)); err != nil || len(out.BatchItemFailures) > 0 {
		t.Fatalf("%v %v", out, err)
	}
	after := jobtest.Calls(t, w.Roster)
	if len(after) != 1 || after[0] == before[0] {
		t.Fatalf("the job was called by %v, and is by %v", before, after)
	}
	done, _ := w.Must(t, 200, "GET "+path, w.key, nil).At("job", "progress", "done").(float64)
	if done == 0 || done == 300 {
		t.Errorf("%v rows were through in time", done)
	}
	if _, err := w.runner().Stream(t.Context(), jobtest.Event(after...)); err != nil {
		t.Fatal(err)
	}
	w.check(t, path, 300)
}

// TestCreatorMustStillHaveTheRight: whatever ends the creator's place ends what the
// job does for them, from the next row on.
func TestCreatorMustStillHaveTheRight(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*member.Member){
		"demoted":     func(m *member.Member) { m.Role = permission.Member },
		"suspended":   func(m *member.Member) { m.Status, m.Epoch = access.Suspended, m.Epoch+1 },
		"removed":     func(m *member.Member) { m.Status, m.Epoch, m.Keys = access.Removed, m.Epoch+1, nil },
		"key revoked": func(m *member.Member) { m.Keys = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w world
			var once sync.Once
			w = newWorld(t, &tick{before: func(_ context.Context, n int) error {
				if n >= 250 { // of the second batch
					return fmt.Errorf("row %d was decided", n)
				}
				return nil
			}}, nil)
			path := w.submit(t, 300)
			owner := membertest.Add(t, w.Roster, member.Member{Organization: w.org, Role: permission.Admin})
			inner := w.tick.before
			w.tick.before = func(ctx context.Context, n int) error {
				if n == 249 {
					once.Do(func() { membertest.Change(t, w.Roster, w.org, w.user, end) })
				}
				return inner(ctx, n)
			}
			w.drain(t)
			results := w.results(t, path, owner.Secret)
			if len(results) != 300 {
				t.Fatalf("%d results", len(results))
			}
			for n, r := range results[250:] {
				if r["status"] != "failed" || r["code"] != "mandate_ended" {
					t.Errorf("row %d: %v", 250+n, r)
				}
			}
		})
	}
}

func TestHalfWrittenJobNeverRuns(t *testing.T) {
	t.Parallel()
	f := &trouble{fatal: true}
	w := newWorld(t, new(tick), f.transport)
	f.arm(3) // authentication, and a part of the input
	w.Must(t, 503, "POST "+w.path("/members/invite"), w.key, map[string]any{"rows": 5})
	f.arm(0)
	if calls := jobtest.Calls(t, w.Roster); len(calls) > 0 {
		t.Errorf("%v call for a job that was not created", calls)
	}
	if jobs, _ := w.Must(t, 200, "GET "+w.path("/jobs"), w.key, nil).At("jobs").([]any); len(jobs) != 0 {
		t.Errorf("jobs: %v", jobs)
	}
}

func TestListedRowsAreDone(t *testing.T) {
	t.Parallel()
	for _, pages := range [][]int{{0}, {3, 0, 300, 1}} {
		w := newWorld(t, &tick{pages: pages}, nil)
		path, total := w.submit(t, 0), 0
		for _, n := range pages {
			total += n
		}
		w.drain(t)
		w.check(t, path, total)
	}
}

// TestJobThatEndsItsRunnersEnds: neither storage that never answers for a row nor a
// version that does not know the kind keeps runners busy for ever.
func TestJobThatEndsItsRunnersEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &tick{before: func(_ context.Context, n int) error {
		if n == 2 {
			return table.ErrUnavailable
		}
		return nil
	}}, nil)
	path := w.submit(t, 5)
	w.drain(t)
	answer := w.Must(t, 200, "GET "+path, w.key, nil)
	if answer.String("job", "state") != "failed" || answer.String("job", "code") != "stalled" || answer.At("job", "progress", "done") != 2.0 {
		t.Errorf("%s", answer.Raw)
	}

	unknown := w.submit(t, 1)
	jobtest.Drain(t, w.Roster)
	if answer := w.Must(t, 200, "GET "+unknown, w.key, nil); answer.String("job", "code") != "stalled" {
		t.Errorf("a job of an unknown kind: %s", answer.Raw)
	}
}

func TestFaultOfOursFailsItsRowAlone(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func() error{
		"error": func() error { return errors.New("secret of the inside") },
		"panic": func() error { panic("secret of the inside") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, &tick{before: func(_ context.Context, n int) error {
				if n == 1 {
					return fail()
				}
				return nil
			}}, nil)
			path := w.submit(t, 3)
			w.drain(t)
			results := w.results(t, path, w.key)
			if len(results) != 3 || results[0]["status"] != "done" || results[1]["code"] != "internal" || results[2]["status"] != "done" {
				t.Errorf("%v", results)
			}
			if strings.Contains(fmt.Sprint(results), "secret") {
				t.Errorf("the failure is told: %v", results[1])
			}
		})
	}
}

func TestEndThatIsRefusedFailsTheJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &tick{finish: fault.New(fault.Conflict, "role_in_use", "Somebody has the role again.")}, nil)
	path := w.submit(t, 2)
	w.drain(t)
	answer := w.Must(t, 200, "GET "+path, w.key, nil)
	if answer.String("job", "state") != "failed" || answer.String("job", "code") != "role_in_use" || answer.At("job", "progress", "done") != 2.0 {
		t.Errorf("%s", answer.Raw)
	}
}

func TestJobIsSeenByWhoeverMayDoWhatItDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, new(tick), nil)
	path := w.submit(t, 2)
	w.drain(t)
	viewer := membertest.Add(t, w.Roster, member.Member{Organization: w.org, Role: permission.Viewer})
	for _, what := range []string{"", "/results"} {
		w.Refused(t, 404, "job_not_found", "GET "+path+what, viewer.Secret, nil)
		w.Refused(t, 404, "job_not_found", "GET "+w.path("/jobs/"+string(id.NewJob(w.Now())))+what, w.key, nil)
	}
	if jobs, _ := w.Must(t, 200, "GET "+w.path("/jobs"), viewer.Secret, nil).At("jobs").([]any); len(jobs) != 0 {
		t.Errorf("a viewer sees %v", jobs)
	}
	if jobs, _ := w.Must(t, 200, "GET "+w.path("/jobs"), w.key, nil).At("jobs").([]any); len(jobs) != 1 {
		t.Errorf("the creator sees %v", jobs)
	}
	rival := membertest.Found(t, w.Roster)
	theirs := strings.Replace(path, string(w.org), string(rival.Organization), 1)
	w.Refused(t, 404, "job_not_found", "GET "+theirs, rival.Secret, nil)
}

// TestLinksAreForTheCreator: what the results show of an invitation depends on who
// asks.
func TestLinksAreForTheCreator(t *testing.T) {
	t.Parallel()
	w := newWorld(t, new(tick), nil)
	path := w.submit(t, 1)
	w.drain(t)
	link := func(key string) any {
		made, _ := w.results(t, path, key)[0]["invitation"].(map[string]any)
		if made["id"] == "" {
			t.Error("no id of the invitation")
		}
		return made["link"]
	}
	if got := link(w.key); got != "https://example.com/0" {
		t.Errorf("the creator gets the link %v", got)
	}
	other := membertest.Add(t, w.Roster, member.Member{Organization: w.org, Role: permission.Admin})
	if got := link(other.Secret); got != nil {
		t.Errorf("another administrator gets the link %v", got)
	}
	for key, item := range w.DumpItems(t) {
		if strings.Contains(fmt.Sprint(item), "https://example.com/0") {
			t.Errorf("%v holds the link in the clear", key)
		}
	}
}

func TestNewestJobsComeFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, new(tick), nil)
	var want []string
	for range 3 {
		w.Advance(time.Second)
		path := w.submit(t, 1)
		want = append([]string{path[strings.LastIndex(path, "/")+1:]}, want...)
	}
	first := w.Must(t, 200, "GET "+w.path("/jobs?limit=2"), w.key, nil)
	second := w.Must(t, 200, "GET "+w.path("/jobs?limit=2&cursor=")+first.String("next_cursor"), w.key, nil)
	var got []string
	for _, answer := range []any{first.At("jobs"), second.At("jobs")} {
		for _, j := range answer.([]any) {
			got = append(got, j.(map[string]any)["id"].(string))
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}
