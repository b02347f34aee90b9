package page_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/page"
	"roster/internal/rostertest"
	"roster/internal/table"
)

func TestLimit(t *testing.T) {
	t.Parallel()
	if got := page.Limit(0).Rows(); got != 50 {
		t.Errorf("%d rows where nothing is said", got)
	}
	for text, want := range map[string]int{
		"1": 1, "100": 100, "0": 0, "101": 0, "-1": 0, "": 0, "x": 0, "1.0": 0, "1e1": 0, " 1": 0, "99999999999999999999": 0,
	} {
		var l page.Limit
		if err := l.UnmarshalText([]byte(text)); int(l) != want || (err == nil) != (want > 0) {
			t.Errorf("%q is read as %d, %v", text, l, err)
		}
	}
}

func TestCursorRoundTrip(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	keys := rapid.MapOfN(rapid.StringMatching(`[a-z_]{1,8}`), rapid.String(), 1, 4)
	rapid.Check(t, func(rt *rapid.T) {
		next := table.Item{}
		for name, value := range keys.Draw(rt, "keys") {
			next[name] = &types.AttributeValueMemberS{Value: value}
		}
		binding := rapid.String().Draw(rt, "binding")
		cursor, err := page.Cursor(t.Context(), r.Env, binding, next)
		if err != nil {
			rt.Fatal(err)
		}
		start, err := page.Start(t.Context(), r.Env, binding, field.Cursor(cursor))
		if err != nil || len(start) != len(next) {
			rt.Fatalf("%v, %v", start, err)
		}
		for name, value := range next {
			if got := start[name].(*types.AttributeValueMemberS).Value; got != value.(*types.AttributeValueMemberS).Value {
				rt.Fatalf("%s is %q", name, got)
			}
		}
		if other := rapid.String().Draw(rt, "other"); other != binding {
			if start, err := page.Start(t.Context(), r.Env, other, field.Cursor(cursor)); err == nil {
				rt.Fatalf("a cursor of %q starts %q at %v", binding, other, start)
			}
		}
	})
}

func TestTheEndHasNoCursor(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	if cursor, err := page.Cursor(t.Context(), r.Env, "list", nil); cursor != "" || err != nil {
		t.Errorf("%q, %v", cursor, err)
	}
	if start, err := page.Start(t.Context(), r.Env, "list", ""); start != nil || err != nil {
		t.Errorf("%v, %v", start, err)
	}
}

func TestForeignCursorsAreRefused(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	keys, err := r.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, cursor := range []string{
		"x", "e30", strings.Repeat("A", 2000),
		keys.Seal([]byte(`{"pk":"O#x"}`), "list"),           // sealed for another use
		keys.Seal([]byte(`["pk"]`), "cursor\nlist"),         // not what a cursor holds
		keys.Seal([]byte(`{"pk":1}`), "cursor\nlist"),       // nor this
		keys.Seal([]byte(`{"pk":"O#x"}`), "cursor\nlist\n"), // of a longer binding
	} {
		start, err := page.Start(t.Context(), r.Env, "list", field.Cursor(cursor))
		f, ok := errors.AsType[*fault.Error](err)
		if start != nil || !ok || f.Kind != fault.Invalid ||
			!slices.ContainsFunc(f.Fields, func(f fault.Field) bool { return f.Parameter == "cursor" }) {
			t.Errorf("%.20s: %v, %v", cursor, start, err)
		}
	}
}

// FuzzStart: what Roster did not seal starts no list, and nothing panics.
func FuzzStart(f *testing.F) {
	r := rostertest.New(f)
	own, err := page.Cursor(f.Context(), r.Env, "list", table.Item{"pk": &types.AttributeValueMemberS{Value: "p"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own, "list")
	f.Add(own, "another")
	f.Add("AAAA", "list")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, cursor, binding string) {
		start, err := page.Start(t.Context(), r.Env, binding, field.Cursor(cursor))
		if err != nil || cursor == "" {
			return
		}
		if at, _ := start["pk"].(*types.AttributeValueMemberS); binding != "list" || at == nil || at.Value != "p" {
			t.Fatalf("%q starts %q at %v", cursor, binding, start)
		}
	})
}

func TestACursorGoesOnWithItsQueryAlone(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	for _, sk := range []string{"a1", "a2", "a3"} {
		if err := r.Table.Transact(t.Context(), table.Write{Key: table.Key{PK: "p", SK: sk}, Put: map[string]string{"kind": "x"}}); err != nil {
			t.Fatal(err)
		}
	}
	one := page.Request{Limit: 1}
	read := func(asked page.Request, change func(*table.Query)) ([]table.Key, string, error) {
		q := table.Query{PK: "p", Prefix: "a", Filter: "#kind = :x", Values: table.V{"x": "x"}}
		change(&q)
		return page.Read[table.Key](t.Context(), r.Env, asked, q)
	}
	rows, next, err := read(one, func(*table.Query) {})
	if err != nil || len(rows) != 1 || rows[0].SK != "a1" || next == "" {
		t.Fatalf("%v, %q, %v", rows, next, err)
	}
	rest := page.Request{Cursor: field.Cursor(next)}
	if rows, next, err := read(rest, func(*table.Query) {}); err != nil || len(rows) != 2 || rows[0].SK != "a2" || next != "" {
		t.Errorf("%v, %q, %v", rows, next, err)
	}
	for name, change := range map[string]func(*table.Query){
		"index":     func(q *table.Query) { q.Index = table.ListIndex },
		"partition": func(q *table.Query) { q.PK = "q" },
		"prefix":    func(q *table.Query) { q.Prefix = "" },
		"range":     func(q *table.Query) { q.Prefix, q.From, q.To = "", "a", "b" },
		"filter":    func(q *table.Query) { q.Filter = "#kind <> :x" },
		"values":    func(q *table.Query) { q.Values = table.V{"x": "y"} },
	} {
		if rows, _, err := read(rest, change); err == nil {
			t.Errorf("another %s: goes on with %v", name, rows)
		}
	}
}
