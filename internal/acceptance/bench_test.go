package acceptance_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"roster/internal/feature"
	"roster/internal/feature/jobs"
	"roster/internal/job"
	"roster/internal/job/jobtest"
	"roster/internal/rostertest"
	"roster/internal/table"
)

// On demand, in us-east-1 and most other regions, in USD a million
// (https://aws.amazon.com/dynamodb/pricing/on-demand/).
const (
	readUnits  = 0.125
	writeUnits = 0.625
)

// measure runs an operation from 8 clients at once, and reports operations per
// second, this process's CPU per operation (the engine's is not among it), and
// capacity units per operation, with what a million of them costs by DynamoDB's list
// prices. Prepare makes n inputs beforehand.
func measure[In any](b *testing.B, w world, prepare func(n int) []In, operation func(ctx context.Context, in In) rostertest.Response) {
	b.Helper()
	inputs := prepare(b.N)
	operation(b.Context(), prepare(1)[0]) // fills what is cached
	ctx, capacity := table.WithCapacity(b.Context())
	operation(ctx, prepare(1)[0])
	read, write := capacity.Units()

	var next atomic.Int64
	b.SetParallelism(4)
	b.ResetTimer()
	began, cpu := time.Now(), cpuTime(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if answer := operation(b.Context(), inputs[next.Add(1)-1]); answer.Status >= 300 {
				b.Errorf("%d %s", answer.Status, answer.Raw)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "op/s")
	b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(b.N)/1000, "cpu-ms/op")
	b.ReportMetric(read, "RRU/op")
	b.ReportMetric(write, "WRU/op")
	b.ReportMetric(read*readUnits+write*writeUnits, "USD/million")
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

var addresses atomic.Int64

func freshAddresses(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("p%d@people.example", addresses.Add(1))
	}
	return all
}

func BenchmarkInvite(b *testing.B) {
	w := newWorld(b)
	p := w.owner(b, "owner@acme.example", "Acme")
	measure(b, w, freshAddresses, func(ctx context.Context, address string) rostertest.Response {
		return w.CallContext(b, ctx, "POST /api/organizations/"+string(p.organization)+"/members/invite", p.key,
			map[string]any{"email": address, "role": "member"})
	})
}

func BenchmarkAccept(b *testing.B) {
	w := newWorld(b)
	p := w.owner(b, "owner@acme.example", "Acme")
	invited := func(n int) []string {
		var tokens []string
		for _, address := range freshAddresses(n) {
			w.invite(b, p, address, "member")
			tokens = append(tokens, w.LastMail(b, address).LinkToken())
			w.Forget(b)
		}
		return tokens
	}
	measure(b, w, invited, func(ctx context.Context, token string) rostertest.Response {
		return w.CallContext(b, ctx, "POST /auth/accept-invite", "", map[string]any{"token": token, "password": password, "name": "New"})
	})
}

func BenchmarkList50(b *testing.B) {
	w := newWorld(b)
	p := w.owner(b, "owner@acme.example", "Acme")
	for _, address := range freshAddresses(60) {
		w.place(b, p.organization, address, "member", "active")
	}
	measure(b, w, nothing, func(ctx context.Context, _ struct{}) rostertest.Response {
		return w.CallContext(b, ctx, "GET /api/organizations/"+string(p.organization)+"/members?limit=50", p.key, nil)
	})
}

func nothing(n int) []struct{} { return make([]struct{}, n) }

// BenchmarkBulkInvite uploads a table of 10,000 people, kills the runner of its job
// three times on the way, and lets others go on. The peak
// of memory is this process's, with the test's own.
func BenchmarkBulkInvite(b *testing.B) {
	const rows = 10_000
	for range b.N {
		b.StopTimer()
		calls, kill := new(atomic.Int64), new(atomic.Pointer[context.CancelFunc])
		w := world{rostertest.NewWith(b, func(next http.RoundTripper) http.RoundTripper {
			return rostertest.RoundTrip(func(r *http.Request) (*http.Response, error) {
				answer, err := next.RoundTrip(r)
				if cancel := kill.Load(); cancel != nil && calls.Add(1)%8_000 == 0 {
					(*cancel)()
				}
				return answer, err
			})
		}, feature.All...)}
		p := w.owner(b, "owner@acme.example", "Acme")
		w.Forget(b)
		var sheet strings.Builder
		sheet.WriteString("email,name,role,metadata.department,monthly_limit\r\n")
		for _, address := range freshAddresses(rows) {
			fmt.Fprintf(&sheet, "%s,\"Somebody, Anybody\",member,Engineering,200.50\r\n", address)
		}
		runtime.GC()
		peak, done := peakMemory(b)
		ctx, capacity := table.WithCapacity(b.Context())
		b.StartTimer()

		began := time.Now()
		accepted := w.CallContext(b, ctx, "POST /api/organizations/"+string(p.organization)+"/members/invite/bulk", p.key,
			sheet.String(), "Content-Type", "text/csv")
		if accepted.Status != 202 {
			b.Fatalf("%d %s", accepted.Status, accepted.Raw)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/upload")
		runner, killed := job.NewRunner(w.Env, jobs.All...), 0
		for runs := 0; len(jobtest.Calls(b, w.Roster)) > 0; runs++ {
			within, cancel := context.WithCancel(ctx)
			if killed < 3 {
				kill.Store(&cancel)
			}
			if runner.Sweep(within, events.EventBridgeEvent{}) != nil {
				killed++
			}
			kill.Store(nil)
			cancel()
			w.Advance(2 * time.Minute)
			if runs > 100 {
				b.Fatal("the job does not end")
			}
		}
		took := time.Since(began)
		b.StopTimer()
		done()
		read, write := capacity.Units()
		b.ReportMetric(rows/took.Seconds(), "rows/s")
		b.ReportMetric(read/rows, "RRU/row")
		b.ReportMetric(write/rows, "WRU/row")
		b.ReportMetric(float64(peak.Load())/(1<<20), "peak-MB")
		b.ReportMetric(float64(killed), "kills")
		if state := w.Must(b, 200, "GET /api/organizations/"+string(p.organization)+"/jobs/"+accepted.String("job", "id"), p.key, nil); state.String("job", "state") != "done" ||
			state.At("job", "progress", "done") != float64(rows) || state.At("job", "progress", "failed") != 0.0 {
			b.Fatalf("%s", state.Raw)
		}
		mailed := map[string]int{}
		for _, m := range w.Mails(b, "") {
			mailed[string(m.To)]++
		}
		if len(mailed) != rows {
			b.Errorf("%d of %d were mailed", len(mailed), rows)
		}
		for address, n := range mailed {
			if n != 1 {
				b.Errorf("%d mails to %s", n, address)
			}
		}
	}
}

// peakMemory watches what this process has of the system's memory until done is
// called.
func peakMemory(b *testing.B) (peak *atomic.Uint64, done func()) {
	b.Helper()
	peak = new(atomic.Uint64)
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		for {
			metrics.Read(samples)
			if now := samples[0].Value.Uint64() - samples[1].Value.Uint64(); now > peak.Load() {
				peak.Store(now)
			}
			select {
			case <-ended:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return peak, func() { close(ended); <-stopped }
}
