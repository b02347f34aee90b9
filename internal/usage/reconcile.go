package usage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"roster/internal/access"
	"roster/internal/calendar"
	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/organization"
	"roster/internal/pool"
	"roster/internal/table"
)

// Reconciler proves that counters are what events come to. It repairs nothing: that they
// differ is a defect, or somebody's hand, and an operator decides.
type Reconciler struct{ *env.Env }

// Reconciliation is what a run found.
type Reconciliation struct {
	Organizations int `json:"organizations"`
	// Events were read, and Months compared.
	Events int `json:"events"`
	Months int `json:"months"`
	// Busy are months in which something was recorded meanwhile: a later run compares them.
	Busy int `json:"busy"`
	// Drifts should be none.
	Drifts []Drift `json:"drifts"`
}

// Drift is a month whose counters are not what its events come to.
type Drift struct {
	Organization id.Organization `json:"organization_id"`
	// User is the member; of none, it is the organization's pool.
	User   id.User `json:"user_id,omitzero"`
	Month  string  `json:"month"`
	Test   bool    `json:"test,omitzero"`
	Detail string  `json:"detail"`
}

var errDrift = errors.New("usage: counters are not what their events come to")

// reconciling is how far the round of a day is through the organizations.
type reconciling struct {
	Day   string          `dynamodbav:"day"`
	After id.Organization `dynamodbav:"after,omitempty"`
	Done  bool            `dynamodbav:"done,omitempty"`
}

const (
	// settledFor is how long nothing is recorded before a month is compared: what is under
	// way is written within it, and a chunk that was cut off is counted by a sweep.
	settledFor = 10 * time.Minute
	// reconcileReserve is what a run keeps of its time.
	reconcileReserve = 10 * time.Second
)

// reconcileDetail is the detail of an event with which an operator names an organization.
type reconcileDetail struct {
	Organization id.Organization `json:"organization"`
}

// Sweep goes through the organizations that are due, once a day: each in one go. One that
// the event names it compares at once. It fails where there is a drift, or where an
// organization could not be compared, which the log tells, and goes on with the next one
// all the same: that a large one takes too long keeps no other waiting.
func (r Reconciler) Sweep(ctx context.Context, event events.EventBridgeEvent) (Reconciliation, error) {
	out := Reconciliation{Drifts: []Drift{}}
	inTime, cancel := env.InTime(ctx, reconcileReserve)
	defer cancel()
	var named reconcileDetail
	if len(event.Detail) > 0 {
		if err := json.Unmarshal(event.Detail, &named); err != nil {
			return out, err
		}
	}
	var err error
	if named.Organization != "" {
		err = errors.Join(r.reconcile(inTime, named.Organization, &out), out.failed())
	} else {
		out, err = r.round(ctx, inTime, out)
	}
	r.Log.InfoContext(ctx, "usage: reconciled", "organizations", out.Organizations, "events", out.Events,
		"months", out.Months, "busy", out.Busy, "drifts", len(out.Drifts))
	return out, err
}

// failed is the error of drifts.
func (r Reconciliation) failed() error {
	if len(r.Drifts) > 0 {
		return errDrift
	}
	return nil
}

// due reports whether an organization is compared on a day: each is once a week, for all of
// its events are read.
func due(org id.Organization, day time.Time) bool {
	h := fnv.New32a()
	h.Write([]byte(org))
	return int64(h.Sum32()%7) == day.Unix()/int64((24*time.Hour).Seconds())%7
}

// at is where the rounds go on: with the one under way, however late it is, or else with
// that of the next day, up to today. Of days that were missed it makes up for those of a
// week, in which each organization is due.
func (was *reconciling) at(today time.Time) (at reconciling, day time.Time, err error) {
	day = today
	if was != nil {
		at = *was
		if day, err = time.Parse(time.DateOnly, was.Day); err != nil {
			return reconciling{}, time.Time{}, err
		}
	}
	if oldest := today.AddDate(0, 0, -6); day.Before(oldest) {
		at, day = reconciling{}, oldest
	} else if at.Done && day.Before(today) {
		at, day = reconciling{}, day.AddDate(0, 0, 1)
	}
	at.Day = day.Format(time.DateOnly)
	return at, day, nil
}

// round goes on with the rounds.
func (r Reconciler) round(ctx, inTime context.Context, out Reconciliation) (Reconciliation, error) {
	var stored *reconciling
	if err := r.Table.Get(inTime, table.Into(table.ReconcileRound(), &stored)); err != nil {
		return out, err
	}
	at, day, err := stored.at(r.Now().UTC().Truncate(24 * time.Hour))
	if err != nil {
		return out, err
	}
	var failed error
	for !at.Done && inTime.Err() == nil {
		listed, _, err := organization.After(inTime, r.Table, at.After, 1)
		if err != nil {
			return out, err
		}
		if at.Done = len(listed) == 0; !at.Done {
			if listed[0].Status != organization.Deleted && due(listed[0].ID, day) {
				if err := r.reconcile(inTime, listed[0].ID, &out); err != nil {
					r.Log.ErrorContext(ctx, "usage: an organization was not reconciled", "organization", string(listed[0].ID), "error", err)
					failed = err
				}
			}
			at.After = listed[0].ID
		}
		if err := r.Table.Transact(ctx, table.Write{Key: table.ReconcileRound(), Put: at}); err != nil {
			return out, err
		}
	}
	return out, errors.Join(failed, out.failed())
}

// reconcile compares an organization's current month and the one before, as far as all
// of their events are kept: none is taken later.
func (r Reconciler) reconcile(ctx context.Context, org id.Organization, out *Reconciliation) error {
	o, err := organization.Get(ctx, r.Table, org)
	if err != nil || o == nil {
		return err
	}
	began := r.Now()
	local := began.In(o.TimeZone.Location())
	kept := began.AddDate(0, 0, -access.RetentionDays(int(o.EventRetentionDays)))
	var names []string
	for back := range 2 {
		year, month, _ := local.AddDate(0, 0, 1-local.Day()).AddDate(0, -back, 0).Date()
		if first := calendar.DayBegins(year, month, 1, local.Location()); first.After(kept) {
			names = append(names, first.In(local.Location()).Format(calendar.MonthForm))
		}
	}
	months, users, err := r.months(ctx, org, names)
	if err != nil {
		return err
	}
	before, err := readState(ctx, r.Table, org, months)
	if err != nil {
		return err
	}
	pools, err := r.pools(ctx, org, names)
	if err != nil {
		return err
	}
	counted, read, err := recountEvents(ctx, r.Table, org, users, names)
	if err != nil {
		return err
	}
	out.Organizations, out.Events = out.Organizations+1, out.Events+read
	for of := range counted {
		if before.tallies[of] == nil {
			months = append(months, of)
		}
	}
	after, err := readState(ctx, r.Table, org, months)
	if err != nil {
		return err
	}
	busy := map[string]bool{}
	for _, of := range months {
		events, t := counted.of(of), after.tallies[of]
		if was := before.tallies[of]; was == nil || was.total != t.total || events.last.After(began.Add(-settledFor)) {
			out.Busy++
			busy[of.name] = true
			continue
		}
		out.Months++
		if detail := events.differ(t); detail != "" {
			r.drift(ctx, out, Drift{org, of.user, of.name, of.test, detail})
		}
	}
	still, err := r.pools(ctx, org, names)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !busy[name] && pools[name] == still[name] { // else something was booked meanwhile
			r.comparePool(ctx, org, name, still[name], after.tallies, out)
		}
	}
	return nil
}

// pools are what the organization's pool has of months.
func (r Reconciler) pools(ctx context.Context, org id.Organization, names []string) (map[string]pool.Usage, error) {
	all := map[string]pool.Usage{}
	for _, name := range names {
		state, err := pool.Pool{Organization: org, Month: name}.ReadNow(ctx, r.Table, r.Now())
		if err != nil {
			return nil, err
		}
		all[name] = state.Month.Usage
	}
	return all, nil
}

// months are those with counters, and the users whose they are.
func (r Reconciler) months(ctx context.Context, org id.Organization, names []string) (months []month, users []id.User, err error) {
	known := map[id.User]bool{}
	for _, name := range names {
		for _, test := range []bool{false, true} {
			listed, err := usersOf(ctx, r.Table, org, name, test)
			if err != nil {
				return nil, nil, err
			}
			for _, user := range listed {
				months = append(months, month{user, name, test})
				known[user] = true
			}
		}
	}
	return months, slices.Sorted(maps.Keys(known)), nil
}

// comparePool compares the organization's pool with the sum of its members.
func (r Reconciler) comparePool(ctx context.Context, org id.Organization, name string, used pool.Usage, tallies map[month]*tally, out *Reconciliation) {
	var sum Counters
	for of, t := range tallies {
		if of.name == name && !of.test {
			sum = sum.plus(t.total)
		}
	}
	if pooled := (Counters{Requests: used.Requests, Input: TokenCount(used.Input), Output: TokenCount(used.Output), Cost: used.Cost, personal: sum.personal}); pooled != sum {
		r.drift(ctx, out, Drift{Organization: org, Month: name, Detail: fmt.Sprintf("the organization's pool has %+v, its members %+v", pooled, sum)})
	}
}

func (r Reconciler) drift(ctx context.Context, out *Reconciliation, d Drift) {
	r.Log.ErrorContext(ctx, "usage: counters are not what their events come to",
		"organization", string(d.Organization), "user", string(d.User), "month", d.Month, "test", d.Test, "detail", d.Detail)
	out.Drifts = append(out.Drifts, d)
}
