// Package throttle bounds how often something is done within a window of time.
package throttle

import (
	"context"
	"strconv"
	"time"

	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/table"
)

// ErrTooMany refuses what was done too often.
var ErrTooMany = fault.New(fault.TooMany, "too_many_requests", "Too many requests. Please try again later.")

// Limit admits Times within each window of length Per.
type Limit struct {
	// Name distinguishes limits; it is part of a stored key.
	Name  string
	Times int
	Per   time.Duration
}

// Take counts one attempt by a subject (an IP address, an id; nothing that must
// not be stored) and refuses the one above the limit. One write unit.
func (l Limit) Take(ctx context.Context, e *env.Env, subject string) error {
	now := e.Now()
	window := now.Truncate(l.Per)
	end := window.Add(l.Per)
	return e.Table.Transact(ctx, table.Write{
		Key:    table.Throttle(l.Name+"#"+subject, strconv.FormatInt(window.Unix(), 10)),
		Update: "ADD #count :one SET #ttl = :ttl",
		If:     "attribute_not_exists(#count) OR #count < :times",
		Values: table.V{"one": 1, "times": l.Times, "ttl": end.Add(time.Hour).Unix()},
		Else:   ErrTooMany.WithRetryAfter(end.Sub(now)),
	})
}
