// Command invoke builds one function, runs its binary under a stand-in of the
// Lambda Runtime API, sends it a sample event and prints the answer. From the
// module's root:
//
//	go run ./infra/local/invoke -fn invite -case invite [-env KEY=VALUE]...
//
// The function works on a small deployment of its own (package sample). The exit
// status is 1 if the function, or the way to it, failed; an HTTP error in an
// answer is an answer.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"roster/infra/local/runtimeapi"
	"roster/infra/local/sample"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, ".", os.Args[1:], onSample, os.Stdout, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "invoke:", err)
		os.Exit(1)
	}
}

// surroundings are what a function works on.
type surroundings struct {
	env []string
	// fill replaces the names in an event by what they stand for.
	fill  func(event []byte) ([]byte, error)
	close func() error
}

// onSample is a small deployment of its own.
func onSample(ctx context.Context) (surroundings, error) {
	d, err := sample.Start(ctx)
	if err != nil {
		return surroundings{}, err
	}
	return surroundings{d.Env(), d.Fill, d.Close}, nil
}

// run invokes a function of the module at root. The answer goes to stdout,
// the function's log to stderr.
func run(ctx context.Context, root string, args []string, surround func(context.Context) (surroundings, error), stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("invoke", flag.ContinueOnError)
	flags.SetOutput(stderr)
	name := flags.String("fn", "", "function: a folder of functions/")
	sample := flags.String("case", "", "event: events/<function>/<case>.json")
	var env []string
	flags.Func("env", "`KEY=VALUE` for the function, repeatable", func(v string) error {
		if key, _, ok := strings.Cut(v, "="); !ok || key == "" {
			return errors.New("not of the form KEY=VALUE")
		}
		env = append(env, v)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}

	event, err := readEvent(root, *name, *sample)
	if err != nil {
		return err
	}
	around, err := surround(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, around.close()) }()
	if event, err = around.fill(event); err != nil {
		return err
	}
	answer, err := invoke(ctx, root, *name, event, append(around.env, env...), stderr)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, pretty(answer))
	return err
}

// invoke builds the function and sends one event to a fresh process of it.
func invoke(ctx context.Context, root, name string, event []byte, env []string, stderr io.Writer) (answer []byte, err error) {
	bin, err := os.MkdirTemp("", "roster-invoke-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(bin)) }()

	if err := runtimeapi.Build(ctx, root, bin, "./functions/"+name); err != nil {
		return nil, err
	}
	f, err := runtimeapi.Start(ctx, runtimeapi.Config{
		Binary: filepath.Join(bin, name),
		Name:   name,
		Env:    env,
		Stderr: stderr,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return f.Invoke(ctx, event)
}
