package usage

import (
	"context"
	"fmt"
	"time"

	"roster/internal/access"
	"roster/internal/calendar"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/spending"
	"roster/internal/spent"
	"roster/internal/table"
)

// Window is what a limit is of.
type Window string

const (
	Daily   Window = "daily"
	Monthly Window = "monthly"
)

// Owner is whose limit it is.
type Owner string

const (
	OfMember       Owner = "member"
	OfKey          Owner = "key"
	OfTeam         Owner = "team"
	OfOrganization Owner = "organization"
)

// Bound is a limit that binds a call, and how much of it is used.
type Bound struct {
	Of Owner `json:"of"`
	// Team is the one whose limit it is.
	Team   id.Team      `json:"team_id,omitzero"`
	Window Window       `json:"window"`
	Limit  money.Amount `json:"limit_usd"`
	// Used is what was spent, and what is reserved.
	Used      money.Amount `json:"used_usd"`
	Remaining money.Amount `json:"remaining_usd"`
	// Origin says of a member's limit whether it is their own, or the organization's
	// default.
	Origin spending.Origin `json:"origin,omitzero"`
	// SetBy is who chose it, where somebody did since the member came.
	SetBy    id.User   `json:"set_by,omitzero"`
	ResetsAt time.Time `json:"resets_at"`
	// sum is the counter of the member's month that the limit bounds; empty for pools.
	sum string
}

// ErrLimit refuses a call over a limit; With says which one.
var ErrLimit = fault.New(fault.TooMany, "limit_reached", "A spending limit is reached; limit says which, and when it resets.").AsFinal()

// refusal says that the limit leaves no room.
func (b Bound) refusal(now time.Time) *fault.Error {
	detail := fmt.Sprintf("The %s's %s limit of %s USD leaves %s USD; it resets at %s.", b.Of, b.Window, b.Limit, b.Remaining, b.ResetsAt.Format(time.RFC3339))
	if b.Of == OfMember {
		detail += " To ask for more: POST /api/organizations/{org_id}/limit-requests."
	}
	return ErrLimit.WithDetail(detail).With("limit", b).WithRetryAfter(max(time.Second, b.ResetsAt.Sub(now)))
}

// reached reports whether nothing is left.
func (b Bound) reached() bool { return b.Used >= b.Limit }

// bounds are the limits that bind a member's calls through a key (of none, by
// themselves), by their counters. No limit binds test keys, whose usage is apart.
func (t *tally) bounds(s access.Standing, key id.Key, now time.Time) []Bound {
	if key.Test() {
		return nil
	}
	resets := resetsAfter(now, s.Location())
	var all []Bound
	add := func(b Bound, limit *money.Amount) {
		if limit == nil {
			return
		}
		b.Limit, b.Remaining = *limit, max(0, *limit-b.Used)
		all = append(all, b)
	}
	month, today := t.held(now, "", 0), now.In(s.Location()).Day()
	day := fmt.Sprintf("%02d", today)
	own := s.Binding(now)
	setBy := func(origin spending.Origin) id.User {
		if origin == spending.OfMember {
			return s.ChosenBy(now)
		}
		return ""
	}
	add(Bound{
		Of: OfMember, Window: Daily, Used: t.days[today].Cost + t.held(now, "", today), Origin: own.Origin.DailyLimit,
		SetBy: setBy(own.Origin.DailyLimit), ResetsAt: resets.Daily, sum: "c" + day,
	}, own.DailyLimit)
	add(Bound{
		Of: OfMember, Window: Monthly, Used: t.total.Cost + month, Origin: own.Origin.MonthlyLimit,
		SetBy: setBy(own.Origin.MonthlyLimit), ResetsAt: resets.Monthly, sum: "c",
	}, own.MonthlyLimit)
	if limits := s.KeyLimits(key); key != "" && limits != nil {
		mark, of := spent.KeyMark(key), limits.Limits()
		add(Bound{
			Of: OfKey, Window: Daily, Used: t.keyDays[keyDay{mark, today}] + t.held(now, mark, today),
			SetBy: limits.By, ResetsAt: resets.Daily, sum: keyDay{mark, today}.sum(),
		}, of.Daily)
		add(Bound{
			Of: OfKey, Window: Monthly, Used: t.keys[mark].Cost + t.held(now, mark, 0),
			SetBy: limits.By, ResetsAt: resets.Monthly, sum: "c" + keyMark + mark,
		}, of.Monthly)
	}
	return all
}

// held is what is reserved through a key (of none, in all), in a day (of none, in the
// month).
func (t *tally) held(now time.Time, key string, day int) (sum money.Amount) {
	for _, h := range t.holds {
		if h.Live(now) && (key == "" || h.Key == key) && (day == 0 || h.Day == day) {
			sum += h.Amount
		}
	}
	return sum
}

// remaining is what the tightest limits leave.
func remaining(bounds []Bound) (left Remaining) {
	tighten := func(left **money.Amount, by money.Amount) {
		if *left == nil || by < **left {
			*left = &by
		}
	}
	for _, b := range bounds {
		if b.Window == Daily {
			tighten(&left.Daily, b.Remaining)
		} else {
			tighten(&left.Monthly, b.Remaining)
		}
	}
	return left
}

// reached is the first limit that leaves nothing, nil if none; where the organization
// only observes, none does.
func reached(bounds []Bound, mode spending.Mode) *Bound {
	for _, b := range bounds {
		if mode != spending.Observe && b.reached() {
			return &b
		}
	}
	return nil
}

// binding is what binds a call.
type binding struct {
	limits []Bound
	rates  []Rate
	mode   spending.Mode
}

// refusal says what leaves no room; nil, there is some.
func (b binding) refusal(now time.Time) *fault.Error {
	if limit := reached(b.limits, b.mode); limit != nil {
		return limit.refusal(now)
	}
	if rate := rateReached(b.rates, one, b.mode); rate != nil {
		return rate.refusal(now)
	}
	return nil
}

// binding is what binds a member's calls through a key now, as their month was read: their
// own limits, and those of pools.
func (p *poolStates) binding(ctx context.Context, t *tally, org id.Organization, s access.Standing, key id.Key, now time.Time) (binding, error) {
	ofPools, err := p.bounds(ctx, org, s, key, now)
	return binding{append(t.bounds(s, key, now), ofPools...), t.rates(s, key, now), s.LimitMode()}, err
}

// bindingNow is binding by the month that was read with how the member stands.
func (p *poolStates) bindingNow(ctx context.Context, org id.Organization, s access.Standing, key id.Key, now time.Time) (binding, error) {
	item, _ := s.Month(now.In(s.Location()).Format(calendar.MonthForm))
	t, err := counters(item)
	if err != nil {
		return binding{}, err
	}
	return p.binding(ctx, t, org, s, key, now)
}

// LimitReached says which limit or rate refuses a member's calls through a key now; nil,
// none does.
func LimitReached(ctx context.Context, t *table.Table, org id.Organization, s access.Standing, key id.Key, now time.Time) (*fault.Error, error) {
	b, err := newPoolStates(t).bindingNow(ctx, org, s, key, now)
	return b.refusal(now), err
}
