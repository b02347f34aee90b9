package table_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"roster/internal/rostertest"
	"roster/internal/table"
)

type counter struct {
	Name  string `dynamodbav:"name"`
	Count int    `dynamodbav:"count"`
}

func key(n int) table.Key { return table.Key{PK: fmt.Sprintf("T#%03d", n), SK: "T"} }

func put(n int, v any) table.Write { return table.Write{Key: key(n), Put: v} }

func add(n int) table.Write {
	return table.Write{Key: key(n), Update: "ADD #count :one", Values: table.V{"one": 1}}
}

func write(t *testing.T, r *rostertest.Roster, writes ...table.Write) {
	t.Helper()
	if err := r.Table.Transact(t.Context(), writes...); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, r *rostertest.Roster, n int) *counter {
	t.Helper()
	var c *counter
	if err := r.Table.Get(t.Context(), table.Into(key(n), &c)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheFirstRefusedConditionDecides(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	write(t, r, put(1, counter{"one", 1}), put(2, counter{"two", 2}))
	errOne, errTwo := errors.New("one"), errors.New("two")
	absent := func(n int, err error) table.Write {
		return table.Write{Key: key(n), Put: counter{"new", 0}, If: table.Absent, Else: err}
	}
	for _, tt := range []struct {
		name   string
		writes []table.Write
		want   error
	}{
		{"the first of two", []table.Write{absent(1, errOne), absent(2, errTwo)}, errOne},
		{"in the order given", []table.Write{absent(2, errTwo), absent(1, errOne)}, errTwo},
		{"the only one", []table.Write{absent(3, errOne), absent(2, errTwo)}, errTwo},
		{"alone", []table.Write{absent(2, errTwo)}, errTwo},
		{"a check alone", []table.Write{{Key: key(3), If: table.Present, Else: errOne}}, errOne},
		{"a check among writes", []table.Write{put(3, counter{}), {Key: key(4), If: table.Present, Else: errOne}}, errOne},
		{"a delete", []table.Write{{Key: key(1), Delete: true, If: "#count > :n", Values: table.V{"n": 5}, Else: errOne}}, errOne},
	} {
		err := r.Table.Transact(t.Context(), tt.writes...)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		for n, want := range map[int]string{1: "one", 2: "two"} {
			if got := get(t, r, n); got == nil || got.Name != want {
				t.Errorf("%s: item %d is %+v", tt.name, n, got)
			}
		}
		if get(t, r, 3) != nil {
			t.Errorf("%s: a part of a refused transaction was made", tt.name)
		}
	}
}

func TestRefusedTellsEveryReason(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	write(t, r, put(1, counter{"one", 1}))
	errTaken, errMissing := errors.New("taken"), errors.New("missing")
	err := r.Table.Transact(t.Context(),
		table.Write{Key: key(1), Put: counter{}, If: table.Absent, Else: errTaken}, put(2, counter{}),
		table.Write{Key: key(3), If: table.Present, Else: errMissing})
	refused, ok := errors.AsType[*table.Refused](err)
	if !ok || len(refused.Reasons) != 3 || refused.Reasons[0] != errTaken || refused.Reasons[1] != nil || refused.Reasons[2] != errMissing {
		t.Fatalf("%#v", err)
	}
}

func TestElseFromSeesTheItemAsItWasFound(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	write(t, r, put(1, counter{"found", 7}))
	for _, also := range [][]table.Write{nil, {put(9, counter{})}} { // alone, and in a transaction
		for n, want := range map[int]string{1: "found 7", 2: "nothing"} {
			err := r.Table.Transact(t.Context(), append(also, table.Write{
				Key: key(n), Update: "ADD #count :one", If: "#count = :never", Values: table.V{"one": 1, "never": -1},
				ElseFrom: func(item table.Item) error {
					if item == nil {
						return errors.New("nothing")
					}
					c, err := table.Decode[counter](item)
					if err != nil {
						return err
					}
					return fmt.Errorf("%s %d", c.Name, c.Count)
				},
			})...)
			if err == nil || err.Error() != want {
				t.Errorf("item %d: %v, want %s", n, err, want)
			}
		}
	}
}

func TestARefusalWithoutAnElseNamesTheCondition(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	err := r.Table.Transact(t.Context(), table.Write{Key: key(1), Delete: true, If: table.Present})
	if err == nil || !strings.Contains(err.Error(), table.Present) || errors.Is(err, table.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

func TestNoWriteIsNoCall(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	ctx, capacity := table.WithCapacity(t.Context())
	if err := r.Table.Transact(ctx); err != nil || len(capacity.Calls()) != 0 {
		t.Errorf("%v, %+v", err, capacity.Calls())
	}
}

func TestWritesOfEachKind(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	for name, also := range map[string][]table.Write{"alone": nil, "in a transaction": {put(9, counter{})}} {
		write(t, r, append(also, put(1, counter{"one", 1}))...)
		write(t, r, append(also, add(1))...)
		if got := get(t, r, 1); got == nil || *got != (counter{"one", 2}) {
			t.Errorf("%s: %+v", name, got)
		}
		write(t, r, append(also, put(1, counter{"whole", 0}))...)
		if got := get(t, r, 1); got == nil || *got != (counter{"whole", 0}) {
			t.Errorf("%s: a Put is not the whole item: %+v", name, got)
		}
		write(t, r, append(also, table.Write{Key: key(1), Delete: true})...)
		write(t, r, append(also, table.Write{Key: key(1), Delete: true})...)
		if got := get(t, r, 1); got != nil {
			t.Errorf("%s: %+v is deleted", name, got)
		}
	}
}

// Reserved words of DynamoDB ("name", "count", "status", "user", "ttl") are
// attributes like any other.
func TestNamesMayBeReservedWords(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	write(t, r, table.Write{
		Key: key(1), Update: "SET #name = :name, #status = :s, #user = :s, #ttl = :n, #other = :n REMOVE #size ADD #count :n",
		If: "attribute_not_exists(#count)", Values: table.V{"name": "a", "s": "b", "n": 1},
		Names: map[string]string{"other": "dotted.name"},
	})
	var got *struct {
		counter
		Status string `dynamodbav:"status"`
		Dotted int    `dynamodbav:"dotted.name"`
	}
	if err := r.Table.Get(t.Context(), table.Into(key(1), &got)); err != nil {
		t.Fatal(err)
	}
	if got.Name != "a" || got.Count != 1 || got.Status != "b" || got.Dotted != 1 {
		t.Errorf("%+v", got)
	}
}

func TestAnEncodingErrorIsNotUnavailability(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	unencodable := map[[2]int]int{{}: 1}
	for name, writes := range map[string][]table.Write{
		"alone":            {{Key: key(1), Update: "SET #a = :a", Values: table.V{"a": unencodable}}},
		"in a transaction": {put(2, counter{}), {Key: key(1), Update: "SET #a = :a", Values: table.V{"a": unencodable}}},
		"malformed update": {{Key: key(1), Update: "SET SET", Values: table.V{"a": 1}}},
		"empty key":        {{Key: table.Key{}, Put: counter{}}},
	} {
		err := r.Table.Transact(t.Context(), writes...)
		if err == nil || errors.Is(err, table.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConflictsAreRetried(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func() (*http.Response, error){
		"conflict":   func() (*http.Response, error) { return rostertest.Cancelled("None", "TransactionConflict"), nil },
		"throttling": func() (*http.Response, error) { return rostertest.Cancelled("ThrottlingError", "None"), nil },
		"no room": func() (*http.Response, error) {
			return rostertest.Cancelled("ProvisionedThroughputExceeded", "TransactionConflict"), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, calls := faulty(t, "TransactWriteItems", first(2, f))
			write(t, r, add(1), add(2))
			if n := calls.Load(); n != 3 {
				t.Errorf("%d calls", n)
			}
			for n := 1; n <= 2; n++ {
				if got := get(t, r, n); got == nil || got.Count != 1 {
					t.Errorf("item %d: %+v", n, got)
				}
			}
		})
	}
	t.Run("single write", func(t *testing.T) {
		t.Parallel()
		r, calls := faulty(t, "UpdateItem", first(2, func() (*http.Response, error) { return rostertest.Exception("TransactionConflictException", ""), nil }))
		write(t, r, add(1))
		if got := get(t, r, 1); got.Count != 1 || calls.Load() != 3 {
			t.Errorf("%+v after %d calls", got, calls.Load())
		}
	})
}

func TestARefusalOutweighsAConflict(t *testing.T) {
	t.Parallel()
	r, calls := faulty(t, "TransactWriteItems", first(9, func() (*http.Response, error) {
		return rostertest.Cancelled("TransactionConflict", "ConditionalCheckFailed"), nil
	}))
	errTaken := errors.New("taken")
	err := r.Table.Transact(t.Context(), add(1), table.Write{Key: key(2), Delete: true, Else: errTaken})
	if !errors.Is(err, errTaken) || calls.Load() != 1 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}

func TestForeverConflictingIsUnavailable(t *testing.T) {
	t.Parallel()
	r, _ := faulty(t, "TransactWriteItems", first(1000, func() (*http.Response, error) {
		return rostertest.Cancelled("TransactionConflict", "None"), nil
	}))
	err := r.Table.Transact(t.Context(), add(1), add(2))
	if !errors.Is(err, table.ErrUnavailable) || get(t, r, 1) != nil {
		t.Errorf("%v", err)
	}
}

func TestForeverThrottledIsUnavailable(t *testing.T) {
	t.Parallel()
	for operation, call := range map[string]func(*rostertest.Roster) error{
		"UpdateItem":         func(r *rostertest.Roster) error { return r.Table.Transact(t.Context(), add(1)) },
		"TransactWriteItems": func(r *rostertest.Roster) error { return r.Table.Transact(t.Context(), add(1), add(2)) },
		"GetItem": func(r *rostertest.Roster) error {
			var c *counter
			return r.Table.Get(t.Context(), table.Into(key(1), &c))
		},
		"Query": func(r *rostertest.Roster) error {
			_, err := r.Table.Query(t.Context(), table.Query{PK: "x"})
			return err
		},
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			r, _ := faulty(t, operation, first(1000, func() (*http.Response, error) { return rostertest.Exception("ThrottlingException", ""), nil }))
			if err := call(r); !errors.Is(err, table.ErrUnavailable) || !strings.Contains(err.Error(), operation) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestWhatDynamoDBRefusesForGoodIsNotUnavailability(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"AccessDeniedException", "ResourceNotFoundException", "ValidationException", "UnrecognizedClientException"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, calls := faulty(t, "UpdateItem", first(1000, func() (*http.Response, error) { return rostertest.Exception(name, ""), nil }))
			err := r.Table.Transact(t.Context(), add(1))
			if err == nil || errors.Is(err, table.ErrUnavailable) || calls.Load() != 1 {
				t.Errorf("%v after %d calls", err, calls.Load())
			}
		})
	}
}

func TestAnItemTooLargeIsARefusal(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	errTaken := errors.New("taken")
	grow := table.Write{Key: key(1), Update: "SET #more = :more", Values: table.V{"more": strings.Repeat("x", 200_000)}}
	write(t, r, table.Write{Key: key(1), Update: "SET #half = :half", Values: table.V{"half": strings.Repeat("x", 300_000)}})
	write(t, r, put(2, counter{"there", 1}))
	if err := r.Table.Transact(t.Context(), grow); !errors.Is(err, table.ErrTooLarge) {
		t.Errorf("alone: %v", err)
	}
	err := r.Table.Transact(t.Context(), add(3), grow, table.Write{Key: key(2), Put: counter{"mine", 1}, If: table.Absent, Else: errTaken})
	refused, ok := errors.AsType[*table.Refused](err)
	if !ok {
		t.Fatal(err)
	}
	if r := refused.Reasons; r[0] != nil || !errors.Is(r[1], table.ErrTooLarge) || !errors.Is(r[2], errTaken) {
		t.Errorf("%v", refused.Reasons)
	}
	if get(t, r, 3) != nil {
		t.Error("a refused transaction wrote")
	}
}

func TestALostAnswerIsNoSecondWrite(t *testing.T) {
	t.Parallel()
	errTaken := errors.New("taken")
	claim := table.Write{Key: key(2), Put: counter{"claim", 1}, If: table.Absent, Else: errTaken}
	t.Run("transaction", func(t *testing.T) {
		t.Parallel()
		r, calls := faulty(t, "TransactWriteItems", lost)
		write(t, r, add(1), claim)
		if got := get(t, r, 1); got.Count != 1 || calls.Load() != 2 {
			t.Errorf("%+v after %d calls", got, calls.Load())
		}
	})
	t.Run("transaction still under way when it is repeated", func(t *testing.T) {
		t.Parallel()
		r, calls := faulty(t, "TransactWriteItems", func(n int64, next func() (*http.Response, error)) (*http.Response, error) {
			if n == 1 {
				return lost(n, next)
			}
			if n < 5 { // more often than the SDK repeats by itself
				return rostertest.Exception("TransactionInProgressException", ""), nil
			}
			return next()
		})
		write(t, r, add(1), claim)
		if got := get(t, r, 1); got.Count != 1 || calls.Load() != 5 {
			t.Errorf("%+v after %d calls", got, calls.Load())
		}
	})
	t.Run("single Put", func(t *testing.T) {
		t.Parallel()
		r, calls := faulty(t, "PutItem", lost)
		write(t, r, claim)
		if calls.Load() != 2 {
			t.Errorf("%d calls", calls.Load())
		}
		other := claim
		other.Put = counter{"other", 1}
		if err := r.Table.Transact(t.Context(), other); !errors.Is(err, errTaken) {
			t.Errorf("another's claim: %v", err)
		}
	})
	t.Run("single conditional Update", func(t *testing.T) {
		t.Parallel()
		r, _ := faulty(t, "UpdateItem", lost)
		write(t, r, put(1, counter{"x", 0}))
		err := table.Retry(t.Context(), func() error {
			c := get(t, r, 1)
			if c.Count == 1 {
				return nil // it was made
			}
			return r.Table.Transact(t.Context(), table.Write{
				Key: key(1), Update: "SET #count = :next", If: "#count = :read",
				Values: table.V{"next": c.Count + 1, "read": c.Count}, Else: table.ErrChanged,
			})
		})
		if got := get(t, r, 1); err != nil || got.Count != 1 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestACancelledCallIsNotUnavailability(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, writes := range map[string][]table.Write{"alone": {add(1)}, "in a transaction": {add(1), add(2)}} {
		if err := r.Table.Transact(ctx, writes...); !errors.Is(err, context.Canceled) || errors.Is(err, table.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	other := errors.New("other")
	for _, tt := range []struct {
		name   string
		errors []error
		want   error
		times  int
	}{
		{"at once", []error{nil}, nil, 1},
		{"another error", []error{other}, other, 1},
		{"after changes", []error{table.ErrChanged, fmt.Errorf("wrapped: %w", table.ErrChanged), nil}, nil, 3},
		{"then another error", []error{table.ErrChanged, other}, other, 2},
	} {
		times := 0
		err := table.Retry(t.Context(), func() error {
			times++
			return tt.errors[times-1]
		})
		if err != tt.want || times != tt.times {
			t.Errorf("%s: %v after %d, want %v after %d", tt.name, err, times, tt.want, tt.times)
		}
	}
	if err := table.Retry(t.Context(), func() error { return table.ErrChanged }); !errors.Is(err, table.ErrUnavailable) {
		t.Errorf("for ever: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := table.Retry(ctx, func() error { cancel(); return table.ErrChanged })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestConcurrentClaimsHaveOneWinner(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	errTaken := errors.New("taken")
	for name, also := range map[string][]table.Write{"alone": nil, "in a transaction": {add(5)}} {
		n := 10 + len(also)
		var (
			wg   sync.WaitGroup
			errs [10]error
		)
		for i := range errs {
			wg.Go(func() {
				errs[i] = r.Table.Transact(t.Context(), append(also[:len(also):len(also)], table.Write{
					Key: key(n), Put: counter{fmt.Sprint("claimant ", i), i}, If: table.Absent, Else: errTaken,
				})...)
			})
		}
		wg.Wait()
		winners := 0
		for i, err := range errs {
			if err == nil {
				winners++
				if got := get(t, r, n); got.Count != i {
					t.Errorf("%s: %d won, %+v is there", name, i, got)
				}
			} else if !errors.Is(err, errTaken) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if winners != 1 {
			t.Errorf("%s: %d winners", name, winners)
		}
	}
	if got := get(t, r, 5); got == nil || got.Count != 1 {
		t.Errorf("the refused wrote too: %+v", got)
	}
}
