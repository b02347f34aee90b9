package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"
)

const (
	// MaxPayload is the largest event and the largest answer, in bytes
	// (Lambda: 6 MB for a synchronous invocation, each way).
	MaxPayload = 6 << 20

	// DefaultTimeout bounds an invocation whose context has no deadline
	// (API Gateway HTTP API: 30 s at most for an integration).
	DefaultTimeout = 30 * time.Second
)

// ErrExited is in the chain of every error due to the process having ended,
// by itself or by Close.
var ErrExited = errors.New("process ended")

// Config says which binary to run, and as what.
type Config struct {
	Binary string    // path of the executable
	Name   string    // function name, as in AWS_LAMBDA_FUNCTION_NAME
	Env    []string  // "KEY=value", the function's whole environment besides Lambda's own variables
	Stderr io.Writer // receives what the process writes to stdout and stderr; nil discards it
}

// Function is one running process of a function. Like an execution
// environment of Lambda it handles one event at a time: concurrent calls of
// Invoke wait for each other. It is not restarted once its process has ended.
type Function struct {
	name    string
	cmd     *exec.Cmd
	server  *http.Server
	began   time.Time
	initial chan error       // what came first: a call of next (nil), an init error, the exit
	queue   chan *invocation // from Invoke to next
	exited  chan struct{}    // closed once the process has been waited for

	mu      sync.Mutex
	exitErr error
	pending map[string]*invocation // by request id, until answered
	timing  Timing
}

// Timing tells how long after the start of the process it first asked for an
// event, and first answered one. Zero means not yet.
type Timing struct {
	FirstNext     time.Duration
	FirstResponse time.Duration
}

// Start runs the binary and returns once it has asked for its first event.
// It fails with a *FunctionError if the function reports an init error, with
// ErrExited if the process ends before, and with ctx's error if ctx ends
// before; ctx has no bearing on the process afterwards.
func Start(ctx context.Context, cfg Config) (*Function, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start function %s: %w", cfg.Name, err)
	}
	f := &Function{
		name:    cfg.Name,
		cmd:     exec.Command(cfg.Binary),
		initial: make(chan error, 1),
		queue:   make(chan *invocation),
		exited:  make(chan struct{}),
		pending: make(map[string]*invocation),
	}
	f.server = &http.Server{Handler: f.api()}
	f.cmd.Env = environment(cfg, listener.Addr().String())
	f.cmd.Stdout, f.cmd.Stderr = cfg.Stderr, cfg.Stderr

	f.began = time.Now()
	if err := f.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start function %s: %w", cfg.Name, err), listener.Close())
	}
	go f.server.Serve(listener)
	go f.wait()

	select {
	case err = <-f.initial:
	case <-ctx.Done():
		err = fmt.Errorf("asked for no event: %w", context.Cause(ctx))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start function %s: %w", cfg.Name, err), f.Close())
	}
	return f, nil
}

// Close kills the process, as Lambda does with a function that has no
// extensions, waits for its end and closes the API. Calling it again does
// nothing.
func (f *Function) Close() error {
	if err := f.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("close function %s: %w", f.name, err)
	}
	<-f.exited
	return f.server.Close()
}

// Timing returns what has been measured so far.
func (f *Function) Timing() Timing {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.timing
}

// wait reaps the process, then fails whatever still waits for it.
func (f *Function) wait() {
	defer close(f.exited)
	f.cmd.Wait()
	err := fmt.Errorf("%w: %s", ErrExited, f.cmd.ProcessState)
	f.settleStart(err)

	f.mu.Lock()
	defer f.mu.Unlock()
	f.exitErr = err
	for id, inv := range f.pending {
		delete(f.pending, id)
		inv.answer <- answer{err: err}
	}
}
