package pool

import (
	"context"

	"roster/internal/id"
	"roster/internal/spending"
	"roster/internal/table"
)

// Settings are the limits of an organization's pools, all in one item: calls read it.
type Settings struct {
	// Organization is what all members may spend together; nil, there is no limit.
	Organization *Setting `dynamodbav:"organization,omitempty"`
	// Teams are those that have a limit.
	Teams map[id.Team]Setting `dynamodbav:"teams,omitempty"`
	// Version counts the changes.
	Version int64 `dynamodbav:"version"`
}

// Setting is what may be spent from a pool.
type Setting struct {
	spending.Chosen
	// Version is that of the Settings in which it was chosen, and Since the one since
	// which there is a limit.
	Version int64 `dynamodbav:"version"`
	Since   int64 `dynamodbav:"since"`
}

// ReadSettings is the reading of an organization's Settings among other items; nil
// where no pool ever had a limit.
func ReadSettings(org id.Organization, into **Settings) table.Read {
	return table.Into(table.PoolSettings(org), into)
}

// GetSettings reads an organization's Settings.
func GetSettings(ctx context.Context, t *table.Table, org id.Organization) (Settings, error) {
	var s *Settings
	if err := t.Get(ctx, ReadSettings(org, &s)); err != nil || s == nil {
		return Settings{}, err
	}
	return *s, nil
}

// Watched is the Write after which the next check of limits looks at a team's pool or,
// without one, the organization's.
func Watched(org id.Organization, team id.Team) table.Write {
	return table.Write{Key: table.NearPool(org, team), Put: struct{}{}}
}

// Of returns the limits of a team's pool or, without one, of the organization's. Of a
// pool that has none, they limit nothing.
func (s Settings) Of(team id.Team) Setting {
	if team != "" {
		return s.Teams[team]
	}
	if s.Organization == nil {
		return Setting{}
	}
	return *s.Organization
}

// Binding are the teams whose limits bind a member who is in some; the first is empty,
// and stands for the organization, where that has one.
func (s Settings) Binding(in []id.Team) (all []id.Team) {
	if s.Organization != nil {
		all = append(all, "")
	}
	for _, team := range in {
		if _, limited := s.Teams[team]; limited {
			all = append(all, team)
		}
	}
	return all
}

// Limits are those that the setting makes.
func (s Setting) Limits() Limits { return Limits{s.Chosen.Limits(), s.Version} }

// Limited reports whether anything is limited.
func (s Setting) Limited() bool {
	limits := s.Chosen.Limits()
	return limits.Monthly != nil || limits.Daily != nil
}

// With returns the Settings with another choice for a pool, as a version of its own.
func (s Settings) With(team id.Team, chosen spending.Chosen) Settings {
	next := Settings{Organization: s.Organization, Teams: map[id.Team]Setting{}, Version: s.Version + 1}
	for of, setting := range s.Teams {
		next.Teams[of] = setting
	}
	before := s.Of(team)
	setting := Setting{Chosen: chosen, Version: next.Version, Since: before.Since}
	if !before.Limited() {
		setting.Since = next.Version
	}
	switch {
	case team == "" && setting.Limited():
		next.Organization = &setting
	case team == "":
		next.Organization = nil
	case setting.Limited():
		next.Teams[team] = setting
	default:
		delete(next.Teams, team)
	}
	return next
}

// Save is the Write of Settings that follow on those that were read. It fails with
// table.ErrChanged.
func Save(org id.Organization, read, next Settings) table.Write {
	w := table.Write{
		Key: table.PoolSettings(org), Put: next,
		If: "#version = :read", Values: table.V{"read": read.Version}, Else: table.ErrChanged,
	}
	if read.Version == 0 {
		w.If, w.Values = table.Absent, nil
	}
	return w
}
