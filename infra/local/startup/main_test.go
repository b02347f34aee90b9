package main

import (
	"regexp"
	"strings"
	"testing"
)

// nowhereNamed is a deployment whose events name nothing.
var nowhereNamed = deployment{fill: func(event []byte) ([]byte, error) { return event, nil }}

func TestRunReportsEveryFunction(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(t.Context(), "testdata", nowhereNamed, 2, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`(?m)^ *hello-world +\d+\.\d\d ms +1\.00$`,
		`(?m)^ *plain +\d+\.\d\d ms +\d+\.\d\d$`,
		`(?m)^ *scheduled +\d+\.\d\d ms +\d+\.\d\d$`,
		`(?m)^BenchmarkStartup/hello-world 4 \d+ ns/op 1\.000 x-hello$`,
		`(?m)^BenchmarkStartup/plain 2 \d+ ns/op \d+\.\d{3} x-hello$`,
		`(?m)^BenchmarkStartup/scheduled 2 \d+ ns/op \d+\.\d{3} x-hello$`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("report lacks %s:\n%s", want, out.String())
		}
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		root string
		runs int
		want string
	}{
		"no starts":    {"testdata", 0, "0 starts are too few"},
		"no functions": {"testdata/functions", 1, "no functions to measure"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			err := run(t.Context(), test.root, nowhereNamed, test.runs, &out)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}

func TestFailedFirstAnswerIsNoMeasurement(t *testing.T) {
	t.Parallel()
	_, functions, err := build(t.Context(), "testdata", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range functions {
		if f.name != "scheduled" {
			continue
		}
		f.event = nowhere
		if took, err := startOnce(t.Context(), f, nil); err == nil || !strings.Contains(err.Error(), "not a scheduled event") {
			t.Errorf("measured %v, error %v; want the function's error", took, err)
		}
		return
	}
	t.Fatal("scheduled was not built")
}
