package runtimeapi

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// invocation is one event on its way to the process and back.
type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	answer   chan answer // holds the one answer, read or not
}

type answer struct {
	payload []byte
	err     error
}

// Invoke hands the event to the function and returns its answer. The function
// sees ctx's deadline, or DefaultTimeout from now. An error that the function
// returns, or a panic, is a *FunctionError; if its process ends, the error is
// ErrExited. If ctx ends first, the function works on and its answer is dropped.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if len(payload) > MaxPayload {
		return nil, fmt.Errorf("invoke function %s: event of %d bytes exceeds %d", f.name, len(payload), MaxPayload)
	}
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	deadline, _ := ctx.Deadline()
	inv := &invocation{id: rand.Text(), payload: payload, deadline: deadline, answer: make(chan answer, 1)}

	out, err := f.await(ctx, inv)
	if err != nil {
		return nil, fmt.Errorf("invoke function %s: %w", f.name, err)
	}
	return out, nil
}

func withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, DefaultTimeout)
}

func (f *Function) await(ctx context.Context, inv *invocation) ([]byte, error) {
	if err := f.admit(inv); err != nil {
		return nil, err
	}
	select {
	case f.queue <- inv:
	case a := <-inv.answer:
		return a.payload, a.err
	case <-ctx.Done():
		f.settle(inv.id, answer{})
		return nil, fmt.Errorf("busy with an earlier event: %w", context.Cause(ctx))
	}
	select {
	case a := <-inv.answer:
		return a.payload, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("no answer: %w", context.Cause(ctx))
	}
}

// admit registers an invocation, so that an exit from here on answers it.
func (f *Function) admit(inv *invocation) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.exitErr != nil {
		return f.exitErr
	}
	f.pending[inv.id] = inv
	return nil
}

// settle answers an invocation, and reports whether one awaited the answer.
func (f *Function) settle(id string, a answer) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	inv, ok := f.pending[id]
	if !ok {
		return false
	}
	delete(f.pending, id)
	inv.answer <- a
	return true
}

// traceID returns an X-Ray tracing header that asks for no sampling.
func traceID(now time.Time) string {
	var id [12]byte
	rand.Read(id[:])
	return fmt.Sprintf("Root=1-%08x-%x;Sampled=0", now.Unix(), id)
}
