package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"roster/infra/local/runtimeapi"
)

// onNothing surrounds functions that need nothing.
func onNothing(context.Context) (surroundings, error) {
	return surroundings{
		fill:  func(event []byte) ([]byte, error) { return event, nil },
		close: func() error { return nil },
	}, nil
}

func TestInvokePrintsAnswer(t *testing.T) {
	t.Parallel()
	var stdout strings.Builder
	args := []string{"-fn", "echo", "-case", "hello", "-env", "GREETING=hi", "-env", "GREETING=good day"}
	if err := run(t.Context(), "testdata", args, onNothing, &stdout, io.Discard); err != nil {
		t.Fatal(err)
	}
	if want := `"greeting": "good day"`; !strings.Contains(stdout.String(), want) {
		t.Errorf("%s\nlacks %s", stdout.String(), want)
	}
}

func TestInvokeReportsFunctionError(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	err := run(t.Context(), "testdata", []string{"-fn", "echo", "-case", "failure"}, onNothing, &stdout, &stderr)
	if e, ok := errors.AsType[*runtimeapi.FunctionError](err); !ok || e.Message != "asked to fail" {
		t.Errorf("%v, want the function's error", err)
	}
	if stdout.Len() > 0 {
		t.Errorf("printed %q as an answer", stdout.String())
	}
	if !strings.Contains(stderr.String(), "asked to fail") {
		t.Errorf("function's log %q was not passed on", stderr.String())
	}
}

func TestInvokeRefusesArguments(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no function":      {nil, `no function ""; there are: echo`},
		"unknown function": {[]string{"-fn", "../echo"}, `no function "../echo"; there are: echo`},
		"no case":          {[]string{"-fn", "echo"}, `no case "" of echo; there are: failure, hello`},
		"golden answer":    {[]string{"-fn", "echo", "-case", "hello.golden"}, `no case "hello.golden" of echo; there are: failure, hello`},
		"malformed env":    {[]string{"-env", "=x"}, "not of the form KEY=VALUE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), "testdata", test.args, onNothing, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}
