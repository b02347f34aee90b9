package member

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/csvfile"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/page"
	"roster/internal/route"
	"roster/internal/spent"
	"roster/internal/table"
)

// ReviewEndpoints are the routes by which access is reviewed.
func ReviewEndpoints(e *env.Env) []api.Endpoint {
	return []api.Endpoint{api.Handle(route.ReviewAccess, access.Member(e), Service{e}.ReviewAccess)}
}

// ReviewRequest asks for who has access and does not use it.
type ReviewRequest struct {
	// Inactive is for how many days, in the organization's time zone, a member has not
	// been active; 0 is everyone.
	Inactive InactiveDays `query:"inactive_days" json:"-"`
	// Format asks for all of them in one file, in place of a page: up to 5 MB; more is
	// refused with `export_too_large`.
	Format field.Format `query:"format" json:"-"`
	page.Request
}

// InactiveDays is a number of days.
type InactiveDays struct{ days *int }

// DefaultInactiveDays stands where nothing is said.
const (
	DefaultInactiveDays = 90
	MaxInactiveDays     = 3650
)

func (d *InactiveDays) UnmarshalText(b []byte) error {
	n, err := strconv.Atoi(string(b))
	if err != nil || n < 0 || n > MaxInactiveDays {
		return fmt.Errorf("is not a number from 0 to %d", MaxInactiveDays)
	}
	d.days = &n
	return nil
}

func (d InactiveDays) number() int {
	if d.days == nil {
		return DefaultInactiveDays
	}
	return *d.days
}

// Validate refuses parameters that contradict each other.
func (in ReviewRequest) Validate() []fault.Field {
	var faults []fault.Field
	if in.Format != "" && in.Limit != 0 {
		faults = append(faults, fault.Field{Parameter: "limit", Reason: "cannot stand beside format, which asks for everyone"})
	}
	if in.Format != "" && in.Cursor != "" {
		faults = append(faults, fault.Field{Parameter: "cursor", Reason: "cannot stand beside format, which asks for everyone"})
	}
	return faults
}

// ReviewAnswer is a page of members: first those who were never active, then those
// whose last activity is longest ago.
type ReviewAnswer struct {
	Members []ReviewRow `json:"members"`
	// NextCursor leads to the next page; absent on the last.
	NextCursor string `json:"next_cursor,omitzero"`
	// Inactive is for how many days they have not been active.
	Inactive int       `json:"inactive_days"`
	AsOf     time.Time `json:"as_of"`
	file     field.Format
}

// ReviewRow is a member as their access is reviewed.
type ReviewRow struct {
	UserID id.User     `json:"user_id"`
	Email  string      `json:"email"`
	Name   field.Name  `json:"name"`
	Alias  field.Label `json:"alias"`
	Kind   Kind        `json:"kind"`
	Role   string      `json:"role"`
	Status Status      `json:"status"`
	Teams  []TeamView  `json:"teams"`
	// Keys is how many API keys there are.
	Keys int `json:"keys"`
	// Responsible is who answers for a service account.
	Responsible id.User `json:"responsible,omitzero"`
	// LastActiveAt says the day: the instant when it began in the organization's
	// time zone. Null is never.
	LastActiveAt *time.Time `json:"last_active_at"`
	CreatedAt    time.Time  `json:"created_at"`
	// Spend is what the member spent in the current month, and LastMonth in the one
	// before.
	Spend     money.Amount `json:"spend"`
	LastMonth money.Amount `json:"spend_last_month"`
}

// reviewedMembers is how many members a file has at most.
const reviewedMembers = 5000

// ReviewAccess lists the active and suspended members who have not been active for a
// while, and have been members for as long. A page costs what it shows.
func (s Service) ReviewAccess(ctx context.Context, by access.Actor, in ReviewRequest) (ReviewAnswer, error) {
	p := pages{s.Env, by.Organization(), []source{inactive(by, in.Inactive.number(), s.Now())}}
	out := ReviewAnswer{Members: []ReviewRow{}, Inactive: in.Inactive.number(), AsOf: s.Now(), file: in.Format}
	asked := in.Request
	if in.Format != "" {
		asked.Limit = 100
	}
	for size := 0; ; {
		members, next, err := p.read(ctx, asked)
		if err != nil {
			return ReviewAnswer{}, err
		}
		rows, err := s.review(ctx, by, members)
		if err != nil {
			return ReviewAnswer{}, err
		}
		out.Members = append(out.Members, rows...)
		if in.Format == "" {
			out.NextCursor = next
			return out, nil
		}
		for _, row := range rows {
			size += row.length()
		}
		switch {
		case size > api.MaxAnswer, len(out.Members) > reviewedMembers:
			return ReviewAnswer{}, api.ErrExport
		case next == "":
			return out, nil
		}
		asked.Cursor = field.Cursor(next)
	}
}

// inactive is the list of who was last active so many days ago or earlier, and is a
// member for as long.
func inactive(by access.Actor, days int, now time.Time) source {
	last := Day(now, by.Location()).AddDate(0, 0, -days)
	s := listScope{}.source(by.Organization(), byLastActive, false)
	s.query.To, s.asked = table.EntriesTo(instant(last)), strconv.Itoa(days)
	stands := s.shows
	s.shows = func(m Member, entry table.Key) bool {
		return stands(m, entry) && !Day(m.CreatedAt, by.Location()).After(last)
	}
	return s
}

// review makes the rows of members, with what each spent.
func (s Service) review(ctx context.Context, by access.Actor, members []Member) ([]ReviewRow, error) {
	users := make([]id.User, len(members))
	for i, m := range members {
		users[i] = m.ID
	}
	local := s.Now().In(by.Location())
	before := time.Date(local.Year(), local.Month(), 0, 12, 0, 0, 0, by.Location())
	current, err := spent.Of(ctx, s.Table, by.Organization(), spent.Month(local, by.Location()), users)
	if err != nil {
		return nil, err
	}
	previous, err := spent.Of(ctx, s.Table, by.Organization(), spent.Month(before, by.Location()), users)
	if err != nil {
		return nil, err
	}
	rows := make([]ReviewRow, len(members))
	for i, m := range members {
		v := m.view()
		rows[i] = ReviewRow{
			UserID: m.ID, Email: string(m.Email), Name: m.Name, Alias: m.Alias, Kind: m.Kind, Role: m.Role, Status: m.Status,
			Teams: v.Teams, Keys: v.Keys, Responsible: m.Responsible, LastActiveAt: v.LastActiveAt, CreatedAt: v.CreatedAt,
			Spend: current[m.ID], LastMonth: previous[m.ID],
		}
	}
	return rows, nil
}

var reviewColumns = []string{
	"user_id", "email", "name", "alias", "kind", "role", "status", "teams", "keys", "responsible",
	"last_active_at", "created_at", "spend", "spend_last_month",
}

func (r ReviewRow) cells() []string {
	last := ""
	if r.LastActiveAt != nil {
		last = r.LastActiveAt.Format(time.RFC3339)
	}
	teams := make([]string, len(r.Teams))
	for i, t := range r.Teams {
		teams[i] = string(t.ID)
	}
	return []string{
		string(r.UserID), r.Email, string(r.Name), string(r.Alias), string(r.Kind), r.Role, string(r.Status),
		strings.Join(teams, " "), strconv.Itoa(r.Keys), string(r.Responsible),
		last, r.CreatedAt.Format(time.RFC3339), r.Spend.String(), r.LastMonth.String(),
	}
}

// rowJSON is how much longer than its cells a row is as JSON at most: its names.
const rowJSON = 400

// length is about how much of an answer the row takes.
func (r ReviewRow) length() int {
	row := new(csvfile.File)
	row.Add(r.cells()...)
	return api.Transported(row.Bytes()) + rowJSON
}

// File is the answer as a file, if one was asked for.
func (a ReviewAnswer) File() *api.File {
	switch a.file {
	case field.CSV:
		table := csvfile.New(reviewColumns...)
		for _, row := range a.Members {
			table.Add(row.cells()...)
		}
		return &api.File{Name: "access-review.csv", CSV: table.Bytes()}
	case field.JSON:
		return &api.File{Name: "access-review.json"}
	}
	return nil
}
