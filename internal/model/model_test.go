package model_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"roster/internal/model"
)

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"openai/gpt-5", "openai/gpt-5", true},
		{"openai/gpt-5", "openai/gpt-5-mini", false},
		{"openai/gpt-5", "gpt-5", false},
		{"openai/gpt-5", "OpenAI/gpt-5", false},
		{"openai/*", "openai/gpt-5", true},
		{"openai/*", "openai/", true},
		{"openai/*", "openai", false},
		{"openai/*", "openai-eu/gpt-5", false},
		{"openai/*", "x/openai/gpt-5", false},
		{"openai/gpt-5*", "openai/gpt-5-mini", true},
		{"*", "anything", true},
		{"*", "", true},
	} {
		if got := model.Pattern(c.pattern).Matches(c.name); got != c.want {
			t.Errorf("%s matches %s: %t", c.pattern, c.name, got)
		}
	}
}

func TestWhatAPatternMayBe(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"openai/gpt-5": true, "openai/*": true, "*": true, "gpt-5": true, " openai/* ": true,
		"": false, " ": false, "open*ai": false, "*/gpt-5": false, "openai/**": false, "openai/\n*": false,
		strings.Repeat("a", model.NameBytes): true, strings.Repeat("a", model.NameBytes+1): false,
		strings.Repeat("é", model.NameBytes/2+1): false, "a\u202eb": false,
	} {
		var p model.Pattern
		if err := p.UnmarshalText([]byte(text)); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestWhatAListMayBe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		list model.List
		ok   bool
	}{
		"none":     {nil, true},
		"empty":    {model.List{}, false},
		"one":      {model.List{"openai/*"}, true},
		"50":       {slices.Repeat(model.List{"openai/*"}, 50), true},
		"51":       {slices.Repeat(model.List{"openai/*"}, 51), false},
		"1 KB":     {slices.Repeat(model.List{model.Pattern(strings.Repeat("a", 128))}, 8), true},
		"too long": {append(slices.Repeat(model.List{model.Pattern(strings.Repeat("a", 128))}, 8), "b"), false},
	} {
		if got := c.list.Fault(); (got == "") != c.ok {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// patterns and names are of few letters, so that they meet.
var (
	names    = rapid.StringMatching(`[ab]{0,2}(/[ab]{0,3})?`)
	patterns = rapid.Custom(func(t *rapid.T) model.Pattern {
		star := rapid.SampledFrom([]string{"", "*"}).Draw(t, "star")
		return model.Pattern(names.Filter(func(s string) bool { return s+star != "" }).Draw(t, "pattern") + star)
	})
	lists = rapid.Custom(func(t *rapid.T) model.List {
		if rapid.IntRange(0, 5).Draw(t, "none") == 0 {
			return nil
		}
		return rapid.SliceOfN(patterns, 0, 5).Draw(t, "list")
	})
)

func TestListsCombineAsSetsDo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := lists.Draw(t, "a"), lists.Draw(t, "b"), lists.Draw(t, "c")
		for range 20 {
			name := names.Draw(t, "name")
			if got, want := a.And(b).Allows(name), a.Allows(name) && b.Allows(name); got != want {
				t.Fatalf("%v and %v is %v: %q %t, want %t", a, b, a.And(b), name, got, want)
			}
			if got, want := a.And(b).And(c).Allows(name), a.And(b.And(c)).Allows(name); got != want {
				t.Fatalf("the order counts for %q: %v", name, []model.List{a, b, c})
			}
			if a != nil && b != nil && a.Or(b).Allows(name) != (a.Allows(name) || b.Allows(name)) {
				t.Fatalf("%v or %v is %v, for %q", a, b, a.Or(b), name)
			}
			if clean := a.Clean(); clean.Allows(name) != a.Allows(name) || len(clean) > len(a) || (clean == nil) != (a == nil) {
				t.Fatalf("%v is %v, cleaned", a, clean)
			}
		}
		if got := a.And(b); a != nil && b != nil && len(got) > len(a)+len(b) {
			t.Fatalf("%v and %v grow to %v", a, b, got)
		}
	})
}

func FuzzPattern(f *testing.F) {
	for _, seed := range []string{"openai/*", "openai/gpt-5", "*", "a*b", " x ", "\xff"} {
		f.Add(seed, "openai/gpt-5")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		var p model.Pattern
		if p.UnmarshalText([]byte(text)) != nil {
			return
		}
		prefix, wild := strings.CutSuffix(string(p), "*")
		if want := name == string(p) || wild && strings.HasPrefix(name, prefix); p.Matches(name) != want && !(wild && name == string(p)) {
			t.Errorf("%q matches %q: %t", p, name, !want)
		}
		if !p.Matches(prefix) {
			t.Errorf("%q does not match %q", p, prefix)
		}
	})
}
