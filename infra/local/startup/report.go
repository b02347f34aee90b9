package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

// report writes a table of medians, and the same as Go benchmarks
// (https://go.dev/design/14313-benchmark-format), which benchstat reads.
func report(w io.Writer, measured []measurement) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "function\tstart → first answer\t× hello-world\t")
	for _, m := range measured {
		milliseconds := float64(median(m.starts)) / float64(time.Millisecond)
		fmt.Fprintf(table, "%s\t%.2f ms\t%.2f\t\n", m.name, milliseconds, median(m.ratios))
	}
	if err := table.Flush(); err != nil {
		return err
	}

	fmt.Fprintf(w, "\ngoos: %s\ngoarch: %s\npkg: roster/infra/local/startup\n", runtime.GOOS, runtime.GOARCH)
	for _, m := range measured {
		_, err := fmt.Fprintf(w, "BenchmarkStartup/%s %d %d ns/op %.3f x-hello\n",
			m.name, len(m.starts), median(m.starts).Nanoseconds(), median(m.ratios))
		if err != nil {
			return err
		}
	}
	return nil
}

// median returns the middle value, the upper one of two; values must not be empty.
func median[T cmp.Ordered](values []T) T {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}
