package rostertest

import (
	"errors"
	"net/http"
	"sync"
)

// Fuse is a transport for NewWith that ends every call from the n-th after it was set
// on, which it lets through first if it is to.
type Fuse struct {
	Next http.RoundTripper

	mu      sync.Mutex
	at      int // 0: whole
	calls   int
	through bool
}

var errCut = errors.New("connection reset by peer")

// Set lets the fuse blow at a call.
func (f *Fuse) Set(at int, through bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, f.calls, f.through = at, 0, through
}

// Mend lets all through, and reports whether the fuse had blown.
func (f *Fuse) Mend() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	blown := f.at > 0 && f.calls >= f.at
	f.at = 0
	return blown
}

func (f *Fuse) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	f.calls++
	cut, last := f.at > 0 && f.calls >= f.at, f.calls == f.at && f.through
	f.mu.Unlock()
	switch {
	case !cut:
		return f.Next.RoundTrip(r)
	case last:
		if answer, err := f.Next.RoundTrip(r); err == nil {
			answer.Body.Close()
		}
	}
	return nil, errCut
}
