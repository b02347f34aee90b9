package invitation

import (
	"context"
	"sync"
	"time"

	"roster/internal/throttle"
)

// Limits on what an address is mailed because of invitations, by all
// organizations together: anyone can found another, and a shown link serves
// whoever has it.
var (
	mails  = throttle.Limit{Name: "invitation-mail", Times: 10, Per: 24 * time.Hour}
	proofs = throttle.Limit{Name: "invitation-proof", Times: 3, Per: 24 * time.Hour}
)

// countMail returns what counts one mail to an address, however often a
// transaction is decided anew.
func (s Service) countMail(ctx context.Context, addressHash string) func() error {
	return sync.OnceValue(func() error { return mails.Take(ctx, s.Env, addressHash) })
}
