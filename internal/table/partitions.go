package table

import (
	"fmt"
	"iter"
	"time"

	"roster/internal/id"
)

// PartitionsOf are the partitions that an organization fills, in the time in which
// it exists, but for those of its members and invitations.
func PartitionsOf(org id.Organization, from, to time.Time) iter.Seq[string] {
	return func(yield func(string) bool) {
		for partition := range EventPartitions(org) {
			if !yield(partition) {
				return
			}
		}
		from, to = from.UTC(), to.UTC()
		for month := time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, time.UTC); !month.After(to); month = month.AddDate(0, 1, 0) {
			if !yield(AuditEvent(org, month.Format("2006-01"), "").PK) || !yield(StatementEntry(org, month.Format("2006-01"), "").PK) {
				return
			}
		}
		// Months of pools are those of a time zone, which may be the one before or after.
		for month := time.Date(from.Year(), from.Month()-1, 1, 0, 0, 0, 0, time.UTC); !month.After(to.AddDate(0, 0, 1)); month = month.AddDate(0, 1, 0) {
			of := "#" + string(org) + "#" + month.Format("2006-01")
			if !yield("P" + of) {
				return
			}
			for n := range 16 {
				if !yield(fmt.Sprintf("PT%s#%x", of, n)) {
					return
				}
			}
		}
		// Founded on the first of a month in UTC, it was still the month before elsewhere:
		// the first statement is of that.
		before := time.Date(from.Year(), from.Month()-1, 1, 0, 0, 0, 0, time.UTC)
		_ = yield(StatementEntry(org, before.Format("2006-01"), "").PK) && yield(Statement(org, "").PK) && yield(PriceVersion(org, 0).PK) &&
			yield(Connections(org)) && yield(LimitRequests(org)) && yield(UsageSource(org, 0).PK) && yield(WarningsPartition(org, "")) &&
			yield(Job(org, "").PK) && yield(Organization(org).PK)
	}
}

// EventPartitions are those with usage events, but for what members without usage:write
// report.
func EventPartitions(org id.Organization) iter.Seq[string] {
	return func(yield func(string) bool) {
		for n := range 256 {
			if !yield(fmt.Sprintf("E#%s#%02x", org, n)) {
				return
			}
		}
		for n := range 16 {
			if !yield(fmt.Sprintf("ET#%s#%x", org, n)) {
				return
			}
		}
		for source := range UsageSources {
			if !yield(UsageChunk(org, source, 0).PK) {
				return
			}
		}
	}
}

// PartitionsOfMember are those that an organization fills with what a member has in
// it.
func PartitionsOfMember(org id.Organization, user id.User) []string {
	return []string{
		OwnUsageEvent(org, user, "").PK, OwnTestUsageEvent(org, user, "").PK, UsageEvents(org, user), WarningsPartition(org, user), Member(org, user).PK,
	}
}
