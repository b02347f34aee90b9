package fault_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"roster/internal/fault"
)

func TestErrorsOfOneCodeAreEqual(t *testing.T) {
	t.Parallel()
	full := fault.New(fault.Conflict, "full", "There is no room.")
	for _, same := range []error{
		full.WithDetail("Other words."), full.WithRetryAfter(time.Second), full.With("member", 1), fmt.Errorf("wrapped: %w", full),
	} {
		if !errors.Is(same, full) {
			t.Errorf("%v is not %v", same, full)
		}
	}
	for _, other := range []error{fault.New(fault.Conflict, "empty", "There is no room."), errors.New("full"), nil} {
		if errors.Is(full, other) || errors.Is(other, full) {
			t.Errorf("%v is %v", full, other)
		}
	}
}

// Refusals are shared by all calls of a process.
func TestCopiesLeaveTheOriginalAlone(t *testing.T) {
	t.Parallel()
	original := fault.New(fault.Forbidden, "denied", "No.").With("permission", "a")
	changed := original.With("permission", "b").With("more", 1).WithDetail("Never.").WithRetryAfter(time.Hour)
	if original.Members["permission"] != "a" || len(original.Members) != 1 || original.Detail != "No." || original.RetryAfter != 0 {
		t.Errorf("%+v", original)
	}
	if changed.Members["permission"] != "b" || changed.Members["more"] != 1 || changed.Detail != "Never." || changed.RetryAfter != time.Hour {
		t.Errorf("%+v", changed)
	}
}

func TestInvalidNamesThePlace(t *testing.T) {
	t.Parallel()
	body, query := fault.InvalidField("/name", "is empty"), fault.InvalidParameter("limit", "is not a number")
	if body.Kind != fault.Invalid || len(body.Fields) != 1 || body.Fields[0] != (fault.Field{Pointer: "/name", Reason: "is empty"}) {
		t.Errorf("%+v", body)
	}
	if len(query.Fields) != 1 || query.Fields[0] != (fault.Field{Parameter: "limit", Reason: "is not a number"}) {
		t.Errorf("%+v", query)
	}
}
