package member

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/outbox"
	"roster/internal/table"
)

// Decision is a rule with its caller: it returns the member as it is to be.
type Decision func(Member) (Member, error)

// change reads a member, decides, and commits the outcome with its audit event
// and mails; show makes the answer. Where nothing changes, nothing is written.
func change[Out any](ctx context.Context, s Service, by access.Actor, user id.User, decide Decision, show func(Member) Out) (out Out, err error) {
	err = table.Retry(ctx, func() error {
		read, err := Get(ctx, s.Table, by.Organization(), user)
		if err != nil {
			return err
		}
		p, err := s.Propose(ctx, by, read, decide)
		if err != nil {
			return err
		}
		out, err = api.Commit(ctx, s.Table, show(p.After), p.Writes...)
		return err
	})
	return out, err
}

// Proposal is a change that was decided and not yet made.
type Proposal struct {
	Before, After Member
	// Writes are none where nothing changes.
	Writes []table.Write
}

// Changes reports whether there is something to change.
func (p Proposal) Changes() bool { return p.After.Version != p.Before.Version }

// Propose decides about a member as it was read (nil: there was none). The Writes
// fail with table.ErrChanged, and as Save's do.
func (s Service) Propose(ctx context.Context, by access.Actor, read *Member, decide Decision) (Proposal, error) {
	if read == nil {
		return Proposal{}, ErrNotFound
	}
	now := s.Now()
	if _, then, due := read.lapsed(now); due && then.Status != access.Ended {
		return Proposal{}, Lapse(ctx, s.Env, read)
	}
	m, err := decide(*read)
	if err != nil {
		return Proposal{}, err
	}
	if m.At(now).Status == access.Ended { // what ended by itself may be given another end, or be removed
		return Proposal{}, ErrEnded
	}
	before, after := Difference(read, m)
	if len(after) == 0 {
		return Proposal{Before: *read, After: *read}, nil
	}
	event := audit.Event{Action: action(*read, m), Actor: audit.Member(by), Target: string(m.ID), Before: before, After: after}
	if read.Suspension == nil && m.Suspension != nil {
		event.Reason = string(m.Suspension.Reason)
	} else if read.Planned == nil && m.Planned != nil {
		event.Reason = string(m.Planned.Reason)
	}
	writes := append(Save(read, m, now), audit.Record(now, m.Organization, event))
	if m.Responsible != read.Responsible {
		writes = append(writes, m.responsibleStands(by))
	}
	if m.Successor != read.Successor && m.Successor != "" {
		writes = append(writes, m.successorStands())
	}
	for _, notice := range notices(*read, m, mail.Data{Organization: by.OrganizationName(), Actor: by.Name()}) {
		write, err := outbox.Enqueue(ctx, s.Env, notice)
		if err != nil {
			return Proposal{}, err
		}
		writes = append(writes, write)
	}
	return Proposal{*read, m.next(*read, now), writes}, nil
}

// Difference is what an audit event shows of a change from the member that was read
// (nil: there was none) to what they are to be. Keys that end with it stand
// before, and not after.
func Difference(read *Member, m Member) (before, after map[string]any) {
	if read != nil {
		return audit.Changes(read.recorded(), m.recorded())
	}
	_, after = audit.Changes(Member{}.recorded(), m.recorded())
	return nil, after
}

// recorded is what an audit event shows of a member, by the API's names.
func (m Member) recorded() map[string]any {
	return map[string]any{
		"role": m.Role, "status": m.Status, "name": m.Name, "alias": m.Alias, "metadata": m.Metadata,
		"keys": slices.Sorted(maps.Keys(m.Keys)), "allowed_models": m.AllowedModels, "responsible": m.Responsible,
		"teams": maps.Clone(m.Teams), "successor": m.Successor, "ends_at": stamp(m.EndsAt), "policy": m.Accepted.recorded(),
		"suspended_until": stamp(m.suspendedTill()), "scheduled_suspension": recorded(m.Planned),
		"limits": m.Chosen().Recorded(), "temporary_limits": m.Temporary.RecordedUntil(),
	}
}

// suspendedTill is when the suspension that is under way ends by itself.
func (m Member) suspendedTill() time.Time {
	if m.Suspension == nil {
		return time.Time{}
	}
	return m.Suspension.Until
}

// recorded is what an audit event shows of a suspension that is to begin.
func recorded(s *Suspension) any {
	if s == nil {
		return nil
	}
	return map[string]any{"reason": s.Reason, "from": stamp(s.At), "until": stamp(s.Until)}
}

// stamp is what an audit event shows of a time; nil of none.
func stamp(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.UTC().Format(time.RFC3339)
}

// action names a change in the audit log.
func action(before, after Member) audit.Action {
	switch {
	case before.Status != after.Status && after.Status == access.Active:
		return audit.MemberUnsuspended
	case before.Status != after.Status && after.Status == access.Suspended:
		return audit.MemberSuspended
	case before.Status != after.Status:
		return audit.MemberRemoved
	case before.Successor != after.Successor:
		return audit.MemberHandedOver
	case before.Role != after.Role:
		return audit.MemberRoleChanged
	case !before.Chosen().Same(after.Chosen()) || !before.Temporary.SameAs(after.Temporary):
		return audit.MemberLimitsChanged
	case !maps.Equal(before.Teams, after.Teams):
		return audit.MemberTeamsChanged
	case !reflect.DeepEqual(before.Planned, after.Planned) || !before.suspendedTill().Equal(after.suspendedTill()):
		return audit.MemberSuspensionScheduled
	}
	return audit.MemberUpdated
}
