package access

import (
	"sync"
	"time"
)

// GateTTL is how long a process goes on with what it read of an organization, or
// of a person's connections.
const GateTTL = 2 * time.Second

// gate is what an organization decides about all of its members. The zero gate
// is closed.
type gate struct {
	view     organizationView
	location *time.Location
}

// recent keeps what was read of late.
type recent[ID comparable, T any] struct {
	mu   sync.Mutex
	kept map[ID]dated[T]
}

type dated[T any] struct {
	value  T
	readAt time.Time
}

// mostKept bounds the memory of a process that serves many organizations.
const mostKept = 10_000

func (r *recent[ID, T]) get(of ID, now time.Time) (T, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept, ok := r.kept[of]
	age := now.Sub(kept.readAt) // negative where a test or a demo turned the clock back
	if !ok || age < 0 || age >= GateTTL {
		var none T
		return none, false
	}
	return kept.value, true
}

func (r *recent[ID, T]) put(of ID, value T, readAt time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept == nil || len(r.kept) >= mostKept {
		r.kept = map[ID]dated[T]{}
	}
	r.kept[of] = dated[T]{value, readAt}
}
