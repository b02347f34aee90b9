package job_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"roster/internal/file"
	"roster/internal/job"
	"roster/internal/job/jobtest"
)

// made is a file that is there.
func (w world) made(t testing.TB, key string) *job.File {
	t.Helper()
	upload, err := w.Files.Begin(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := w.Files.Write(t.Context(), upload, 1, []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Files.Finish(t.Context(), upload, []string{tag}); err != nil {
		t.Fatal(err)
	}
	return &job.File{Saved: file.Saved{Key: key, Name: "file.txt", Type: "text/plain"}, Bytes: 7, MadeAt: w.Now()}
}

// TestAStepThatOutlastsItsLeaseIsMadeOnce: nobody else begins it as long as its runner lives.
func TestAStepThatOutlastsItsLeaseIsMadeOnce(t *testing.T) {
	t.Parallel()
	var steps atomic.Int64
	begun, end := make(chan struct{}), make(chan struct{})
	k := &tick{}
	w := newWorld(t, k, nil)
	k.build = func(context.Context, string) (job.Step, error) {
		if steps.Add(1) == 1 {
			close(begun)
			<-end
		}
		return job.Step{Rows: 3, File: w.made(t, "outlasting")}, nil
	}
	path := w.submit(t, 0)
	ran := make(chan error)
	go func() {
		_, err := w.runner().Keeping(time.Millisecond).Stream(t.Context(), jobtest.Event(jobtest.Calls(t, w.Roster)...))
		ran <- err
	}()
	<-begun
	for range 5 {
		w.Advance(50 * time.Second)
		time.Sleep(20 * time.Millisecond) // the lease is renewed in real time
		if err := w.runner().Sweep(t.Context(), events.EventBridgeEvent{}); err != nil {
			t.Error(err)
		}
	}
	close(end)
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if got := w.Must(t, 200, "GET "+path, w.key, nil); got.At("job", "state") != "done" || got.At("job", "file", "bytes") != 7.0 || steps.Load() != 1 {
		t.Errorf("%d steps: %s", steps.Load(), got.Raw)
	}
}

// TestAStepThatIsCutOffIsMadeAgain by a runner with more time than the sweep has.
func TestAStepThatIsCutOffIsMadeAgain(t *testing.T) {
	t.Parallel()
	cut := true
	k := &tick{}
	w := newWorld(t, k, nil)
	var states []string
	k.build = func(_ context.Context, state string) (job.Step, error) {
		states = append(states, state)
		switch {
		case state == "":
			return job.Step{State: "half", Rows: 1}, nil
		case cut:
			return job.Step{}, context.DeadlineExceeded
		}
		return job.Step{Rows: 2, File: w.made(t, "again")}, nil
	}
	path := w.submit(t, 0)
	before := jobtest.Calls(t, w.Roster)
	if _, err := w.runner().Stream(t.Context(), jobtest.Event(before...)); err != nil {
		t.Fatal(err)
	}
	if got := w.Must(t, 200, "GET "+path, w.key, nil); got.At("job", "state") != "running" || got.At("job", "progress", "done") != 1.0 {
		t.Errorf("%s", got.Raw)
	}
	cut = false
	w.Advance(2 * time.Minute)
	if err := w.runner().Sweep(t.Context(), events.EventBridgeEvent{}); err != nil {
		t.Fatal(err)
	}
	handed := jobtest.Calls(t, w.Roster)
	if len(handed) != 1 || handed[0] == before[0] || len(states) != 2 {
		t.Errorf("%v, %v, %q", before, handed, states)
	}
	if _, err := w.runner().Stream(t.Context(), jobtest.Event(handed...)); err != nil {
		t.Fatal(err)
	}
	if got := w.Must(t, 200, "GET "+path, w.key, nil); got.At("job", "state") != "done" || strings.Join(states, " ") != " half half" {
		t.Errorf("%q: %s", states, got.Raw)
	}
}

// TestAFileThatCannotBeMadeEndsItsJob.
func TestAFileThatCannotBeMadeEndsItsJob(t *testing.T) {
	t.Parallel()
	k := &tick{build: func(context.Context, string) (job.Step, error) { return job.Step{}, errOdd }}
	w := newWorld(t, k, nil)
	path := w.submit(t, 0)
	w.drain(t)
	if got := w.Must(t, 200, "GET "+path, w.key, nil); got.At("job", "state") != "failed" || got.At("job", "code") != "odd" {
		t.Errorf("%s", got.Raw)
	}
	k.build = func(context.Context, string) (job.Step, error) { return job.Step{}, errors.New("a defect") }
	path = w.submit(t, 0)
	w.drain(t)
	if got := w.Must(t, 200, "GET "+path, w.key, nil); got.At("job", "state") != "failed" || got.At("job", "code") != "internal" {
		t.Errorf("%s", got.Raw)
	}
}
