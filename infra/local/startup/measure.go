package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"roster/infra/local/runtimeapi"
)

// measurement holds a function's starts, and how each compares with the start
// of hello-world right before it.
type measurement struct {
	name   string
	starts []time.Duration
	ratios []float64
}

// measure starts hello-world before each start of a function, so that both of
// a pair meet the same state of a noisy machine. Hello-world comes first in
// the result. A first, unmeasured round loads all binaries into the page cache.
func measure(ctx context.Context, hello function, functions []function, env []string, runs int) ([]measurement, error) {
	base := measurement{name: hello.name}
	measured := make([]measurement, len(functions))
	for round := range runs + 1 {
		for i, f := range functions {
			reference, err := startOnce(ctx, hello, env)
			if err != nil {
				return nil, err
			}
			took, err := startOnce(ctx, f, env)
			if err != nil {
				return nil, err
			}
			if round == 0 {
				continue
			}
			base.starts = append(base.starts, reference)
			base.ratios = append(base.ratios, 1)
			m := &measured[i]
			m.name = f.name
			m.starts = append(m.starts, took)
			m.ratios = append(m.ratios, float64(took)/float64(reference))
		}
	}
	return slices.Insert(measured, 0, base), nil
}

// startOnce returns the time from a function's start to its first answer. An
// answer that is an error measures nothing: it fails, with the function's log.
func startOnce(ctx context.Context, f function, env []string) (took time.Duration, err error) {
	var log bytes.Buffer
	process, err := runtimeapi.Start(ctx, runtimeapi.Config{
		Binary: f.binary,
		Name:   f.name,
		Env:    env,
		Stderr: &log,
	})
	if err != nil {
		return 0, fmt.Errorf("%w\n%s", err, log.Bytes())
	}
	_, err = process.Invoke(ctx, f.event)
	took = process.Timing().FirstResponse
	if err := errors.Join(err, process.Close()); err != nil {
		return 0, fmt.Errorf("%w\n%s", err, log.Bytes())
	}
	return took, nil
}
