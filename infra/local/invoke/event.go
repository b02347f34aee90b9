package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"roster/infra/local/runtimeapi"
)

// readEvent returns a function's sample event. The error for an unknown
// function or case lists those that exist.
func readEvent(root, name, sample string) ([]byte, error) {
	names, err := runtimeapi.Names(root)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(names, name) {
		return nil, fmt.Errorf("no function %q; there are: %s", name, strings.Join(names, ", "))
	}
	cases, err := cases(root, name)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(cases, sample) {
		return nil, fmt.Errorf("no case %q of %s; there are: %s", sample, name, strings.Join(cases, ", "))
	}
	return os.ReadFile(filepath.Join(root, "events", name, sample+".json"))
}

// cases lists a function's sample events; golden answers are none.
func cases(root, name string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(root, "events", name, "*.json"))
	if err != nil {
		return nil, err
	}
	var cases []string
	for _, file := range files {
		sample := strings.TrimSuffix(filepath.Base(file), ".json")
		if !strings.HasSuffix(sample, ".golden") {
			cases = append(cases, sample)
		}
	}
	return cases, nil
}
