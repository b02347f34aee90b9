// Package warning tells by mail that a spending limit comes near or is reached: the
// member, and whoever manages members. It notes in the same transaction how far it
// went, so that each level is told once of each limit and window, however many find it
// at once. Package watch finds who is to be warned; package usage knows of refusals.
package warning

import (
	"context"
	"errors"
	"time"

	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/recent"
	"roster/internal/table"
)

// Limit is one that binds a member, or one of their keys, within a window.
type Limit struct {
	Organization id.Organization
	User         id.User
	// Key is whose limit it is; empty, the member's.
	Key id.Key
	// Window names a month, "2026-11", or a day, "2026-11-22".
	Window string
	Amount money.Amount
	// EndsAt is when the window does.
	EndsAt time.Time
}

func (l Limit) key() table.Key {
	return table.Warning(l.Organization, l.User, l.Window, int64(l.Amount), l.Key)
}

// daily reports whether the window is a day.
func (l Limit) daily() bool { return len(l.Window) == len(time.DateOnly) }

// Service warns.
type Service struct {
	*env.Env
	// told are limits whose refusals were told, as far as this process knows.
	told *recent.Values[table.Key, struct{}]
}

const (
	// toldTTL and toldMost bound what a process remembers of refusals.
	toldTTL  = time.Hour
	toldMost = 10_000
)

// New makes a Service.
func New(e *env.Env) Service {
	return Service{e, &recent.Values[table.Key, struct{}]{TTL: toldTTL, Most: toldMost}}
}

// Note is how far the warnings about a limit have gone.
type Note struct {
	Level int `dynamodbav:"t"`
}

// Read is the reading of a Note among other items.
func Read(l Limit, into **Note) table.Read { return table.Into(l.key(), into) }

var errWarned = errors.New("this was warned about")

// keptAfter is how long a Note is kept when its window is over. No window that is over
// is warned about.
const keptAfter = 35 * 24 * time.Hour

// raise is the Write that notes a level. It is refused with errWarned where that one or
// a higher one was noted.
func raise(of table.Key, endsAt time.Time, level int) table.Write {
	return table.Write{
		Key: of, Update: "SET #t = :level, #" + table.TTL + " = :ttl",
		If:     "attribute_not_exists(#t) OR #t < :level",
		Values: table.V{"level": level, "ttl": endsAt.Add(keptAfter).Unix()},
		Else:   errWarned,
	}
}

// Raise warns that so much of a limit was used as a level says, unless that, or a
// higher level, was told before.
func (s Service) Raise(ctx context.Context, to Concerned, l Limit, level int, used money.Amount) error {
	mails, err := s.mails(ctx, to, l, level, used)
	if err != nil {
		return err
	}
	return s.note(ctx, l.key(), l.EndsAt, level, mails)
}

// note notes a level with its mails, unless that or a higher one was noted before.
func (s Service) note(ctx context.Context, of table.Key, endsAt time.Time, level int, mails []table.Write) error {
	err := s.Table.Transact(ctx, append(mails, raise(of, endsAt, level))...)
	if errors.Is(err, errWarned) {
		return nil
	}
	return err
}
