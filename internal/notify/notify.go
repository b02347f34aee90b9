// Package notify sends the mails of the outbox: at once, when the table's stream
// shows a new one, and each minute those that are left over.
package notify

import (
	"time"

	"roster/internal/env"
	"roster/internal/mailer"
)

// Service sends mails.
type Service struct {
	*env.Env
	Mail *mailer.Sender
}

const (
	// lease is how long a claimed mail is its sender's alone. It outlasts sendTime,
	// so that a mail is not tried again while SES is still being asked.
	lease    = time.Minute
	sendTime = 20 * time.Second
	// reserve is what a function keeps of its time to write down how a try ended.
	reserve = 3 * time.Second

	firstRetry = time.Minute
	lastRetry  = time.Hour
	// giveUp is the age at which a mail that still fails is dropped (RFC 5321,
	// section 4.5.4.1, has senders try for four to five days).
	giveUp = 5 * 24 * time.Hour
)

// retryAfter is how long to wait after that many failed attempts.
func retryAfter(attempts int) time.Duration {
	wait := firstRetry
	for range attempts - 1 {
		if wait *= 2; wait >= lastRetry {
			return lastRetry
		}
	}
	return wait
}
