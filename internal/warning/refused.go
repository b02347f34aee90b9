package warning

import (
	"context"
	"slices"

	"roster/internal/member"
	"roster/internal/money"
	"roster/internal/organization"
)

// Refused warns that a limit is reached, when a call was refused by it for the first
// time: where calls are reserved, what was spent may never come to the whole of it. A
// process that has told so writes nothing, and reads nothing, for further refusals. An
// error is logged: the refusal stands, and the next one tells.
func (s Service) Refused(ctx context.Context, l Limit, used money.Amount) {
	if _, told := s.told.Get(l.key(), s.Now()); told {
		return
	}
	if err := s.refused(ctx, l, used); err != nil {
		s.Log.ErrorContext(ctx, "warning: a refusal was not told", "organization", string(l.Organization), "user", string(l.User), "error", err)
		return
	}
	s.told.Put(l.key(), struct{}{}, s.Now())
}

func (s Service) refused(ctx context.Context, l Limit, used money.Amount) error {
	var (
		o    *organization.Organization
		m    *member.Member
		note *Note
	)
	if err := s.Table.GetSettled(ctx, organization.Read(l.Organization, &o), member.Read(l.Organization, l.User, &m), Read(l, &note)); err != nil {
		return err
	}
	if o == nil || m == nil || !Warned(*o, *m, s.Now()) || !slices.Contains(o.Thresholds(), full) || note != nil && note.Level >= full {
		return nil
	}
	return s.Raise(ctx, Concerned{*o, *m}, l, full, used)
}
