package table_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"roster/internal/rostertest"
)

// fault decides what becomes of the nth call (from 1) of an operation; next
// makes it.
type fault func(n int64, next func() (*http.Response, error)) (*http.Response, error)

// faulty is a deployment on whose calls of one operation the fault acts. The
// counter tells how many calls there were.
func faulty(t *testing.T, operation string, f fault) (*rostertest.Roster, *atomic.Int64) {
	t.Helper()
	calls := new(atomic.Int64)
	r := rostertest.NewWith(t, func(next http.RoundTripper) http.RoundTripper {
		return rostertest.RoundTrip(func(r *http.Request) (*http.Response, error) {
			if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+operation) {
				return next.RoundTrip(r)
			}
			return f(calls.Add(1), func() (*http.Response, error) { return next.RoundTrip(r) })
		})
	})
	return r, calls
}

var errCut = errors.New("connection cut")

// first injects a fault into the first n calls.
func first(n int64, f func() (*http.Response, error)) fault {
	return func(call int64, next func() (*http.Response, error)) (*http.Response, error) {
		if call <= n {
			return f()
		}
		return next()
	}
}

// lost makes the first call, and loses its answer.
func lost(call int64, next func() (*http.Response, error)) (*http.Response, error) {
	response, err := next()
	if call > 1 || err != nil {
		return response, err
	}
	response.Body.Close()
	return nil, &netError{errCut}
}

// netError is one that the SDK takes for a broken connection.
type netError struct{ error }

func (*netError) Timeout() bool   { return false }
func (*netError) Temporary() bool { return true }
