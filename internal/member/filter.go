package member

import (
	"context"
	"slices"
	"strings"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/page"
)

// Filter tells active and suspended members by what they are, as the list of
// members does and in the combinations that it allows: role, team or kind, each
// beside status and search.
type Filter struct {
	// Status is active or suspended; either, where it is not said.
	Status StatusFilter `json:"status,omitzero"`
	Role   field.Label  `json:"role,omitzero"`
	Team   id.Team      `json:"team,omitzero"`
	Kind   KindFilter   `json:"kind,omitzero"`
	Search Search       `json:"search,omitzero"`
}

// list is the request for the list that has those who match.
func (f Filter) list(limit int, cursor string) ListRequest {
	return ListRequest{
		Status: f.Status, Role: f.Role, Team: f.Team, Kind: f.Kind, Search: f.Search,
		Request: page.Request{Limit: page.Limit(limit), Cursor: field.Cursor(cursor)},
	}
}

// faults are what the list would be refused for, and statuses of those who cannot be
// changed.
func (f Filter) faults() []fault.Field {
	faults := f.list(0, "").Validate()
	for i, refused := range faults {
		faults[i] = fault.Field{Pointer: "/filter/" + refused.Parameter, Reason: refused.Reason}
	}
	if s := Status(f.Status); s == access.Pending || s == access.Removed {
		faults = append(faults, fault.Field{Pointer: "/filter/status", Reason: "is neither active nor suspended: others are not changed by many"})
	}
	return faults
}

// Known refuses a role that there is not.
func (f Filter) Known(by Caller) error {
	if _, ok := by.Roles().Role(string(f.Role)); f.Role != "" && !ok {
		return fault.InvalidField("/filter/role", "is not a role of the organization")
	}
	return nil
}

// Matches reports whether a member, as they stand, is one of those meant.
func (f Filter) Matches(by Caller, m Member) bool {
	switch {
	case m.present() != nil,
		f.Status != "" && m.Status != Status(f.Status),
		f.Role != "" && !slices.Contains(sameRole(by.Roles(), string(f.Role)), m.Role),
		f.Team != "" && m.Teams[f.Team] == "",
		f.Kind != "" && m.Kind != Kind(f.Kind):
		return false
	}
	return f.Search == "" || m.found(f.Search)
}

// found reports whether a search finds the member.
func (m Member) found(search Search) bool {
	if strings.HasPrefix(m.sortKey(), email.LowerASCII(string(search))) {
		return true
	}
	name := fold(string(search))
	return name != "" && slices.ContainsFunc(m.places(byWord), func(word string) bool { return strings.HasPrefix(word, name) })
}

// matching lists some of those who match from a cursor on, which is empty at first,
// without the caller; and the next cursor, which is empty at the end.
func (s Service) matching(ctx context.Context, by access.Actor, f Filter, cursor string) (users []id.User, next string, err error) {
	const atOnce = 1000
	in := f.list(atOnce, cursor)
	rows, next, err := pages{s.Env, by.Organization(), in.sources(by, s.Now())}.read(ctx, in.Request)
	for _, m := range rows {
		if m.Kind != Invited && m.ID != by.User() && f.Matches(by, m.At(s.Now())) {
			users = append(users, m.ID)
		}
	}
	return users, next, err
}
