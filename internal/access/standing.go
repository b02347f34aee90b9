package access

import (
	"time"

	"roster/internal/id"
	"roster/internal/permission"
	"roster/internal/table"
)

// Standing is how a member stands now: the member, their months, and the
// organization. Of someone who never was a member, all is empty.
type Standing struct {
	user   id.User
	member memberView
	gate   gate
	// months are those from the first on, by their sort keys.
	first  string
	months map[string]table.Item
}

func (s Standing) User() id.User  { return s.user }
func (s Standing) Email() string  { return s.member.Email }
func (s Standing) Name() string   { return s.member.Name }
func (s Standing) Role() string   { return s.member.Role }
func (s Standing) Status() Status { return s.member.Status }

func (s Standing) permissions() permission.Set { return s.gate.view.Roles.Of(s.member.Role) }

// Location is the organization's time zone.
func (s Standing) Location() *time.Location { return s.gate.location }

// Month returns the member's counters of a month, "2026-11"; nil if nothing was
// counted. The current month and later ones were read, earlier ones were not.
func (s Standing) Month(month string) (item table.Item, read bool) {
	key := table.MemberMonth("", s.user, month).SK
	return s.months[key], key >= s.first
}

// Key returns one of the member's keys; it may have expired.
func (s Standing) Key(key id.Key) (KeyRecord, bool) {
	record, ok := s.member.Keys[key]
	return record, ok
}

// HasLive reports whether the member has that key, and it has not expired.
func (s Standing) HasLive(key id.Key, now time.Time) bool {
	record, ok := s.member.Keys[key]
	return ok && !record.Expired(now)
}

// Holds reports whether a text is that of one of the member's live keys.
func (s Standing) Holds(text KeyText, now time.Time) bool {
	return s.member.Keys[text.Key].Admits(text, now)
}

// MayUseModels returns why the member may not use models now; nil if they may.
func (s Standing) MayUseModels() error {
	if err := s.member.Status.Admit(); err != nil {
		return err
	}
	if s.gate.view.Status != "active" {
		return ErrOrgStopped
	}
	if !s.permissions().Has(permission.ModelsUse) {
		return ErrPermission.With("permission", permission.ModelsUse)
	}
	return nil
}
