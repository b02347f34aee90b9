package openapi

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"roster/internal/route"
)

// source is what Roster's own source says besides types: comments, and the
// refusals that it knows.
type source struct {
	// comments by "package.Type", "package.Type.Field" and, for use cases,
	// "package.Method()".
	comments map[string]string
	// useCases are the methods behind routes, such as "account.Login()", by the
	// name of the route's constant.
	useCases map[string]string
	// constants are the names of the constants of route ids.
	constants map[route.ID]string
	// statuses are what the StatusCode methods of answers return, by "package.Type".
	statuses map[string][]int
	faults   []declaredFault
}

// declaredFault is a call of fault.New.
type declaredFault struct{ kind, code, detail string }

// read parses the packages below a folder, tests apart.
func read(folder string) (*source, error) {
	s := &source{
		comments: map[string]string{}, useCases: map[string]string{}, constants: map[route.ID]string{},
		statuses: map[string][]int{},
	}
	files := token.NewFileSet()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		s.file(file)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("openapi: source: %w", err)
	}
	slices.SortStableFunc(s.faults, func(a, b declaredFault) int {
		return cmp.Or(strings.Compare(a.code, b.code), strings.Compare(a.kind, b.kind))
	})
	s.faults = slices.CompactFunc(s.faults, func(a, b declaredFault) bool { return a.code == b.code && a.kind == b.kind })
	return s, nil
}

func (s *source) file(file *ast.File) {
	pkg := file.Name.Name
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					s.typeComments(pkg, d, spec)
				case *ast.ValueSpec:
					if pkg == "route" && isIdent(spec.Type, "ID") && len(spec.Values) == 1 {
						s.constants[route.ID(text(spec.Values[0]))] = spec.Names[0].Name
					}
				}
			}
		case *ast.FuncDecl:
			if d.Recv != nil && d.Type.Params.NumFields() == 3 { // context, who, input
				s.comment(pkg+"."+d.Name.Name+"()", d.Name.Name, d.Doc)
			}
			if d.Recv != nil && d.Name.Name == "StatusCode" {
				s.status(pkg, d)
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			s.call(pkg, call)
		}
		return true
	})
}

func (s *source) typeComments(pkg string, d *ast.GenDecl, t *ast.TypeSpec) {
	name := pkg + "." + t.Name.Name
	s.comment(name, t.Name.Name, t.Doc)
	if t.Doc == nil && len(d.Specs) == 1 {
		s.comment(name, t.Name.Name, d.Doc)
	}
	structure, ok := t.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range structure.Fields.List {
		for _, ident := range field.Names {
			s.comment(name+"."+ident.Name, "", field.Doc)
			if field.Doc == nil {
				s.comment(name+"."+ident.Name, "", field.Comment)
			}
		}
	}
}

// status notes which numbers a StatusCode method returns.
func (s *source) status(pkg string, method *ast.FuncDecl) {
	of, ok := method.Recv.List[0].Type.(*ast.Ident)
	if !ok {
		return
	}
	ast.Inspect(method.Body, func(n ast.Node) bool {
		if out, ok := n.(*ast.ReturnStmt); ok && len(out.Results) == 1 {
			if literal, ok := out.Results[0].(*ast.BasicLit); ok {
				status, _ := strconv.Atoi(literal.Value)
				key := pkg + "." + of.Name
				s.statuses[key] = append(s.statuses[key], status)
			}
		}
		return true
	})
	slices.Sort(s.statuses[pkg+"."+of.Name])
}

// useCase returns the comment of the method behind a route.
func (s *source) useCase(id route.ID) string { return s.comments[s.useCases[s.constants[id]]] }

// comment keeps a comment, each of its paragraphs on one line. Readers of the
// document do not know what a type or method of that name is called.
func (s *source) comment(key, name string, group *ast.CommentGroup) {
	paragraphs := strings.Split(strings.TrimSpace(group.Text()), "\n\n")
	for i, p := range paragraphs {
		paragraphs[i] = strings.Join(strings.Fields(p), " ")
	}
	if text := unnamed(strings.Join(paragraphs, "\n\n"), name); text != "" {
		s.comments[key] = text
	}
}

// unnamed makes "View is a key" of package go/doc's form "A key", and "Login
// opens a session" "Opens a session".
func unnamed(text, name string) string {
	rest, named := strings.CutPrefix(text, name+" ")
	if name == "" || !named {
		return text
	}
	for _, verb := range []string{"is ", "are ", "has "} {
		rest = strings.TrimPrefix(rest, verb)
	}
	return strings.ToUpper(rest[:1]) + rest[1:]
}

// call notes api.Handle(route.X, …, s.Method) and fault.New(kind, code, detail).
func (s *source) call(pkg string, call *ast.CallExpr) {
	switch {
	case isSelector(call.Fun, "api", "Handle") && len(call.Args) == 3:
		constant, isConstant := call.Args[0].(*ast.SelectorExpr)
		method, isMethod := call.Args[2].(*ast.SelectorExpr)
		if isConstant && isMethod {
			s.useCases[constant.Sel.Name] = pkg + "." + method.Sel.Name + "()"
		}
	case len(call.Args) == 3 && (isSelector(call.Fun, "fault", "New") || pkg == "fault" && isIdent(call.Fun, "New")):
		kind := ""
		switch k := call.Args[0].(type) {
		case *ast.SelectorExpr:
			kind = k.Sel.Name
		case *ast.Ident:
			kind = k.Name
		}
		code, detail := text(call.Args[1]), text(call.Args[2])
		if code != "" && detail != "" {
			s.faults = append(s.faults, declaredFault{kind, code, detail})
		}
	}
}

func isSelector(e ast.Expr, pkg, name string) bool {
	selector, ok := e.(*ast.SelectorExpr)
	return ok && selector.Sel.Name == name && isIdent(selector.X, pkg)
}

func isIdent(e ast.Expr, name string) bool {
	ident, ok := e.(*ast.Ident)
	return ok && ident.Name == name
}

// text returns a string literal, or several that are added; "" for all else.
func text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		if err == nil {
			return s
		}
	case *ast.BinaryExpr:
		left, right := text(e.X), text(e.Y)
		if e.Op == token.ADD && left != "" && right != "" {
			return left + right
		}
	}
	return ""
}
