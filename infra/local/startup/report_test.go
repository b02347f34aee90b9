package main

import (
	"strings"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	err := report(&out, []measurement{
		{name: "hello-world", starts: []time.Duration{4e6, 2e6, 3e6}, ratios: []float64{1, 1, 1}},
		{name: "invite", starts: []time.Duration{9e6, 4.5e6, 4.125e6}, ratios: []float64{2.25, 1.125, 1.5}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"hello-world               3.00 ms           1.00\n",
		"     invite               4.50 ms           1.50\n",
		"BenchmarkStartup/hello-world 3 3000000 ns/op 1.000 x-hello\n",
		"BenchmarkStartup/invite 3 4500000 ns/op 1.500 x-hello\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("report lacks %q:\n%s", want, out.String())
		}
	}
}
