// Package engine runs Dynoxide, a DynamoDB-compatible database in one static
// binary, as a child of this process.
//
// The child never outlives its parent, not even one that was killed. Every
// write that it has answered survives its own being killed as well.
package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// listening begins the line by which Dynoxide says on stderr that it accepts
// connections; its versioning rules guarantee the text.
const listening = "Dynoxide listening on "

// bindTries bounds how often Start looks for a port: between finding a free one
// and the child's bind another process may take it.
const bindTries = 3

// Engine is a running database.
type Engine struct {
	endpoint string
	process  *os.Process
	exited   chan struct{}
	err      error
}

// Start runs an engine whose data lie in dir, which is created when missing;
// an empty dir keeps nothing. It returns once the engine accepts connections.
// ctx bounds the start only.
//
// A folder serves one engine at a time: Start fails when another process is
// using dir. It fails with a hint to what helps when no binary is installed.
func Start(ctx context.Context, dir string) (*Engine, error) {
	binary, err := findBinary(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	if dir == "" {
		scratch, err := os.MkdirTemp("", "roster-engine-")
		if err != nil {
			return nil, fmt.Errorf("engine: %w", err)
		}
		// The child keeps its files open; without names nothing is left behind,
		// however it ends.
		defer os.RemoveAll(scratch)
		dir = scratch
	}
	lock, err := lockFolder(ctx, dir)
	if err != nil {
		return nil, err
	}
	// The child holds the lock as well, so that a folder is free only when its
	// engine has ended.
	defer lock.Close()
	file := filepath.Join(dir, "dynamodb.sqlite")
	if err := createDatabase(file); err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	for range bindTries {
		var e *Engine
		if e, err = launch(ctx, binary, file, lock); err == nil {
			return e, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("engine: %w", err)
}

// Endpoint is the engine's base URL, on a loopback port.
func (e *Engine) Endpoint() string { return e.endpoint }

// Exited is closed once the engine has ended, whatever the cause; Err then says
// what it was.
func (e *Engine) Exited() <-chan struct{} { return e.exited }

// Err is why the engine ended, nil while it runs.
func (e *Engine) Err() error {
	select {
	case <-e.exited:
		return e.err
	default:
		return nil
	}
}

// Close ends the engine and returns when it has ended. It kills it: answered
// writes are in the file already, and there is nothing else to save.
func (e *Engine) Close() error {
	if err := e.process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("engine: %w", err)
	}
	<-e.exited
	return nil
}

func launch(ctx context.Context, binary, file string, lock *os.File) (*Engine, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, "serve", "--host", "127.0.0.1", "--port", strconv.Itoa(port), "--db-path", file)
	cmd.ExtraFiles = []*os.File{lock}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	e := &Engine{endpoint: fmt.Sprintf("http://127.0.0.1:%d", port), exited: make(chan struct{})}
	started, ready := make(chan error), make(chan struct{})
	go e.run(cmd, stderr, started, ready)
	if err := <-started; err != nil {
		return nil, err
	}
	select {
	case <-ready:
		return e, nil
	case <-e.exited:
		return nil, e.err
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), e.Close())
	}
}

// run starts the child and stays with it until it ends.
func (e *Engine) run(cmd *exec.Cmd, stderr io.Reader, started chan<- error, ready chan<- struct{}) {
	// Linux ties the child to the thread that forked it, so this one must live
	// as long as the child.
	runtime.LockOSThread()
	release, err := startTied(cmd)
	e.process = cmd.Process
	started <- err
	if err != nil {
		return
	}
	defer release()
	said := follow(stderr, ready)
	err = cmd.Wait()
	if err == nil {
		err = errors.New("exit status 0")
	}
	e.err = fmt.Errorf("dynoxide has ended: %w %s", err, said)
	close(e.exited)
}

// follow reads what the child says until it ends, closes ready when it listens,
// and returns its last words.
func follow(stderr io.Reader, ready chan<- struct{}) (last string) {
	lines := bufio.NewReader(stderr)
	for {
		line, err := lines.ReadString('\n')
		if strings.HasPrefix(line, listening) {
			close(ready)
		} else if line = strings.TrimSpace(line); line != "" {
			last = line
		}
		if err != nil {
			return last
		}
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
