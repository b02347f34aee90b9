package field_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"roster/internal/field"
)

type patch struct {
	Name  field.Optional[field.Name]     `json:"name,omitzero"`
	Days  field.Optional[int]            `json:"days,omitzero"`
	Names field.Optional[[]field.Name]   `json:"names,omitzero"`
	Inner field.Optional[map[string]any] `json:"inner,omitzero"`
}

func TestOptionalHasThreeStates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		body        string
		given, null bool
		value       field.Name
	}{
		{`{}`, false, false, ""},
		{`{"name":null}`, true, true, ""},
		{`{"name":""}`, true, false, ""},
		{`{"name":" Ada "}`, true, false, "Ada"},
	} {
		var p patch
		if err := json.Unmarshal([]byte(tt.body), &p); err != nil {
			t.Fatal(err)
		}
		want := field.Optional[field.Name]{Given: tt.given, Null: tt.null, Value: tt.value}
		if p.Name != want {
			t.Errorf("%s is read as %+v, want %+v", tt.body, p.Name, want)
		}
		name := field.Name("before")
		p.Name.Merge(&name)
		if tt.given && name != tt.value || !tt.given && name != "before" {
			t.Errorf("%s merges into %q", tt.body, name)
		}
	}
}

func TestOptionalRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var in patch
		switch rapid.IntRange(0, 2).Draw(t, "state") {
		case 1:
			in.Days = field.Optional[int]{Given: true, Null: true}
		case 2:
			in.Days = field.Of(rapid.Int().Draw(t, "days"))
		}
		b, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var out patch
		if err := json.Unmarshal(b, &out); err != nil {
			t.Fatal(err)
		}
		if out.Days != in.Days {
			t.Fatalf("%+v becomes %s becomes %+v", in.Days, b, out.Days)
		}
	})
}

func TestOptionalSaysWhereAValueIsWrong(t *testing.T) {
	t.Parallel()
	for body, place := range map[string]string{
		`{"name":"a\u202eb"}`:       "/name",
		`{"days":"x"}`:              "/days",
		`{"names":["a","b\u0000"]}`: "/names/1",
	} {
		var p patch
		err := json.Unmarshal([]byte(body), &p)
		if err == nil || !strings.Contains(err.Error(), `"`+place+`"`) {
			t.Errorf("%s: %v", body, err)
		}
	}
}
