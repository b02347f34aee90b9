// Command startup measures how long each function takes from the start of its
// process to its first answer, next to a function that only says hello. From
// the module's root:
//
//	go run ./infra/local/startup [-n 15]
//
// It prints a table, then the medians in the form of Go benchmarks. The first
// event is events/<function>/startup.json, or else a request for an unknown
// route, which needs no I/O to answer. The functions are part of a small
// deployment (package sample), for those whose first event needs one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"roster/infra/local/sample"
)

func main() {
	runs := flag.Int("n", 15, "starts of each function")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := onSample(ctx, ".", *runs, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "startup:", err)
		os.Exit(1)
	}
}

func onSample(ctx context.Context, root string, runs int, out io.Writer) (err error) {
	d, err := sample.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return run(ctx, root, deployment{d.Env(), d.Fill}, runs, out)
}

// deployment is of what the functions are part: their environment, and what fills in the
// names in their events.
type deployment struct {
	env  []string
	fill func(event []byte) ([]byte, error)
}

// run measures the functions of the module at root as parts of a deployment.
func run(ctx context.Context, root string, of deployment, runs int, out io.Writer) (err error) {
	if runs < 1 {
		return fmt.Errorf("%d starts are too few", runs)
	}
	bin, err := os.MkdirTemp("", "roster-startup-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(bin)) }()

	hello, functions, err := build(ctx, root, bin)
	if err != nil {
		return err
	}
	for i := range functions {
		if functions[i].event, err = of.fill(functions[i].event); err != nil {
			return err
		}
	}
	measured, err := measure(ctx, hello, functions, of.env, runs)
	if err != nil {
		return err
	}
	return report(out, measured)
}
