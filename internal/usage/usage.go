// Package usage is the hot path: may this key use models now, and what was used.
//
// Every model call is an event, kept once by its caller's id. The event and the
// counters that it moves change in one transaction, so the counters of a member's
// month are at any time the exact sum of the events recorded.
package usage

import (
	"cmp"

	"context"
	"errors"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/price"
	"roster/internal/route"
	"roster/internal/warning"
)

// Gate answers whether a member may use models.
type Gate struct {
	*env.Env
	path     *access.HotPath
	pools    *poolStates
	prices   *price.Book
	warnings warning.Service
}

// Meter records usage.
type Meter struct {
	*env.Env
	path     *access.HotPath
	prices   *price.Book
	pools    *poolStates
	warnings warning.Service
}

// Reports shows usage.
type Reports struct {
	*env.Env
	// Most is how many months of members a request reads at most; MostMonths where it is 0.
	Most int
}

// MostMonths is how many months of members are read within a request, whose function has a
// processor for 29 seconds: each is two items, which take some 30 µs of it (BenchmarkHotPath).
const MostMonths = 200_000

func (s Reports) most() int { return cmp.Or(s.Most, MostMonths) }

// AuthorizeEndpoints are the routes asked before a model call.
func AuthorizeEndpoints(e *env.Env) []api.Endpoint {
	path := access.NewHotPath(e)
	g := Gate{e, path, newPoolStates(e.Table), price.NewBook(e), warning.New(e)}
	return []api.Endpoint{
		api.Handle(route.Authorize, forwarding(path.Forwarded), g.Authorize),
		api.Handle(route.ForwardAuth, forwarding(path.Forwarded), g.ForwardAuth),
		api.Handle(route.KeyStatus, path.Caller, g.KeyStatus),
	}
}

// NewMeter makes a Meter; the endpoints of a process share one.
func NewMeter(e *env.Env) Meter {
	return Meter{e, access.NewHotPath(e), price.NewBook(e), newPoolStates(e.Table), warning.New(e)}
}

// MeterEndpoints are the routes called after a model call.
func MeterEndpoints(e *env.Env) []api.Endpoint {
	m := NewMeter(e)
	path := m.path
	return []api.Endpoint{
		api.Handle(route.RecordUsage, path.Caller, m.Record),
		api.Handle(route.AdjustUsage, path.Manager, m.Adjust),
		api.Handle(route.RecordUsageChunk, path.Caller, m.RecordChunk),
		api.Handle(route.GetUsageSource, path.Caller, m.GetSource),
		api.Handle(route.Reserve, refusing(path.Caller), m.Reserve),
		api.Handle(route.CommitReservation, path.Caller, m.CommitReservation),
		api.Handle(route.ReleaseReservation, path.Caller, m.ReleaseReservation),
	}
}

// ReportEndpoints are the routes of reports.
func ReportEndpoints(e *env.Env) []api.Endpoint {
	return []api.Endpoint{
		api.Handle(route.UsageReport, access.Member(e), Reports{Env: e}.Usage),
		api.Handle(route.UsageForecast, access.Member(e), Reports{Env: e}.GetForecast),
		api.Handle(route.UsageEvents, access.Member(e), Reports{Env: e}.ListEvents),
	}
}

// refusing says allowed:false when the caller themselves are refused.
func refusing(authenticate func(context.Context, *api.Request) (access.Caller, error)) func(context.Context, *api.Request) (access.Caller, error) {
	return func(ctx context.Context, r *api.Request) (access.Caller, error) {
		caller, err := authenticate(ctx, r)
		return caller, refusal(err)
	}
}

// forwarding is refusing for what a gateway goes by.
func forwarding(authenticate func(context.Context, *api.Request) (access.Caller, error)) func(context.Context, *api.Request) (access.Caller, error) {
	authenticate = refusing(authenticate)
	return func(ctx context.Context, r *api.Request) (access.Caller, error) {
		caller, err := authenticate(ctx, r)
		return caller, inHeaders(err)
	}
}

// refusal marks an answer that is a No; that Roster cannot answer is none.
func refusal(err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if ok && (f.Kind == fault.Unauthenticated || f.Kind == fault.Forbidden || f.Kind == fault.TooMany) {
		return f.With("allowed", false)
	}
	return err
}
