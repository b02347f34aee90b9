package main

import (
	"context"
	_ "embed"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"roster/infra/local/runtimeapi"
)

//go:embed nowhere.json
var nowhere []byte

// function is a built function and the first event it gets.
type function struct {
	name   string
	binary string
	event  []byte
}

// build compiles hello and every function of the module at root into bin.
func build(ctx context.Context, root, bin string) (hello function, functions []function, err error) {
	names, err := runtimeapi.Names(root)
	if err != nil {
		return function{}, nil, err
	}
	if len(names) == 0 {
		return function{}, nil, errors.New("no functions to measure")
	}
	helloBin, functionsBin := filepath.Join(bin, "hello"), filepath.Join(bin, "functions")
	if err := runtimeapi.Build(ctx, root, helloBin, "roster/infra/local/startup/hello"); err != nil {
		return function{}, nil, err
	}
	packages := make([]string, len(names))
	for i, name := range names {
		packages[i] = "./functions/" + name
	}
	if err := runtimeapi.Build(ctx, root, functionsBin, packages...); err != nil {
		return function{}, nil, err
	}
	hello = function{name: "hello-world", binary: filepath.Join(helloBin, "hello"), event: nowhere}
	for _, name := range names {
		event, err := firstEvent(root, name)
		if err != nil {
			return function{}, nil, err
		}
		functions = append(functions, function{name: name, binary: filepath.Join(functionsBin, name), event: event})
	}
	return hello, functions, nil
}

func firstEvent(root, name string) ([]byte, error) {
	event, err := os.ReadFile(filepath.Join(root, "events", name, "startup.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nowhere, nil
	}
	return event, err
}
