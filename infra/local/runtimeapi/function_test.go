package runtimeapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"pgregory.net/rapid"

	"roster/infra/local/runtimeapi"
)

var _ lambda.Handler = (*runtimeapi.Function)(nil)

// TestFunction builds the function of testdata once for all its cases.
func TestFunction(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	if err := runtimeapi.Build(t.Context(), ".", bin, "./testdata/function"); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(bin, "function")

	for name, test := range map[string]func(*testing.T, string){
		"answers each event with its own answer":     answersEachEvent,
		"keeps payloads byte for byte":               keepsPayloads,
		"sees the context that Lambda gives":         seesLambdaContext,
		"sees the environment given and no other":    seesEnvironment,
		"reports its error and goes on":              reportsError,
		"reports a panic, then has exited":           reportsPanic,
		"crash fails the event and later ones":       crashFailsEvents,
		"init error fails the start":                 initErrorFailsStart,
		"exit before its first request fails start":  exitFailsStart,
		"start is bounded by its context":            startIsBounded,
		"late answer does not disturb the next call": lateAnswerIsDropped,
		"payloads beyond Lambda's limit are refused": oversizedIsRefused,
		"measures its start":                         measuresStart,
		"close ends the process":                     closeEndsProcess,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, binary)
		})
	}
}

func answersEachEvent(t *testing.T, binary string) {
	f := start(t, binary)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			want, _ := json.Marshal(map[string]int{"n": i})
			if got := invoke(t, f, string(want)); got != string(want) {
				t.Errorf("event %s was answered with %s", want, got)
			}
		})
	}
	wg.Wait()
}

func keepsPayloads(t *testing.T, binary string) {
	f := start(t, binary)
	rapid.Check(t, func(rt *rapid.T) {
		want, err := json.Marshal(rapid.MapOf(rapid.String(), rapid.String()).Draw(rt, "event"))
		if err != nil {
			rt.Fatal(err)
		}
		if string(want) == "{}" {
			want = bytes.Repeat([]byte(" "), rapid.IntRange(0, 1<<20).Draw(rt, "length"))
		}
		got, err := f.Invoke(t.Context(), want)
		if err != nil {
			rt.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			rt.Fatalf("event of %d bytes came back as %d bytes", len(want), len(got))
		}
	})
}

type description struct {
	PID         int       `json:"pid"`
	RequestID   string    `json:"request_id"`
	ARN         string    `json:"arn"`
	Deadline    time.Time `json:"deadline"`
	TraceID     string    `json:"trace_id"`
	Environment []string  `json:"environment"`
}

func describe(t *testing.T, ctx context.Context, f *runtimeapi.Function) description {
	t.Helper()
	out, err := f.Invoke(ctx, []byte(`{"do":"describe"}`))
	if err != nil {
		t.Fatal(err)
	}
	var d description
	if err := json.Unmarshal(out, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func seesLambdaContext(t *testing.T, binary string) {
	f := start(t, binary)
	deadline := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()

	first, second := describe(t, ctx, f), describe(t, ctx, f)
	if want := "arn:aws:lambda:us-east-1:000000000000:function:sample"; first.ARN != want {
		t.Errorf("ARN %q, want %q", first.ARN, want)
	}
	if want := deadline.Truncate(time.Millisecond); !first.Deadline.Equal(want) {
		t.Errorf("deadline %s, want %s", first.Deadline, want)
	}
	if !strings.HasPrefix(first.TraceID, "Root=1-") {
		t.Errorf("trace id %q", first.TraceID)
	}
	if first.RequestID == "" || first.RequestID == second.RequestID {
		t.Errorf("request ids %q and %q, want two different ones", first.RequestID, second.RequestID)
	}
	if first.PID != second.PID {
		t.Errorf("two events ran in processes %d and %d, want one", first.PID, second.PID)
	}
}

func seesEnvironment(t *testing.T, binary string) {
	f := start(t, binary, "TABLE=roster", "AWS_REGION=eu-central-1", "AWS_LAMBDA_FUNCTION_NAME=other")
	got := describe(t, t.Context(), f).Environment

	for _, want := range []string{
		"TABLE=roster",
		"AWS_REGION=eu-central-1",
		"AWS_ACCESS_KEY_ID=local",
		"AWS_LAMBDA_FUNCTION_NAME=sample",
		"_HANDLER=bootstrap",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("environment lacks %s", want)
		}
	}
	if slices.ContainsFunc(got, func(v string) bool { return strings.HasPrefix(v, "PATH=") }) {
		t.Error("the environment of the caller was inherited")
	}
}

func reportsError(t *testing.T, binary string) {
	f := start(t, binary)
	_, err := f.Invoke(t.Context(), []byte(`{"do":"fail"}`))
	wantFunctionError(t, err, "refusal", "no such member")
	if got := invoke(t, f, `{}`); got != `{}` {
		t.Errorf("after an error, {} was answered with %s", got)
	}
}

func reportsPanic(t *testing.T, binary string) {
	f := start(t, binary)
	_, err := f.Invoke(t.Context(), []byte(`{"do":"panic"}`))
	wantFunctionError(t, err, "errorString", "index out of range")
	if _, err := f.Invoke(t.Context(), []byte(`{}`)); !errors.Is(err, runtimeapi.ErrExited) {
		t.Errorf("after a panic: %v, want ErrExited", err)
	}
}

func crashFailsEvents(t *testing.T, binary string) {
	f := start(t, binary)
	for _, event := range []string{`{"do":"exit"}`, `{}`} {
		_, err := f.Invoke(t.Context(), []byte(event))
		if !errors.Is(err, runtimeapi.ErrExited) {
			t.Fatalf("%s: %v, want ErrExited", event, err)
		}
		for _, want := range []string{"sample", "exit status 4"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", event, err, want)
			}
		}
	}
}

func initErrorFailsStart(t *testing.T, binary string) {
	_, err := runtimeapi.Start(t.Context(), config(binary, "ON_INIT=error"))
	wantFunctionError(t, err, "ConfigError", "TABLE is not set")
}

func exitFailsStart(t *testing.T, binary string) {
	_, err := runtimeapi.Start(t.Context(), config(binary, "ON_INIT=exit"))
	if !errors.Is(err, runtimeapi.ErrExited) || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("%v, want ErrExited with exit status 3", err)
	}
}

func startIsBounded(t *testing.T, binary string) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := runtimeapi.Start(ctx, config(binary, "ON_INIT=hang"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want context.DeadlineExceeded", err)
	}
}

func lateAnswerIsDropped(t *testing.T, binary string) {
	f := start(t, binary)
	release := filepath.Join(t.TempDir(), "release")
	event, _ := json.Marshal(map[string]string{"do": "wait for file", "path": release})
	for _, want := range []string{"no answer", "busy"} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := f.Invoke(ctx, event)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), want) {
			t.Fatalf("%v, want %q and context.DeadlineExceeded", err, want)
		}
	}
	if err := os.WriteFile(release, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := invoke(t, f, `{"n":2}`); got != `{"n":2}` {
		t.Errorf("next event was answered with %s", got)
	}
}

func oversizedIsRefused(t *testing.T, binary string) {
	f := start(t, binary)
	if _, err := f.Invoke(t.Context(), make([]byte, runtimeapi.MaxPayload+1)); err == nil {
		t.Error("an oversized event was accepted")
	}
	event, _ := json.Marshal(map[string]any{"do": "answer bytes", "bytes": runtimeapi.MaxPayload})
	if got := invoke(t, f, string(event)); len(got) != runtimeapi.MaxPayload {
		t.Errorf("answer of %d bytes, want %d", len(got), runtimeapi.MaxPayload)
	}
	event, _ = json.Marshal(map[string]any{"do": "answer bytes", "bytes": runtimeapi.MaxPayload + 1})
	_, err := f.Invoke(t.Context(), event)
	wantFunctionError(t, err, "Function.ResponseSizeTooLarge", "answer exceeds 6291456 bytes")
}

func measuresStart(t *testing.T, binary string) {
	f := start(t, binary)
	before := f.Timing()
	if before.FirstNext <= 0 || before.FirstResponse != 0 {
		t.Errorf("before an event: %+v, want a time to the first request and none to the first answer", before)
	}
	invoke(t, f, `{}`)
	first := f.Timing()
	if first.FirstResponse <= first.FirstNext || first.FirstNext != before.FirstNext {
		t.Errorf("after an event: %+v, was %+v", first, before)
	}
	invoke(t, f, `{}`)
	if got := f.Timing(); got != first {
		t.Errorf("a second event changed %+v to %+v", first, got)
	}
}

func closeEndsProcess(t *testing.T, binary string) {
	f := start(t, binary)
	process, err := os.FindProcess(describe(t, t.Context(), f).PID)
	if err != nil {
		t.Fatal(err)
	}
	defer process.Release()

	for range 2 {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := process.Kill(); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal to the process after Close: %v, want os.ErrProcessDone", err)
	}
	if _, err := f.Invoke(t.Context(), []byte(`{}`)); !errors.Is(err, runtimeapi.ErrExited) {
		t.Errorf("invoke after Close: %v, want ErrExited", err)
	}
}

func TestStartNamesMissingBinary(t *testing.T) {
	t.Parallel()
	_, err := runtimeapi.Start(t.Context(), config(filepath.Join(t.TempDir(), "absent")))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, want os.ErrNotExist", err)
	}
}

func TestBuildShowsCompilerErrors(t *testing.T) {
	t.Parallel()
	err := runtimeapi.Build(t.Context(), ".", t.TempDir(), "./testdata/absent")
	if err == nil || !strings.Contains(err.Error(), "testdata/absent") {
		t.Errorf("%v, want the go command's own words", err)
	}
}

func config(binary string, env ...string) runtimeapi.Config {
	return runtimeapi.Config{Binary: binary, Name: "sample", Env: env}
}

func start(t *testing.T, binary string, env ...string) *runtimeapi.Function {
	t.Helper()
	f, err := runtimeapi.Start(t.Context(), config(binary, env...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// invoke may be called from any goroutine.
func invoke(t *testing.T, f *runtimeapi.Function, event string) string {
	t.Helper()
	out, err := f.Invoke(t.Context(), []byte(event))
	if err != nil {
		t.Error(err)
	}
	return string(out)
}

func wantFunctionError(t *testing.T, err error, errorType, message string) {
	t.Helper()
	got, ok := errors.AsType[*runtimeapi.FunctionError](err)
	if !ok {
		t.Fatalf("%v, want a function error", err)
	}
	if want := (runtimeapi.FunctionError{Type: errorType, Message: message}); *got != want {
		t.Errorf("%+v, want %+v", *got, want)
	}
}
