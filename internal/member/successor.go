package member

import (
	"context"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/table"
)

var (
	errSuccessor = fault.New(fault.Invalid, "cannot_take_over", "Who takes over must be an active person of the organization.")
	errOneself   = errSuccessor.WithDetail("Nobody takes over from themselves.")
)

// RemoveFor ends someone's membership as Remove does, and names who takes over what
// they shared with others; of who is removed already, it does the latter alone.
func (m Member) RemoveFor(by Caller, successor id.User) (Member, error) {
	if successor == m.ID {
		return m, errOneself
	}
	m, err := m.Remove(by)
	if err == nil && successor != "" {
		m.Successor = successor
	}
	return m, err
}

// MayTakeOver refuses who is to take over from the member (nil: there is none).
func (m Member) MayTakeOver(to *Member) error {
	switch {
	case to == nil || to.Kind != Person || to.Status != access.Active:
		return errSuccessor
	case to.ID == m.ID:
		return errOneself
	}
	return nil
}

// successorStands is the check that who takes over is an active person.
func (m Member) successorStands() table.Write {
	return table.Write{
		Key: table.Member(m.Organization, m.Successor), If: "#status = :active AND #kind = :person",
		Values: table.V{"active": access.Active, "person": Person}, Else: errSuccessor,
	}
}

// Stays is the check that a member is active in the role in which they were read. It
// fails with table.ErrChanged.
func (m Member) Stays() table.Write {
	return table.Write{
		Key: table.Member(m.Organization, m.ID), If: "#status = :active AND #role = :role",
		Values: table.V{"active": access.Active, "role": m.Role}, Else: table.ErrChanged,
	}
}

// maxSuccession bounds how many successors are asked for one after the other.
const maxSuccession = 10

// Answering reads who answers now for what these members were made answerable for:
// themselves, or, where they were removed, the last of their successors. A successor
// was active when they took over, so nobody is met twice. Who never was a member is
// not in the map.
func Answering(ctx context.Context, t *table.Table, org id.Organization, users ...id.User) (map[id.User]Member, error) {
	at := make(map[id.User]id.User, len(users)) // by whom it was, who is asked next
	for _, user := range users {
		at[user] = user
	}
	all := make(map[id.User]Member, len(users))
	for range maxSuccession {
		if len(at) == 0 {
			break
		}
		var (
			of    []id.User
			reads []table.Read
			found = make([]*Member, len(at))
		)
		for user, next := range at {
			reads = append(reads, Read(org, next, &found[len(of)]))
			of = append(of, user)
		}
		if err := t.Get(ctx, reads...); err != nil {
			return nil, err
		}
		clear(at)
		for i, m := range found {
			if m == nil {
				continue
			}
			all[of[i]] = *m
			if m.Status == access.Removed && m.Successor != "" {
				at[of[i]] = m.Successor
			}
		}
	}
	return all, nil
}

// Alter makes a change of one member by itself, as Bulk makes many.
func (s Service) Alter(ctx context.Context, by access.Actor, user id.User, decide Decision) (changed bool, err error) {
	err = table.Retry(ctx, func() error {
		read, err := Get(ctx, s.Table, by.Organization(), user)
		if err != nil {
			return err
		}
		p, err := s.Propose(ctx, by, read, decide)
		if err != nil {
			return err
		}
		changed = p.Changes()
		return s.Table.Transact(ctx, p.Writes...)
	})
	return changed, err
}
