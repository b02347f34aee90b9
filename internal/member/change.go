package member

import (
	"context"
	"maps"
	"slices"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/outbox"
	"roster/internal/table"
)

// decision is a rule with its caller: it returns the member as it is to be.
type decision func(Member) (Member, error)

// change reads a member, decides, and commits the outcome with its audit event
// and mails; show makes the answer. Where nothing changes, nothing is written.
func change[Out any](ctx context.Context, s Service, by access.Actor, user id.User, decide decision, show func(Member) Out) (out Out, err error) {
	err = table.Retry(ctx, func() error {
		read, err := Get(ctx, s.Table, by.Organization(), user)
		if err != nil {
			return err
		}
		if read == nil {
			return ErrNotFound
		}
		m, err := decide(*read)
		if err != nil {
			return err
		}
		before, after := audit.Changes(read.recorded(), m.recorded())
		if len(after) == 0 {
			out = show(*read)
			return nil
		}
		now := s.Now()
		event := audit.Event{Action: action(*read, m), Actor: audit.Member(by), Target: string(m.ID), Before: before, After: after}
		if read.Suspension == nil && m.Suspension != nil {
			event.Reason = string(m.Suspension.Reason)
		}
		writes := append(Save(read, m, now), audit.Record(now, m.Organization, event))
		for _, notice := range notices(*read, m, by) {
			write, err := outbox.Enqueue(ctx, s.Env, notice)
			if err != nil {
				return err
			}
			writes = append(writes, write)
		}
		out, err = api.Commit(ctx, s.Table, show(m.next(*read, now)), writes...)
		return err
	})
	return out, err
}

// recorded is what an audit event shows of a member, by the API's names: the
// metadata as JSON, since numbers of any length are exact in it, and the ids of
// the keys.
func (m Member) recorded() map[string]any {
	return map[string]any{
		"role": m.Role, "status": m.Status, "name": m.Name, "alias": m.Alias, "metadata": m.Metadata,
		"keys": slices.Sorted(maps.Keys(m.Keys)),
	}
}

// action names a change in the audit log.
func action(before, after Member) string {
	switch {
	case before.Status != after.Status && after.Status == access.Active:
		return "member.unsuspended"
	case before.Status != after.Status:
		return "member." + string(after.Status)
	case before.Role != after.Role:
		return "member.role_changed"
	}
	return "member.updated"
}
