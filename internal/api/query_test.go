package api

import (
	"testing"
	"time"

	"roster/internal/calendar"
	"roster/internal/field"
)

type asked struct {
	Name  field.Label   `query:"name" json:"-"`
	Start calendar.Date `query:"start_date" json:"-"`
	Count int           `query:"count" json:"-"`
	Test  bool          `query:"test" json:"-"`
	inner bool
}

func TestAQueryIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	for _, in := range []asked{{}, {Name: "a&b=c ü", Start: calendar.DateOf(2026, time.November, 3), Count: -7, Test: true}} {
		query := Query(in)
		got, err := ReadQuery[asked](query)
		if err != nil || got != in {
			t.Errorf("%+v as %q is %+v, %v", in, query, got, err)
		}
	}
	if query := Query(asked{inner: true}); query != "" {
		t.Errorf("%q", query)
	}
	if _, err := ReadQuery[asked]("count=x"); err == nil {
		t.Error("a query that was not written is read")
	}
}
