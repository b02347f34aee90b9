package member

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/audit"
	"roster/internal/env"
	"roster/internal/mail"
	"roster/internal/organization"
	"roster/internal/outbox"
	"roster/internal/table"
)

// Lapse writes down the first of what has changed by itself about a member who was
// read (nil: there is none), with its audit event and mail, as an administrator's
// change would have it. It fails with table.ErrChanged where there was something, for
// whoever decides about the member to read them anew.
func Lapse(ctx context.Context, e *env.Env, read *Member) error {
	if read == nil {
		return nil
	}
	now := e.Now()
	_, then, due := read.lapsed(now)
	if !due {
		return nil
	}
	m, known := read.standing(then), mail.Data{}
	event := audit.Event{Actor: audit.System(), Target: string(read.ID)}
	switch then.Status {
	case access.Suspended:
		event.Reason, event.Also = string(m.Suspension.Reason), []string{string(m.Suspension.By)}
	case access.Active:
		event.Also = []string{string(read.Suspension.By)}
	case access.Ended:
		known.ExpiresAt, event.Also = read.EndsAt, []string{string(read.EndsBy)}
		event.Reason = "The membership had an end date, " + read.EndsAt.UTC().Format(time.RFC3339) + "."
		var err error
		if m, err = read.end(); err != nil {
			return err
		}
	}
	event.Action = action(*read, m)
	event.Before, event.After = Difference(read, m)
	writes := append(Save(read, m, now), audit.Record(now, m.Organization, event))
	o, err := organization.Get(ctx, e.Table, m.Organization)
	if err != nil {
		return err
	}
	if o == nil || o.Status == organization.Deleted {
		return nil // what is left of it is being erased
	}
	known.Organization = string(o.Name)
	for _, notice := range notices(*read, m, known) {
		write, err := outbox.Enqueue(ctx, e, notice)
		if err != nil {
			return err
		}
		writes = append(writes, write)
	}
	if err := e.Table.Transact(ctx, writes...); err != nil {
		return err
	}
	return table.ErrChanged
}
