// Package limit serves the limits of what may be spent: who has which, and from where.
// Package spending has the rules, package usage applies them.
package limit

import (
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/apikey"
	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/money"
	"roster/internal/organization"
	"roster/internal/pool"
	"roster/internal/route"
	"roster/internal/spending"
	"roster/internal/usage"
	"roster/internal/watch"
)

// Service has the use cases of limits.
type Service struct {
	*env.Env
	members member.Service
	keys    apikey.Service
	watch   watch.Service
}

// Endpoints are the routes of limits.
func Endpoints(e *env.Env) []api.Endpoint {
	s := Service{e, member.Service{Env: e}, apikey.Service{Env: e}, watch.New(e)}
	return []api.Endpoint{
		api.Handle(route.GetLimits, access.Member(e), s.GetLimits),
		api.Handle(route.SetLimits, access.Member(e), s.SetLimits),
	}
}

// Answer is somebody's limits.
type Answer struct {
	Limits View `json:"limits"`
}

// View is what may be spent by a member, by a team, through a key or, where none of them
// is named, by the whole organization.
type View struct {
	User id.User `json:"user_id,omitzero"`
	Team id.Team `json:"team_id,omitzero"`
	Key  id.Key  `json:"key_id,omitzero"`
	// MonthlyLimit and DailyLimit are in USD; null is unlimited, 0 is none.
	MonthlyLimit *money.Amount `json:"monthly_limit"`
	DailyLimit   *money.Amount `json:"daily_limit"`
	// RequestsPerMinute, TokensPerMinute (of input and output together) and MaxInFlight
	// (reservations at once) are of members and keys; null is unlimited, 0 is none.
	RequestsPerMinute *spending.Count `json:"requests_per_minute"`
	TokensPerMinute   *spending.Count `json:"tokens_per_minute"`
	MaxInFlight       *spending.Count `json:"max_in_flight"`
	// Preset is the one that was chosen, where it was.
	Preset string `json:"preset,omitzero"`
	// Origin says of a member's limits where they come from.
	Origin *spending.Origins `json:"origin,omitzero"`
	// SetBy is who chose, and SetAt when; absent where nobody did.
	SetBy id.User   `json:"set_by,omitzero"`
	SetAt time.Time `json:"set_at,omitzero"`
	// Until is when limits of a member end by themselves, and Then what binds from then on;
	// absent where they last.
	Until time.Time `json:"until,omitzero"`
	Then  *Then     `json:"then,omitzero"`
	// Spend is what a team or the organization spent, told where it has a limit; the team's
	// of the day, since it first had one. What is held for calls under way is not in it, but
	// neither is it in Remaining.
	Spend     *usage.Spend     `json:"spend,omitzero"`
	Remaining *usage.Remaining `json:"remaining,omitzero"`
}

// Then are the limits that last, in USD; null is unlimited.
type Then struct {
	MonthlyLimit *money.Amount `json:"monthly_limit"`
	DailyLimit   *money.Amount `json:"daily_limit"`
}

func ofPool(team id.Team, setting pool.Setting) View {
	v := of(setting.Chosen, setting.Chosen.Limits(), spending.Rates{})
	v.Team = team
	return v
}

func ofMember(m member.Member, o organization.Organization, now time.Time) View {
	b := m.Limits(o, now)
	v := of(m.Chosen(), b.Limits(), o.DefaultRates())
	v.User, v.Origin = m.ID, &b.Origin
	if m.Temporary.Live(now) {
		lasting := m.LastingLimits(o)
		v.Preset, v.SetBy, v.SetAt = m.Temporary.Preset, m.Temporary.By, m.Temporary.At.UTC()
		v.Until, v.Then = m.Temporary.Until.UTC(), &Then{lasting.MonthlyLimit, lasting.DailyLimit}
	}
	return v
}

func ofKey(key id.Key, chosen spending.Chosen) View {
	v := of(chosen, chosen.Limits(), spending.Rates{})
	v.User, v.Key = key.User(), key
	return v
}

func of(chosen spending.Chosen, limits spending.Limits, inherited spending.Rates) View {
	rates := chosen.Over(inherited)
	v := View{
		MonthlyLimit: limits.Monthly, DailyLimit: limits.Daily, Preset: chosen.Preset, SetBy: chosen.By,
		RequestsPerMinute: rates.RequestsPerMinute, TokensPerMinute: rates.TokensPerMinute, MaxInFlight: rates.InFlight,
	}
	if !chosen.At.IsZero() {
		v.SetAt = chosen.At.UTC()
	}
	return v
}
