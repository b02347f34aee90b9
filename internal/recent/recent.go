// Package recent keeps what a process read of late, so that it need not be read for
// every call.
package recent

import (
	"sync"
	"time"
)

// Values are by what they are of. It is safe for concurrent use; it needs no more than
// its two settings.
type Values[ID comparable, T any] struct {
	// TTL is how long a value is fresh, and Most how many are kept: that bounds the memory
	// of a process that serves many organizations.
	TTL  time.Duration
	Most int

	mu   sync.Mutex
	kept map[ID]dated[T]
}

type dated[T any] struct {
	value  T
	readAt time.Time
}

// Get returns what was read last, and whether it is fresh.
func (v *Values[ID, T]) Get(of ID, now time.Time) (last T, fresh bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	kept, ok := v.kept[of]
	age := now.Sub(kept.readAt) // negative where a test or a demo turned the clock back
	return kept.value, ok && age >= 0 && age < v.TTL
}

// Forget makes the next Get read anew.
func (v *Values[ID, T]) Forget(of ID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.kept, of)
}

// Put keeps what was read at a time.
func (v *Values[ID, T]) Put(of ID, value T, readAt time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.kept == nil || len(v.kept) >= v.Most {
		v.kept = map[ID]dated[T]{}
	}
	v.kept[of] = dated[T]{value, readAt}
}
