package access

import "time"

// GateTTL is how long a process goes on with what it read of an organization, or
// of a person's connections.
const GateTTL = 2 * time.Second

// gate is what an organization decides about all of its members. The zero gate
// is closed.
type gate struct {
	view     organizationView
	location *time.Location
}

// mostKept bounds the memory of a process that serves many organizations.
const mostKept = 10_000
