package billing

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/organization"
	"roster/internal/page"
	"roster/internal/spent"
	"roster/internal/table"
	"roster/internal/usage"
)

// StatementRequest asks for a month's statement, and which members' lines of it.
type StatementRequest struct {
	Month Month `path:"month" json:"-"`
	// Limit is of how many members there are lines.
	Limit  Limit        `query:"limit" json:"-"`
	Cursor field.Cursor `query:"cursor" json:"-"`
	// Format csv answers the members' lines as a file. Where there are further ones,
	// the header Link leads there.
	Format field.Format `query:"format" json:"-"`
}

// Limit is how many members' lines an answer has at most: 1 to 1000, which is the
// default.
type Limit int

const maxLimit = 1000

func (l *Limit) UnmarshalText(b []byte) error {
	n, err := strconv.Atoi(string(b))
	if err != nil || n < 1 || n > maxLimit {
		return fmt.Errorf("is not a number from 1 to %d", maxLimit)
	}
	*l = Limit(n)
	return nil
}

func (l Limit) members() int {
	if l == 0 {
		return maxLimit
	}
	return int(l)
}

// Status of a statement.
type Status string

const (
	// Open: the month is under way, or its last usage is still coming in.
	Open Status = "open"
	// Closed: it never changes.
	Closed Status = "closed"
)

// StatementAnswer is a statement, with the lines of some of its members.
type StatementAnswer struct {
	Statement StatementView `json:"statement"`
	// NextCursor leads to the lines of further members; absent at their end.
	NextCursor string `json:"next_cursor,omitzero"`
	asked      StatementRequest
}

// Summary is what is told of a statement without its lines.
type Summary struct {
	Month  Month  `json:"month"`
	Status Status `json:"status"`
	// ClosedAt is absent while it is open.
	ClosedAt time.Time `json:"closed_at,omitzero"`
}

// StatementView is the usage of one month, and what was reported late for earlier
// ones. Usage over personal connections is on no statement.
type StatementView struct {
	Summary
	// AsOf is when the counters of an open one were read.
	AsOf         time.Time      `json:"as_of,omitzero"`
	Organization field.Name     `json:"organization"`
	TimeZone     field.TimeZone `json:"time_zone"`
	ContactName  field.Name     `json:"contact_name"`
	ContactEmail email.Address  `json:"contact_email,omitzero"`
	Address      field.Text     `json:"address"`
	TaxID        field.Label    `json:"tax_id"`
	// PurchaseOrder is that which was in force in the month.
	PurchaseOrder field.Label `json:"purchase_order"`
	// Budget is that of the month, null where there was none, and Remaining what the
	// month's usage left of it, 0 where it is exceeded.
	Budget    *money.Amount `json:"budget"`
	Remaining *money.Amount `json:"remaining"`
	// Totals are the sums of all lines, also of those on further pages: the month's
	// usage, and the adjustments.
	Totals Totals `json:"totals"`
	// Usage is that of the month itself.
	Usage usage.Counters `json:"usage"`
	// Adjustments are what was reported for earlier months after these were closed.
	Adjustments []Adjustment `json:"adjustments"`
	// ByMember, by model and by team have lines of the month itself, and those of
	// adjustments, which name an earlier month.
	ByMember []MemberLine `json:"by_member"`
	ByModel  []ModelLine  `json:"by_model"`
	// ByTeam counts usage in each team that the member was in when it was recorded:
	// teams may share it, and members without a team are in none.
	ByTeam []TeamLine `json:"by_team"`
}

// Totals are the sums of a statement.
type Totals struct {
	Members int `json:"members"`
	usage.Counters
}

// Adjustment is what a statement has for an earlier month.
type Adjustment struct {
	Month Month `json:"month"`
	usage.Counters
}

// MemberLine is a member's usage of one month. They are called as they were when the
// statement was closed.
type MemberLine struct {
	Month Month   `json:"month"`
	User  id.User `json:"user_id"`
	Email string  `json:"email"`
	Name  string  `json:"name"`
	usage.Counters
}

// ModelLine is a model's usage of one month.
type ModelLine struct {
	Month Month `json:"month"`
	// Model is empty in the line of those that are not counted by name.
	Model    string       `json:"model"`
	Requests int64        `json:"requests"`
	Cost     money.Amount `json:"cost_usd"`
}

// TeamLine is a team's usage of one month.
type TeamLine struct {
	Month Month `json:"month"`
	// Team is absent in the line of those beyond the first 1000.
	Team id.Team `json:"team_id,omitzero"`
	// Name is empty where the team is deleted.
	Name field.Name `json:"name"`
	usage.Counters
}

var errNoStatement = fault.New(fault.NotFound, "statement_not_found", "There is no statement of this month.")

// GetStatement shows the statement of a month: as it was closed, or as it stands now.
func (s Service) GetStatement(ctx context.Context, by access.Actor, in StatementRequest) (out StatementAnswer, err error) {
	org := by.Organization()
	stored, err := s.statement(ctx, org, in.Month)
	switch {
	case err != nil:
		return out, err
	case stored != nil && stored.Stage == closed:
		out, err = s.closedStatement(ctx, org, *stored, in)
	default:
		out, err = s.openStatement(ctx, by, in)
	}
	out.asked = in
	return out, err
}

const (
	// entryPrefix begins the sort key of every entry.
	entryPrefix = "usr_"
	linesFilter = "attribute_exists(#lines)"
)

func (s Service) closedStatement(ctx context.Context, org id.Organization, of statement, in StatementRequest) (StatementAnswer, error) {
	all, err := s.storedRows(ctx, org, of)
	if err != nil {
		return StatementAnswer{}, err
	}
	entries, next, err := page.Read[entry](ctx, s.Env, page.Request{Limit: page.Limit(in.Limit.members()), Cursor: in.Cursor}, table.Query{
		PK: table.StatementEntry(org, string(of.Month), "").PK, Prefix: entryPrefix, Filter: linesFilter,
	})
	return StatementAnswer{Statement: of.view(all, entries), NextCursor: next}, err
}

// openStatement reads all counters, however few members' lines are asked for: the
// totals are exact.
func (s Service) openStatement(ctx context.Context, by access.Actor, in StatementRequest) (out StatementAnswer, err error) {
	o, err := organization.Get(ctx, s.Table, by.Organization())
	if err != nil {
		return out, err
	}
	last, err := s.lastClosed(ctx, o.ID)
	if err != nil {
		return out, err
	}
	now := s.Now()
	begins := first(o.CreatedAt)
	if last != "" {
		begins = last.plus(1)
	}
	if in.Month < begins || in.Month > Month(spent.Month(now, by.Location())) {
		return out, errNoStatement
	}
	binding := fmt.Sprintf("statement %s %s", o.ID, in.Month)
	start, err := page.Start(ctx, s.Env, binding, in.Cursor)
	if err != nil {
		return out, err
	}
	from, err := table.Decode[table.Key](start)
	if err != nil {
		return out, err
	}
	d := draft{o.ID, in.Month, in.Month == begins}
	total := newSum(in.Month)
	var shown []entry
	for at := (block{more: true}); at.more; {
		if at, err = s.block(ctx, d, at.last); err != nil {
			return out, err
		}
		for _, e := range at.entries {
			total.add(e)
			if e.Lines > 0 && string(e.User) > from.SK && len(shown) <= in.Limit.members() {
				shown = append(shown, e)
			}
		}
	}
	if len(shown) > in.Limit.members() {
		shown = shown[:in.Limit.members()]
		next := table.Item{"sk": &types.AttributeValueMemberS{Value: string(shown[len(shown)-1].User)}}
		if out.NextCursor, err = page.Cursor(ctx, s.Env, binding, next); err != nil {
			return out, err
		}
	}
	all := total.rows()
	if err := s.nameTeams(ctx, o.ID, all); err != nil {
		return out, err
	}
	p, err := s.profile(ctx, o.ID)
	if err != nil {
		return out, err
	}
	out.Statement = statement{Month: in.Month}.standing(*o, &p).summed(total, len(all)).view(all, shown)
	out.Statement.Status, out.Statement.AsOf = Open, now
	return out, nil
}

// view shows a statement with the lines of some members.
func (s statement) view(all []row, entries []entry) StatementView {
	v := StatementView{
		Summary: Summary{s.Month, Closed, s.ClosedAt}, Organization: s.Organization, TimeZone: s.TimeZone,
		ContactName: s.ContactName, ContactEmail: s.ContactEmail, Address: s.Address, TaxID: s.TaxID,
		PurchaseOrder: s.PurchaseOrder, Budget: s.Budget, Remaining: remaining(s.Budget, s.Usage.Cost),
		Totals: Totals{s.Members, s.Totals}, Usage: s.Usage, Adjustments: []Adjustment{},
		ByMember: []MemberLine{}, ByModel: []ModelLine{}, ByTeam: []TeamLine{},
	}
	for _, a := range s.Adjustments {
		v.Adjustments = append(v.Adjustments, Adjustment{a.Month, a.Counters})
	}
	for _, e := range entries {
		for month, sums := range e.sums(s.Month) {
			v.ByMember = append(v.ByMember, MemberLine{month, e.User, e.Email, e.Name, sums.Counters})
		}
	}
	for _, r := range all {
		if r.IsTeam {
			v.ByTeam = append(v.ByTeam, TeamLine{r.Month, r.Team, r.Name, r.Counters})
		} else {
			v.ByModel = append(v.ByModel, ModelLine{r.Month, r.Model, r.Counters.Requests, r.Counters.Cost})
		}
	}
	return v
}
