// Package env is what a function has at hand: the table, the keys, the clock and
// the deployment's settings. Package boot makes it in Lambda, infra/local on one
// machine, and tests as they need it.
package env

import (
	"context"
	"log/slog"
	"time"

	"roster/internal/envelope"
	"roster/internal/file"
	"roster/internal/secret"
	"roster/internal/table"
)

// Env is shared by all calls of a process.
type Env struct {
	Table *table.Table
	// Keys returns the deployment's keys; they are fetched when first needed.
	Keys func(context.Context) (*secret.Keys, error)
	// Sealer encrypts credentials; nil in functions that have none to encrypt.
	Sealer *envelope.Sealer
	// Files keeps files; nil in functions that have none.
	Files file.Store
	// SetupToken returns the token that makes the first platform administrator;
	// empty, there is none.
	SetupToken func(context.Context) (string, error)
	Now        func() time.Time
	// Sleep lets a time pass, or fails when the context ends.
	Sleep func(context.Context, time.Duration) error
	Log   *slog.Logger

	// PublicURL is where this deployment is reached, without a slash at the end:
	// links in mails begin with it, and it issues the access tokens.
	PublicURL string
	// OpenSignUp lets everyone create organizations; otherwise platform
	// administrators alone do.
	OpenSignUp bool
}

// Sleep is the Env.Sleep of a process on the real clock.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// InTime is ctx that ends so much before its deadline, where it has one: what is left is
// for the calls that are under way by then.
func InTime(ctx context.Context, reserve time.Duration) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, deadline.Add(-reserve))
	}
	return context.WithCancel(ctx)
}
