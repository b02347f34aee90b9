package apikey

import (
	"context"

	"roster/internal/access"
	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/spending"
)

// LimitKey changes what may be spent through a key; show makes the answer of what is
// chosen now. A limit that somebody else set, its member raises only as an owner.
func LimitKey[Out any](ctx context.Context, s Service, by access.Actor, key id.Key, p spending.Patch, show func(spending.Chosen) Out) (Out, error) {
	return change(ctx, s, by, key, audit.KeyLimitsChanged, func(m member.Member, k access.KeyRecord) (access.KeyRecord, error) {
		before := spending.First(k.Limits)
		next := p.Apply(before, by.User(), s.Now())
		if next.Same(before) {
			return k, nil
		}
		othersChoice := m.ID == by.User() && before.By != by.User() && !by.IsOwner()
		raises := next.Limits().Exceed(before.Limits()) || next.Over(spending.Rates{}).Exceed(before.Over(spending.Rates{}))
		if othersChoice && raises {
			return k, member.ErrOwnLimit
		}
		k.Limits = &next
		return k, nil
	}, func(k access.KeyRecord) Out { return show(spending.First(k.Limits)) })
}

// ReadLimits returns what may be spent through a key of the caller's own, or with
// keys:manage of anyone's.
func (s Service) ReadLimits(ctx context.Context, by access.Actor, key id.Key) (spending.Chosen, error) {
	user, err := owner(by, key.User())
	if err != nil {
		return spending.Chosen{}, err
	}
	m, err := member.Get(ctx, s.Table, by.Organization(), user)
	if err != nil {
		return spending.Chosen{}, err
	}
	if m == nil {
		return spending.Chosen{}, ErrNotFound
	}
	record, ok := m.Keys[key]
	if !ok {
		return spending.Chosen{}, ErrNotFound
	}
	return spending.First(record.Limits), nil
}
