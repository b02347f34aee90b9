package billing

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/pool"
	"roster/internal/spent"
	"roster/internal/table"
)

// UpdateRequest changes the billing settings.
type UpdateRequest struct {
	IfMatch api.IfMatch `header:"If-Match" json:"-"`
	Settings
}

// UpdateBilling merges a patch into the billing settings. A patch that changes
// nothing writes nothing.
func (s Service) UpdateBilling(ctx context.Context, by access.Actor, in UpdateRequest) (out Answer, err error) {
	now := s.Now()
	month := Month(spent.Month(now, by.Location()))
	spend, err := s.spend(ctx, by.Organization(), month)
	if err != nil {
		return out, err
	}
	err = table.Retry(ctx, func() error {
		read, err := s.profile(ctx, by.Organization())
		if err != nil {
			return err
		}
		if !in.IfMatch.Admits(read.ETag()) {
			return errVersion
		}
		changed := read.Merge(in.Settings, month)
		before, after := audit.Changes(read.recorded(month), changed.recorded(month))
		if len(after) == 0 {
			out = read.answer(now, month, spend)
			return nil
		}
		changed, write := save(by.Organization(), read, changed, now)
		writes := []table.Write{write, audit.Record(now, by.Organization(), audit.Event{
			Action: audit.BillingUpdated, Actor: audit.Member(by), Target: string(by.Organization()),
			Before: before, After: after,
		})}
		if changed.Budget != nil && (read.Budget == nil || *changed.Budget != *read.Budget) {
			writes = append(writes, pool.Watched(by.Organization(), ""))
		}
		out, err = api.Commit(ctx, s.Table, changed.answer(now, month, spend), writes...)
		return err
	})
	return out, err
}
