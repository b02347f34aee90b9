package feature_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/feature"
	"roster/internal/route"
)

var update = flag.Bool("update", false, "write the generated part of the README")

const (
	readme      = "../../README.md"
	begin       = "<!-- routes: begin -->\n"
	end         = "<!-- routes: end -->\n"
	howToUpdate = "go test ./internal/feature -run README -update"
)

// endpoints are those of every feature, by route.
func endpoints() map[route.ID]api.Endpoint {
	all := map[route.ID]api.Endpoint{}
	for _, list := range feature.All {
		for _, e := range list(new(env.Env)) {
			all[e.Route.ID] = e
		}
	}
	return all
}

func TestEveryRouteHasAnEndpointAndAFunction(t *testing.T) {
	t.Parallel()
	all := endpoints()
	for _, r := range route.All {
		if _, ok := all[r.ID]; !ok {
			t.Errorf("route %s (%s) has no endpoint in any feature", r.ID, r.Key)
		}
		if _, err := os.Stat(filepath.Join("../../functions", r.Function, "main.go")); err != nil {
			t.Errorf("route %s (%s): %v", r.ID, r.Key, err)
		}
	}
	for id := range all {
		route.Of(id)
	}
}

func TestREADMEListsEveryRoute(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), begin)
	listed, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("the README lacks %q … %q", begin, end)
	}
	want := table(t)
	if listed == want {
		return
	}
	if !*update {
		t.Fatalf("the README's routes are out of date: %s", howToUpdate)
	}
	if err := os.WriteFile(readme, []byte(before+begin+want+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// table is route → function → file.
func table(t *testing.T) string {
	t.Helper()
	all := endpoints()
	var b strings.Builder
	b.WriteString("| route | what it does | function | use case |\n|---|---|---|---|\n")
	for _, r := range route.All {
		fmt.Fprintf(&b, "| `%s` | %s | [%s](functions/%s/main.go) | %s |\n",
			r.Key, r.Summary, r.Function, r.Function, source(t, all[r.ID].UseCase))
	}
	return b.String()
}

// source is a link to the file of a use case such as roster/internal/account.Service.Register.
func source(t *testing.T, useCase string) string {
	t.Helper()
	path, name, _ := strings.Cut(strings.TrimPrefix(useCase, "roster/"), ".")
	name = name[strings.LastIndex(name, ".")+1:]
	files, err := filepath.Glob(filepath.Join("../..", path, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == name {
				return fmt.Sprintf("[%s](%s/%s)", filepath.Base(file), path, filepath.Base(file))
			}
		}
	}
	t.Errorf("no source of %s", useCase)
	return ""
}
