package member_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
)

func TestLongNumbersOfMetadataStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	bob := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	for _, step := range []struct{ patch, want string }{
		{`{"payroll":12345678901234567891,"site":{"floor":1.10}}`, `{"payroll":12345678901234567891,"site":{"floor":1.10}}`},
		{`{"site":{"desk":1e308},"list":[{"b":0.10,"a":-0}]}`,
			`{"list":[{"a":-0,"b":0.10}],"payroll":12345678901234567891,"site":{"desk":1e308,"floor":1.10}}`},
		{`{"payroll":null,"list":null,"site":{"desk":null}}`, `{"site":{"floor":1.10}}`},
	} {
		for _, request := range []string{"PUT " + path(bob), "GET " + path(bob), "GET " + members(bob)} {
			var body any
			if strings.HasPrefix(request, "PUT") {
				body = `{"metadata":` + step.patch + `}`
			}
			if got := r.Must(t, 200, request, owner.Secret, body); !strings.Contains(string(got.Raw), `"metadata":`+step.want) {
				t.Errorf("%s: want metadata %s in %s", request, step.want, got.Raw)
			}
		}
	}
	for _, number := range []string{"1e400", "-1e400", strings.Repeat("9", 400)} {
		r.Refused(t, 422, "invalid_input", "PUT "+path(bob), owner.Secret, `{"metadata":{"a":[`+number+`]}}`)
	}
	audited := false
	for key, item := range r.DumpItems(t) {
		if key.PK == table.AuditEvent(owner.Organization, "2026-11", "").PK {
			after := item["after"].(string)
			audited = audited || strings.Contains(after, "12345678901234567891")
		}
	}
	if !audited {
		t.Error("the audit log lost the number")
	}
}

func TestMetadataIsMergedAsRFC7396SaysAndBounded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ target, patch, want string }{
		{``, ``, ``},
		{``, `{}`, ``},
		{`{"a":"b"}`, ``, `{"a":"b"}`},
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, ``},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":false}`, `{"a":1}`, `{"a":1,"e":false}`},
		{``, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{``, `{"a":[null]}`, `{"a":[null]}`},
		{``, `{"b" : [ {"y":1, "x":2} ], "a":"\u00e9"}`, `{"a":"é","b":[{"x":2,"y":1}]}`},
	} {
		got, err := member.Metadata(tt.target).Merge(member.MetadataPatch(tt.patch))
		if err != nil || string(got) != tt.want {
			t.Errorf("%s merged with %s is %s, %v, want %s", tt.target, tt.patch, got, err, tt.want)
		}
	}
	full := member.Metadata(`{"a":"` + strings.Repeat("x", member.MetadataBytes-8) + `"}`)
	if same, err := full.Merge(member.MetadataPatch(`{}`)); err != nil || same != full {
		t.Errorf("%d bytes are refused: %v", len(full), err)
	}
	if _, err := full.Merge(member.MetadataPatch(`{"b":1}`)); err == nil {
		t.Errorf("more than %d bytes are taken", member.MetadataBytes)
	}
}

// A patch from one state to another, made as RFC 7396 has it, leads there.
func TestMetadataMergesToWhatWasMeant(t *testing.T) {
	t.Parallel()
	names := rapid.SampledFrom([]string{"a", "b", "c"})
	leaf := rapid.SampledFrom([]any{"x", 1., true, []any{1.}})
	object := rapid.MapOfN(names, rapid.OneOf(leaf, rapid.Map(rapid.MapOf(names, leaf), func(m map[string]any) any { return m })), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		from, to := object.Draw(t, "from"), object.Draw(t, "to")
		got, err := member.Metadata(text(t, from)).Merge(member.MetadataPatch(text(t, patch(from, to))))
		if err != nil {
			t.Fatal(err)
		}
		want := text(t, to)
		if want == "{}" {
			want = ""
		}
		if string(got) != want {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}

// patch leads from one object to another.
func patch(from, to map[string]any) map[string]any {
	all := map[string]any{}
	for name := range from {
		if _, stays := to[name]; !stays {
			all[name] = nil
		}
	}
	for name, value := range to {
		inner, isObject := value.(map[string]any)
		before, wasObject := from[name].(map[string]any)
		switch {
		case isObject && wasObject:
			all[name] = patch(before, inner)
		case !reflect.DeepEqual(from[name], value):
			all[name] = value
		}
	}
	return all
}

func text(t *rapid.T, v any) string {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// FuzzMetadata: whatever a patch says, what comes of it is an object within its
// bounds, and the patch changes nothing when it is applied again.
func FuzzMetadata(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":null}`, `{"a":{"b":[1,2,{"c":null}]}}`, `{"a":1e400}`, `{"\u0000":"\ud83d\ude00"}`, `[]`, `""`, `{"a":12345678901234567891}`,
	} {
		f.Add(`{"a":{"x":1},"b":"y"}`, seed)
	}
	f.Fuzz(func(t *testing.T, before, change string) {
		var first, patch member.MetadataPatch
		if json.Unmarshal([]byte(before), &first) != nil || json.Unmarshal([]byte(change), &patch) != nil {
			return
		}
		m, err := member.Metadata("").Merge(first)
		if err != nil {
			return
		}
		merged, err := m.Merge(patch)
		if err != nil {
			return
		}
		if len(merged) > member.MetadataBytes {
			t.Fatalf("%d bytes", len(merged))
		}
		shown, err := json.Marshal(merged)
		if err != nil || len(shown) == 0 || shown[0] != '{' {
			t.Fatalf("%q is shown as %s (%v)", merged, shown, err)
		}
		if again, err := merged.Merge(patch); err != nil || again != merged {
			t.Fatalf("%q once more is %q (%v), not %q", patch, again, err, merged)
		}
	})
}
