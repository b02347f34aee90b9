package access

import (
	"context"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/pool"
	"roster/internal/recent"
	"roster/internal/table"
)

// HotPath authenticates, and looks members up, for what is asked about every
// model call: one strongly consistent Query of the member's own collection, and
// in parallel the organization's item where this process has not read it within
// GateTTL. So a suspended organization may go on that long; a suspended or
// removed member, a revoked key and a role of the organization's own that was
// changed may not.
type HotPath struct {
	env         *env.Env
	gates       recent.Values[id.Organization, gate]
	pools       recent.Values[id.Organization, pool.Settings]
	connections recent.Values[id.User, *Connections]
}

// NewHotPath makes a HotPath; the endpoints of a process share one.
func NewHotPath(e *env.Env) *HotPath {
	return &HotPath{
		env:         e,
		gates:       recent.Values[id.Organization, gate]{TTL: GateTTL, Most: mostKept},
		pools:       recent.Values[id.Organization, pool.Settings]{TTL: GateTTL, Most: mostKept},
		connections: recent.Values[id.User, *Connections]{TTL: GateTTL, Most: mostKept},
	}
}

// Caller is an active member who calls, with their standing.
type Caller struct {
	Actor
	Own Standing
}

// Caller authenticates as Member does, test keys included.
func (h *HotPath) Caller(ctx context.Context, r *api.Request) (Caller, error) {
	return h.caller(ctx, r, (*api.Request).Bearer)
}

// Manager is Caller for what test keys may not do.
func (h *HotPath) Manager(ctx context.Context, r *api.Request) (Caller, error) {
	c, err := h.Caller(ctx, r)
	if err == nil && c.key.Test() {
		err = ErrTestKey
	}
	return c, err
}

// Forwarded is Caller for what a client sent to a model's API and a gateway passes on: the
// key may also stand where clients of Anthropic (x-api-key), of Azure OpenAI (api-key) and
// of Gemini (x-goog-api-key) send one. Authorization: Bearer comes first.
func (h *HotPath) Forwarded(ctx context.Context, r *api.Request) (Caller, error) {
	return h.caller(ctx, r, forwarded)
}

func forwarded(r *api.Request) (string, bool) {
	if token, ok := r.Bearer(); ok {
		return token, true
	}
	for _, name := range []string{"x-api-key", "api-key", "x-goog-api-key"} {
		if key := strings.TrimSpace(r.Header(name)); key != "" {
			return key, true
		}
	}
	return "", false
}

func (h *HotPath) caller(ctx context.Context, r *api.Request, presented presented) (Caller, error) {
	var own Standing
	actor, err := authenticate(ctx, h.env, r, presented, func(ctx context.Context, a *Actor, further ...table.Read) (err error) {
		if own, err = h.standing(ctx, a.org, a.user, further...); err != nil {
			return err
		}
		a.member, a.orgView, a.permissions = own.member, own.gate.view, own.permissions()
		return nil
	})
	return Caller{actor, own.with(own.member.Keys[actor.key], actor.secret)}, err
}

// Renew reads anew how a caller stands, who is authenticated.
func (h *HotPath) Renew(ctx context.Context, by Caller) (Caller, error) {
	own, err := h.standing(ctx, by.org, by.user)
	return Caller{by.Actor, own.with(own.member.Keys[by.key], by.secret)}, err
}

// Standing reads how a member of the caller's organization stands.
func (h *HotPath) Standing(ctx context.Context, by Actor, user id.User) (Standing, error) {
	return h.standing(ctx, by.org, user)
}

func (h *HotPath) standing(ctx context.Context, org id.Organization, user id.User, further ...table.Read) (Standing, error) {
	now := h.env.Now()
	s := Standing{user: user, readAt: now}
	var (
		warm     bool
		view     *organizationView
		settings *pool.Settings
	)
	kept, known := h.pools.Get(org, now)
	if !known {
		further = append(further, pool.ReadSettings(org, &settings))
	}
	if s.gate, warm = h.gates.Get(org, now); !warm {
		s.gate = gate{location: time.UTC}
	}
	// What an organization's own roles, and the models of its teams, allow acts at the
	// next call, so where there are any, the item is read each time.
	if !warm || len(s.gate.view.Roles)+len(s.gate.view.TeamModels) > 0 {
		further = append(further, table.Into(table.Organization(org), &view))
	}
	group, reading := errgroup.WithContext(ctx)
	group.Go(func() error { return s.read(reading, h.env.Table, org, now) })
	if len(further) > 0 {
		group.Go(func() error { return h.env.Table.Get(reading, further...) })
	}
	if err := group.Wait(); err != nil {
		return Standing{}, err
	}
	if !known {
		kept = pool.Settings{}
		if settings != nil {
			kept = *settings
		}
		h.pools.Put(org, kept, now)
	}
	s.pools = kept
	// The first own role may have been made, and given, within GateTTL.
	if _, ownRole := s.gate.view.Roles.Role(s.member.Role); view == nil && !ownRole && s.member.Role != "" {
		if err := h.env.Table.Get(ctx, table.Into(table.Organization(org), &view)); err != nil {
			return Standing{}, err
		}
	}
	if view != nil {
		s.gate = gate{view: *view, location: view.TimeZone.Location()}
		h.gates.Put(org, s.gate, now)
	}
	return s, nil
}

// ForgetPools makes the next standing in an organization read the limits of its pools
// anew.
func (h *HotPath) ForgetPools(org id.Organization) { h.pools.Forget(org) }

// westernmost is how far the time zone furthest behind UTC lies behind it.
const westernmost = 12 * time.Hour

// read gets the member and their months from the current one on. Which month is
// current depends on the organization's zone, which may be read at the same time:
// the range begins with the month of the zone that is last to change.
func (s *Standing) read(ctx context.Context, t *table.Table, org id.Organization, now time.Time) error {
	member := table.Member(org, s.user)
	s.first = table.MemberMonth(org, s.user, now.UTC().Add(-westernmost).Format("2006-01")).SK
	page, err := t.Query(ctx, table.Query{PK: member.PK, From: s.first, To: member.SK})
	if err != nil {
		return err
	}
	s.months = map[string]table.Item{}
	for _, item := range page.Items {
		key, err := table.Decode[table.Key](item)
		if err != nil {
			return err
		}
		if key != member {
			s.months[key.SK] = item
			continue
		}
		stored, err := table.Decode[memberView](item)
		if err != nil {
			return err
		}
		s.member = stored.at(now)
	}
	return nil
}
