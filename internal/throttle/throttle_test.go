package throttle_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"roster/internal/fault"
	"roster/internal/rostertest"
	"roster/internal/table"
	"roster/internal/throttle"
)

func TestAWindowAdmitsItsNumber(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	limit := throttle.Limit{Name: "test", Times: 3, Per: 15 * time.Minute}
	take := func(want bool) {
		t.Helper()
		err := limit.Take(t.Context(), r.Env, "192.0.2.1")
		if (err == nil) != want || err != nil && !errors.Is(err, throttle.ErrTooMany) {
			t.Errorf("at %s: %v", r.Now().Format(time.TimeOnly), err)
		}
	}
	r.Advance(14 * time.Minute) // 10:14, in the window of 10:00
	for range 3 {
		take(true)
	}
	take(false)
	r.Advance(time.Minute - 1)
	take(false)
	r.Advance(1) // 10:15:00
	for range 3 {
		take(true)
	}
	take(false)
}

func TestARefusalSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	limit := throttle.Limit{Name: "test", Times: 1, Per: time.Hour}
	r.Advance(20 * time.Minute)
	if err := limit.Take(t.Context(), r.Env, "x"); err != nil {
		t.Fatal(err)
	}
	refusal, ok := errors.AsType[*fault.Error](limit.Take(t.Context(), r.Env, "x"))
	if !ok || refusal.RetryAfter != 40*time.Minute || refusal.Kind != fault.TooMany {
		t.Errorf("%+v", refusal)
	}
	if throttle.ErrTooMany.RetryAfter != 0 {
		t.Error("the shared error was changed")
	}
}

func TestSubjectsAndLimitsAreSeparate(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	for _, limit := range []throttle.Limit{{Name: "a", Times: 1, Per: time.Hour}, {Name: "b", Times: 1, Per: time.Hour}} {
		for _, subject := range []string{"x", "y", ""} {
			if err := limit.Take(t.Context(), r.Env, subject); err != nil {
				t.Errorf("%s, %q: %v", limit.Name, subject, err)
			}
		}
	}
}

func TestManyAtOnceAreCountedExactly(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	limit := throttle.Limit{Name: "test", Times: 10, Per: time.Hour}
	ctx, capacity := table.WithCapacity(t.Context())
	var (
		wg       sync.WaitGroup
		admitted atomic.Int64
	)
	for range 40 {
		wg.Go(func() {
			switch err := limit.Take(ctx, r.Env, "x"); {
			case err == nil:
				admitted.Add(1)
			case !errors.Is(err, throttle.ErrTooMany):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := admitted.Load(); n != 10 {
		t.Errorf("%d of 10 admitted", n)
	}
	if read, written := capacity.Units(); read != 0 || written != 10 {
		t.Errorf("%v read and %v write units for 10 attempts", read, written)
	}
}

func TestWhatIsReturnedMayBeTakenAgain(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	limit := throttle.Limit{Name: "test", Times: 2, Per: time.Minute}
	for range 5 {
		for range 2 {
			if err := limit.Take(t.Context(), r.Env, "ada"); err != nil {
				t.Fatal(err)
			}
		}
		if err := limit.Take(t.Context(), r.Env, "ada"); !errors.Is(err, throttle.ErrTooMany) {
			t.Errorf("above the limit: %v", err)
		}
		for range 3 { // one more than was taken
			if err := limit.Return(t.Context(), r.Env, "ada"); err != nil {
				t.Fatal(err)
			}
		}
	}
}
