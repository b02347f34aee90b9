package audit

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"roster/internal/access"
	"roster/internal/calendar"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/page"
)

// ListRequest asks what happened. Filters go together; each narrows what the others
// leave.
type ListRequest struct {
	// Start and End are the first and the last day, in the organization's time zone;
	// not said, since its founding and until now.
	Start  calendar.Date `query:"start_date" json:"-"`
	End    calendar.Date `query:"end_date" json:"-"`
	Action ActionFilter  `query:"action" json:"-"`
	// Actor is who made the change.
	Actor id.User `query:"actor" json:"-"`
	// Target is what was changed, or changed with it: an id, or the name of a role.
	Target Target `query:"target" json:"-"`
	// User is the member whom a change befell: themselves, their keys or requests.
	User id.User `query:"user_id" json:"-"`
	// Key is an API key by which a change was made, or which was changed.
	Key id.Key `query:"key_id" json:"-"`
	// Format asks for all of it in one file, in place of a page: up to 5 MB; more is
	// refused with `export_too_large`.
	Format field.Format `query:"format" json:"-"`
	page.Request
}

type (
	// ActionFilter is an action, or the beginning of several.
	ActionFilter string
	// Target is an id, or the name of a role.
	Target string
)

func (a *ActionFilter) UnmarshalText(b []byte) error {
	given := ActionFilter(b)
	for _, entry := range Catalogue {
		if given.picks(entry.Action) {
			*a = given
			return nil
		}
	}
	return errors.New("is neither an action of listAuditActions nor the beginning of some up to their dot, such as member.")
}

// picks reports whether an action is the one, or begins so.
func (a ActionFilter) picks(action Action) bool {
	return string(a) == string(action) || strings.HasSuffix(string(a), ".") && strings.HasPrefix(string(action), string(a))
}

var targetForm = regexp.MustCompile(`^([a-z]{3,4}_(test_)?[0-9A-Z]{26,68}|[a-z][a-z0-9_-]{0,39})$`)

func (t *Target) UnmarshalText(b []byte) error {
	if !targetForm.Match(b) {
		return errors.New("is neither an id nor the name of a role")
	}
	*t = Target(b)
	return nil
}

// Validate refuses parameters that contradict each other.
func (in ListRequest) Validate() []fault.Field {
	var faults []fault.Field
	if !in.Start.IsZero() && !in.End.IsZero() && in.Start.UTC().After(in.End.UTC()) {
		faults = append(faults, fault.Field{Parameter: "start_date", Reason: "is after end_date"})
	}
	if in.Format != "" && in.Limit != 0 {
		faults = append(faults, fault.Field{Parameter: "limit", Reason: "cannot stand beside format, which asks for everything"})
	}
	if in.Format != "" && in.Cursor != "" {
		faults = append(faults, fault.Field{Parameter: "cursor", Reason: "cannot stand beside format, which asks for everything"})
	}
	return faults
}

// matches reports whether an event is one of those asked for. Days and the member
// are what is read at all.
func (in ListRequest) matches(e event) bool {
	switch {
	case in.Action != "" && !in.Action.picks(e.Action),
		in.Actor != "" && e.Actor.ID != string(in.Actor),
		in.Target != "" && !e.changed(string(in.Target)),
		in.Key != "" && e.Actor.Key != in.Key && !e.changed(string(in.Key)):
		return false
	}
	return true
}

// narrow reports whether events may be read that are not among those asked for.
func (in ListRequest) narrow() bool {
	return in.Action != "" || in.Actor != "" || in.Target != "" || in.Key != ""
}

// ListAnswer is a page of events, the newest first. One that looks far may have few
// rows, or none: it ends where there is no next_cursor.
type ListAnswer struct {
	Events []View `json:"audit_events"`
	// NextCursor leads to the next page; absent on the last.
	NextCursor string `json:"next_cursor,omitzero"`
	file       field.Format
}

// ListEvents tells what happened in the organization, or what befell one member. Of
// a member, it costs what it shows; other filters look through the events of the
// days asked for, at most a thousand for a page.
func (s Service) ListEvents(ctx context.Context, by access.Actor, in ListRequest) (ListAnswer, error) {
	r := s.reader(by, in)
	if in.Format != "" {
		return s.export(ctx, by, in, r)
	}
	binding := fmt.Sprintf("audit %q", []any{by.Organization(), in.Start, in.End, in.Action, in.Actor, in.Target, in.User, in.Key})
	start, err := page.Start(ctx, s.Env, binding, in.Cursor)
	if err != nil {
		return ListAnswer{}, err
	}
	at := r.first()
	if start != nil {
		at = r.resumed(start)
	}
	events, at, err := r.page(ctx, at, in.Limit.Rows())
	if err != nil {
		return ListAnswer{}, err
	}
	views, err := s.views(ctx, by.Organization(), events)
	if err != nil {
		return ListAnswer{}, err
	}
	next, err := page.Cursor(ctx, s.Env, binding, r.cursor(at))
	return ListAnswer{Events: views, NextCursor: next}, err
}

// skew is how far the clock of whatever recorded an event may lie behind, or before,
// that of what made the ids in it.
const skew = time.Minute

// reader reads what was asked for. Nothing can have happened to what was not yet
// made, so no search goes further back than an id that it is for.
func (s Service) reader(by access.Actor, in ListRequest) reader {
	r := reader{
		t: s.Table, org: by.Organization(), user: in.User, asked: in,
		from: id.Time(string(by.Organization())), until: s.Now(),
	}
	for _, made := range []string{string(in.Actor), string(in.Target), string(in.User), string(in.Key)} {
		if at := id.Time(made); at.After(r.from) {
			r.from = at
		}
	}
	r.from, r.until = r.from.Add(-skew), r.until.Add(skew)
	if begins := in.Start.Begins(by.Location()); !in.Start.IsZero() && begins.After(r.from) {
		r.from = begins
	}
	if ends := in.End.Ends(by.Location()).Add(-time.Millisecond); !in.End.IsZero() && ends.Before(r.until) {
		r.until = ends
	}
	return r
}

// changed reports whether an event changed something.
func (e event) changed(what string) bool { return e.Target == what || slices.Contains(e.Also, what) }
