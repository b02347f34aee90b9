package access

import (
	"sync"
	"time"

	"roster/internal/id"
)

// GateTTL is how long a process goes on with what it read of an organization.
const GateTTL = 2 * time.Second

// gate is what an organization decides about all of its members. The zero gate
// is closed.
type gate struct {
	view     organizationView
	location *time.Location
	readAt   time.Time
}

// gates keeps those that were read of late.
type gates struct {
	mu   sync.Mutex
	kept map[id.Organization]gate
}

// gatesKept bounds the memory of a process that serves many organizations.
const gatesKept = 10_000

func (g *gates) get(org id.Organization, now time.Time) (gate, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	kept, ok := g.kept[org]
	age := now.Sub(kept.readAt) // negative where a test or a demo turned the clock back
	if !ok || age < 0 || age >= GateTTL {
		return gate{location: time.UTC}, false
	}
	return kept, true
}

func (g *gates) put(org id.Organization, view organizationView, readAt time.Time) gate {
	read := gate{view: view, location: view.TimeZone.Location(), readAt: readAt}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.kept) >= gatesKept {
		clear(g.kept)
	}
	g.kept[org] = read
	return read
}
