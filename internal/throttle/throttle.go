// Package throttle bounds how often something is done within a window of time.
package throttle

import (
	"context"
	"errors"
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
	end := now.Truncate(l.Per).Add(l.Per)
	return e.Table.Transact(ctx, table.Write{
		Key:    l.key(subject, now),
		Update: "ADD #count :one SET #ttl = :ttl",
		If:     "attribute_not_exists(#count) OR #count < :times",
		Values: table.V{"one": 1, "times": l.Times, "ttl": end.Add(time.Hour).Unix()},
		Else:   ErrTooMany.WithRetryAfter(end.Sub(now)),
	})
}

// Check refuses a subject who has no attempt left, and counts none. One read unit.
func (l Limit) Check(ctx context.Context, e *env.Env, subject string) error {
	now := e.Now()
	var taken *struct {
		Count int `dynamodbav:"count"`
	}
	if err := e.Table.Get(ctx, table.Into(l.key(subject, now), &taken)); err != nil {
		return err
	}
	if taken != nil && taken.Count >= l.Times {
		return ErrTooMany.WithRetryAfter(now.Truncate(l.Per).Add(l.Per).Sub(now))
	}
	return nil
}

// Return takes one attempt back that turned out to be none of those that are
// bounded, such as a log-in that succeeded. One write unit.
func (l Limit) Return(ctx context.Context, e *env.Env, subject string) error {
	err := e.Table.Transact(ctx, table.Write{
		Key: l.key(subject, e.Now()), Update: "ADD #count :less",
		If: "#count > :none", Values: table.V{"less": -1, "none": 0}, Else: errNone,
	})
	if errors.Is(err, errNone) { // the window ended meanwhile
		return nil
	}
	return err
}

var errNone = errors.New("nothing was taken")

func (l Limit) key(subject string, now time.Time) table.Key {
	return table.Throttle(l.Name+"#"+subject, strconv.FormatInt(now.Truncate(l.Per).Unix(), 10))
}

// Bound is a limit with its subject.
type Bound struct {
	Limit   Limit
	Subject string
}

// Attempt is an attempt that several limits bound.
type Attempt []Bound

// Take counts the attempt against each limit, in turn, until one refuses it.
func (a Attempt) Take(ctx context.Context, e *env.Env) error {
	for _, b := range a {
		if err := b.Limit.Take(ctx, e, b.Subject); err != nil {
			return err
		}
	}
	return nil
}

// Return takes the attempt back; see Limit.Return.
func (a Attempt) Return(ctx context.Context, e *env.Env) error {
	for _, b := range a {
		if err := b.Limit.Return(ctx, e, b.Subject); err != nil {
			return err
		}
	}
	return nil
}
