package limit

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/apikey"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/permission"
	"roster/internal/spending"
	"roster/internal/spent"
	"roster/internal/table"
)

// SetRequest changes the limits of a member, of a team, of a key or, where none of them
// is named, of the whole organization.
type SetRequest struct {
	User id.User `json:"user_id,omitzero"`
	Team id.Team `json:"team_id,omitzero"`
	Key  id.Key  `json:"key_id,omitzero"`
	spending.Patch
	// Until lets a member's limits end by themselves: at an instant, or at the end of a day
	// of the organization's time zone. Those that last stay behind them. Without it, limits
	// last, and end such others.
	Until *member.EndDate `json:"until,omitzero"`
}

// Validate refuses two owners, and a patch that is none.
func (in SetRequest) Validate() []fault.Field {
	var faults []fault.Field
	if name, other := owners(in.User, in.Team, in.Key); other != "" {
		faults = []fault.Field{{Pointer: "/" + name, Reason: "cannot stand beside " + other}}
	}
	for pointer, given := range map[string]bool{
		"/requests_per_minute": in.RequestsPerMinute.Given, "/tokens_per_minute": in.TokensPerMinute.Given, "/max_in_flight": in.MaxInFlight.Given,
	} {
		switch {
		case given && in.User == "" && in.Key == "":
			faults = append(faults, fault.Field{Pointer: pointer, Reason: "is of members and keys alone"})
		case given && in.Until != nil:
			faults = append(faults, fault.Field{Pointer: pointer, Reason: "cannot stand beside until"})
		}
	}
	if in.Until != nil && in.User == "" {
		faults = append(faults, fault.Field{Pointer: "/until", Reason: "is for limits of a member, with user_id"})
	}
	return append(faults, in.Patch.Validate()...)
}

// owners returns, where more than one is named, the name of the last and of the first.
func owners(user id.User, team id.Team, key id.Key) (name, other string) {
	for _, of := range []struct {
		name  string
		named bool
	}{{"user_id", user != ""}, {"team_id", team != ""}, {"key_id", key != ""}} {
		switch {
		case of.named && other == "" && name == "":
			name = of.name
		case of.named && other == "":
			name, other = of.name, name
		}
	}
	return name, other
}

// SetLimits changes what may be spent, from the next reservation on. A patch that
// changes nothing writes nothing but, of pools, what a call that was cut off left out.
func (s Service) SetLimits(ctx context.Context, by access.Actor, in SetRequest) (out Answer, err error) {
	if in.Key != "" {
		return apikey.LimitKey(ctx, s.keys, by, in.Key, in.Patch, func(c spending.Chosen) Answer { return Answer{ofKey(in.Key, c)} })
	}
	if in.User == "" {
		return s.setPoolLimits(ctx, by, in.Team, in.Patch)
	}
	if !by.Can(permission.MembersManage) {
		return Answer{}, access.ErrPermission.With("permission", permission.MembersManage)
	}
	var until time.Time
	if in.Until != nil {
		until = in.Until.In(by.Location())
	}
	err = table.Retry(ctx, func() error {
		org := by.Organization()
		read, o, err := s.read(ctx, org, in.User)
		if err != nil {
			return err
		}
		now := s.Now()
		p, err := s.members.Propose(ctx, by, read, func(m member.Member) (member.Member, error) {
			return m.Limit(by, in.Patch, until, o, now)
		})
		if err != nil {
			return err
		}
		if p.Changes() {
			p.Writes = append(p.Writes, spent.Fence(org, in.User, spent.Month(now, by.Location()), p.After.Version))
		}
		out, err = api.Commit(ctx, s.Table, Answer{ofMember(p.After, o, now)}, p.Writes...)
		return err
	})
	return out, err
}
