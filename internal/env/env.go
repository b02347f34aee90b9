// Package env is what a function has at hand: the table, the keys, the clock and
// the deployment's settings. Package boot makes it in Lambda, infra/local on one
// machine, and tests as they need it.
package env

import (
	"context"
	"log/slog"
	"time"

	"roster/internal/envelope"
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
	// SetupToken returns the token that makes the first platform administrator;
	// empty, there is none.
	SetupToken func(context.Context) (string, error)
	Now        func() time.Time
	Log        *slog.Logger

	// PublicURL is where this deployment is reached, without a slash at the end:
	// links in mails begin with it, and it issues the access tokens.
	PublicURL string
	// OpenSignUp lets everyone create organizations; otherwise platform
	// administrators alone do.
	OpenSignUp bool
}
