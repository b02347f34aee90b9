package job

import "time"

// Keeping is the runner that renews a lease so often.
func (r Runner) Keeping(every time.Duration) Runner {
	r.keepEvery = every
	return r
}
