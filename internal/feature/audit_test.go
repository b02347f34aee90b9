package feature_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"roster/internal/audit"
	"roster/internal/route"
)

// Whoever adds a route that changes something says what the audit log calls it:
// in audit.Catalogue, or why it needs no event in audit.Unaudited.
func TestEveryMutatingRouteHasAnAuditAction(t *testing.T) {
	t.Parallel()
	recorded := map[route.ID][]audit.Action{}
	for _, entry := range audit.Catalogue {
		for _, id := range entry.Routes {
			recorded[id] = append(recorded[id], entry.Action)
		}
	}
	for _, r := range route.All {
		reason, excepted := audit.Unaudited[r.ID]
		switch {
		case !r.Mutates() && (excepted || recorded[r.ID] != nil):
			t.Errorf("%s changes nothing, and has the actions %v", r.Key, recorded[r.ID])
		case r.Mutates() && excepted && (reason == "" || recorded[r.ID] != nil):
			t.Errorf("%s is unaudited for the reason %q, and has the actions %v", r.Key, reason, recorded[r.ID])
		case r.Mutates() && !excepted && recorded[r.ID] == nil:
			t.Errorf("%s has no action: add it to audit.Catalogue, or to audit.Unaudited with the reason", r.Key)
		}
		delete(recorded, r.ID)
	}
	for id := range recorded {
		t.Errorf("the catalogue names the route %s, which there is not", id)
	}
}

func TestTheCatalogueHasEachActionOnce(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$`)
	var all []audit.Action
	for _, entry := range audit.Catalogue {
		if !form.MatchString(string(entry.Action)) || entry.About == "" || slices.Contains(all, entry.Action) {
			t.Errorf("%+v", entry)
		}
		all = append(all, entry.Action)
	}
	var declared int
	inspect(t, func(at string, node ast.Node) {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return
		}
		if named, ok := spec.Type.(*ast.Ident); !ok || named.Name != "Action" || !strings.Contains(at, "audit") {
			return
		}
		declared++
		action, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil || !slices.Contains(all, audit.Action(action)) {
			t.Errorf("%s: %s is not in the catalogue", at, action)
		}
	})
	if declared != len(all) {
		t.Errorf("%d actions are declared, the catalogue has %d", declared, len(all))
	}
}

func TestEventsNameActionsOfTheCatalogue(t *testing.T) {
	t.Parallel()
	events := 0
	inspect(t, func(at string, node ast.Node) {
		literal, ok := node.(*ast.CompositeLit)
		if !ok {
			return
		}
		named, ok := literal.Type.(*ast.SelectorExpr)
		if !ok || named.Sel.Name != "Event" || named.X.(*ast.Ident).Name != "audit" {
			return
		}
		events++
		for _, element := range literal.Elts {
			pair, ok := element.(*ast.KeyValueExpr)
			if !ok || pair.Key.(*ast.Ident).Name != "Action" {
				continue
			}
			if _, text := pair.Value.(*ast.BasicLit); text {
				t.Errorf("%s: an action as text; name it in audit.Catalogue", at)
			}
		}
	})
	if events == 0 {
		t.Error("no event is recorded anywhere")
	}
}

// inspect shows every node of Roster's own source, tests apart.
func inspect(t *testing.T, show func(at string, node ast.Node)) {
	t.Helper()
	files := token.NewFileSet()
	if err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if node != nil {
				show(files.Position(node.Pos()).String(), node)
			}
			return true
		})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
