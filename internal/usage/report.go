package usage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"roster/internal/access"
	"roster/internal/calendar"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/permission"
)

// ReportRequest asks who used what. Whoever may read their own usage alone gets
// their own row, with or without user_id.
type ReportRequest struct {
	GroupBy GroupBy `query:"group_by" json:"-"`
	User    id.User `query:"user_id" json:"-"`
	// Team is one of which the rows are: of its present members, or with
	// group_by=team its own. Managers of a team may ask for theirs.
	Team  id.Team       `query:"team_id" json:"-"`
	Start calendar.Date `query:"start_date" json:"-"`
	End   calendar.Date `query:"end_date" json:"-"`
	Sort  Sort          `query:"sort" json:"-"`
	Limit ReportLimit   `query:"limit" json:"-"`
	// Model and Key are of which the figures are, by member, month, model or key, and of
	// whole months; not both. Neither is counted by tokens. A key is found by its id as long
	// as its member's month counts it, a model by the name that a report by models shows.
	Model Model  `query:"model" json:"-"`
	Key   id.Key `query:"key_id" json:"-"`
	// Test asks for what test keys used, instead of what all others did.
	Test bool `query:"test" json:"-"`
	// whole: where no limit is said, there is none.
	whole bool
	// long: it may take longer than a request.
	long bool
}

// Whole is the request for all rows, where it says no limit.
func (in ReportRequest) Whole() ReportRequest {
	in.whole = true
	return in
}

// Long is the request where it may take longer than one.
func (in ReportRequest) Long() ReportRequest {
	in.long = true
	return in
}

// rows is how many there are at most.
func (in ReportRequest) rows() int {
	switch {
	case in.Limit > 0:
		return int(in.Limit)
	case in.whole:
		return math.MaxInt
	}
	return maxRows
}

// Report is the usage of a period.
type Report struct {
	Usage Usage `json:"usage"`
}

// Usage has one row for each of what it is grouped by, with usage in the period, the
// highest first; days and months in their order. Of a user_id there is always one.
type Usage struct {
	Period   Period     `json:"period"`
	ByMember []UsageRow `json:"by_member,omitzero"`
	// ByTeam counts an event in each team that its member was in when it was
	// recorded: teams may share it, and members without a team are in none.
	ByTeam  []TeamRow  `json:"by_team,omitzero"`
	ByModel []ModelRow `json:"by_model,omitzero"`
	ByKey   []KeyRow   `json:"by_key,omitzero"`
	ByDay   []DayRow   `json:"by_day,omitzero"`
	ByMonth []MonthRow `json:"by_month,omitzero"`
	// ByMetadata has a row for each value that the members had.
	ByMetadata []AllocationRow `json:"by_metadata,omitzero"`
	Totals     Totals          `json:"totals"`
	// Excluded is what none of the figures has; told where all members were read.
	Excluded *Excluded `json:"excluded,omitzero"`
	// AsOf is when the counters were read: they hold every event recorded before.
	AsOf time.Time `json:"as_of"`
}

// UsageRow is one member's usage.
type UsageRow struct {
	User   id.User       `json:"user_id"`
	Email  string        `json:"email"`
	Name   string        `json:"name"`
	Role   string        `json:"role"`
	Status access.Status `json:"status"`
	Counters
	// TopModels are the costliest of the months that the period touches.
	TopModels []string `json:"top_models"`
}

// TeamRow is one team's usage.
type TeamRow struct {
	Team id.Team `json:"team_id"`
	// Name is empty where the team is deleted.
	Name field.Name `json:"name"`
	Counters
}

// Totals sum the rows, also those beyond the limit. By team, they have everything once: also
// what was used outside of teams, and what is in the rows of several.
type Totals struct {
	// Members is how many used something; told where all members were read.
	Members *int `json:"members,omitzero"`
	Counters
}

// Excluded counts calls that are in none of the figures.
type Excluded struct {
	// Personal are those over personal connections, the members' own affair.
	Personal ExcludedUsage `json:"personal"`
	// Test are those of test keys.
	Test ExcludedUsage `json:"test"`
}

// ExcludedUsage is so many calls.
type ExcludedUsage struct {
	Requests int64 `json:"requests"`
}

type (
	// GroupBy is what a row stands for: user (the default), team, model, key, day, month or,
	// as metadata.department, a member of the metadata that members had on each day. What is counted of teams, models and keys is of whole months.
	GroupBy string
	// Sort is the figure by which rows are ordered, the highest first: cost (the
	// default), requests, tokens, input_tokens or output_tokens; or name, the lowest first.
	Sort string
	// ReportLimit is how many rows a report has at most: 1 to 1000, which is the default.
	ReportLimit int
)

const (
	maxRows   = 1000
	topModels = 5

	byUser  GroupBy = "user"
	byTeam  GroupBy = "team"
	byModel GroupBy = "model"
	byKey   GroupBy = "key"
	byDay   GroupBy = "day"
	byMonth GroupBy = "month"

	byCost     Sort = "cost"
	byName     Sort = "name"
	byTokens   Sort = "tokens"
	byRequests Sort = "requests"
	byInput    Sort = "input_tokens"
	byOutput   Sort = "output_tokens"
)

func (g *GroupBy) UnmarshalText(b []byte) error {
	switch by := GroupBy(b); by {
	case byUser, byTeam, byModel, byKey, byDay, byMonth:
		*g = by
		return nil
	}
	var name field.Label
	if key, ok := strings.CutPrefix(string(b), metadataPrefix); ok && name.UnmarshalText([]byte(key)) == nil && name != "" {
		*g = GroupBy(metadataPrefix + name)
		return nil
	}
	return errors.New("is not one of user, team, model, key, day, month, and none such as metadata.department")
}

// metadataPrefix begins what groups by a member of the metadata.
const metadataPrefix = "metadata."

func (g GroupBy) metadata() bool { return strings.HasPrefix(string(g), metadataPrefix) }

func (g GroupBy) metadataName() string { return strings.TrimPrefix(string(g), metadataPrefix) }

func (s *Sort) UnmarshalText(b []byte) error {
	switch sort := Sort(b); sort {
	case byCost, byRequests, byTokens, byInput, byOutput, byName:
		*s = sort
		return nil
	}
	return errors.New("is not one of cost, requests, tokens, input_tokens, output_tokens, name")
}

func (l *ReportLimit) UnmarshalText(b []byte) error {
	n, err := strconv.Atoi(string(b))
	if err != nil || n < 1 || n > maxRows {
		return fmt.Errorf("is not a number from 1 to %d", maxRows)
	}
	*l = ReportLimit(n)
	return nil
}

// Usage reports who used what.
func (s Reports) Usage(ctx context.Context, by access.Actor, in ReportRequest) (Report, error) {
	now := s.Now()
	period, err := period(in.Start, in.End, now.In(by.Location()))
	if err != nil {
		return Report{}, err
	}
	parts := period.parts()
	if err := in.filter(parts); err != nil {
		return Report{}, err
	}
	if err := in.narrow(by); err != nil {
		return Report{}, err
	}
	if slices.Contains([]GroupBy{byTeam, byModel, byKey}, in.GroupBy) && !wholeMonths(parts) {
		return Report{}, errWholeMonths
	}
	if in.asksForTop(parts) {
		if out, found, err := s.top(ctx, by.Organization(), in, parts); found || err != nil {
			out.Period, out.AsOf = period, now
			return Report{out}, err
		}
	}
	months, err := s.months(ctx, by.Organization(), in, parts)
	if err != nil {
		return Report{}, err
	}
	r := reckoning{in: in, parts: parts, zone: by.Location(), out: Usage{
		Period: period, AsOf: now, Excluded: new(Excluded), Totals: Totals{Members: new(int)},
	}}
	if err := s.reckon(ctx, by.Organization(), months, &r); err != nil {
		return Report{}, err
	}
	if in.User != "" && !r.known {
		return Report{}, errNoMember
	}
	err = s.finish(ctx, by.Organization(), &r)
	return Report{r.out}, err
}

// concerns reports whether a member is one of those that were asked for.
func (in ReportRequest) concerns(p *person) bool { return in.Team == "" || p.Teams[in.Team] != "" }

// narrow refuses what the caller may not see, and leaves those who may see no
// more their own usage.
func (in *ReportRequest) narrow(by access.Actor) error {
	switch {
	case by.Can(permission.UsageRead), in.Team != "" && by.IsManagerOf(in.Team):
		return nil
	case in.User != "" && in.User != by.User():
		return access.ErrPermission.With("permission", permission.UsageRead)
	}
	in.User = by.User()
	return nil
}

// ErrLong refuses a report that takes longer than a request.
var ErrLong = fault.New(fault.Invalid, "report_too_large",
	"So many months of members take longer to read than a request may: ask for a shorter period, or for the same with …/export/usage, which then makes a file by a job.")

// months are those to read: of one user, or of everyone with counters. Those of test
// keys are read for what a report excludes, too. It fails with ErrLong.
func (s Reports) months(ctx context.Context, org id.Organization, in ReportRequest, parts []part) ([]month, error) {
	var all []month
	kinds := []bool{true}
	if !in.Test {
		kinds = []bool{false, true}
	}
	for _, p := range parts {
		for _, test := range kinds {
			users := []id.User{in.User}
			if in.User == "" {
				var err error
				if users, err = usersOf(ctx, s.Table, org, p.month, test); err != nil {
					return nil, err
				}
			}
			for _, u := range users {
				all = append(all, month{u, p.month, test})
			}
			if !in.long && len(all) > s.most() {
				return nil, ErrLong
			}
		}
	}
	return all, nil
}

// row is a member's, of what is asked for.
func (in ReportRequest) row(user id.User, p *person, tallies map[month]*tally, parts []part) UsageRow {
	row := rowOf(user, p, tallies, parts, in.Test)
	if !in.filtered() {
		return row
	}
	row.Counters, row.TopModels = Counters{}, []string{}
	for _, of := range parts {
		if t := tallies[month{user, of.month, in.Test}]; t != nil {
			row.Counters = row.plus(in.counted(user, of, t))
		}
	}
	if in.Model != "" && !row.IsZero() {
		row.TopModels = []string{string(in.Model)}
	}
	return row
}

func rowOf(user id.User, p *person, tallies map[month]*tally, parts []part, test bool) UsageRow {
	row := UsageRow{User: user, Email: p.Email, Name: p.Name, Role: p.Role, Status: p.Status}
	models := map[string]Counters{}
	for _, part := range parts {
		t := tallies[month{user, part.month, test}]
		if t == nil {
			continue
		}
		row.Counters = row.plus(part.of(t))
		for model, c := range t.models {
			models[model] = models[model].plus(c)
		}
	}
	row.TopModels = top(models)
	return row
}

// top names the costliest models, the most used first among equals.
func top(models map[string]Counters) []string {
	names := make([]string, 0, len(models))
	for name := range models {
		if name != otherModel {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(
			cmp.Compare(models[b].Cost, models[a].Cost),
			cmp.Compare(models[b].Requests, models[a].Requests),
			cmp.Compare(a, b),
		)
	})
	return names[:min(len(names), topModels)]
}

func (s Sort) compare(a, b UsageRow) int {
	return cmp.Or(s.compareRows(a.Counters, b.Counters, a.Name, b.Name), cmp.Compare(a.User, b.User))
}

func (s Sort) compareRows(a, b Counters, name, other string) int {
	if s == byName {
		return cmp.Compare(name, other)
	}
	return cmp.Or(cmp.Compare(s.figure(b), s.figure(a)), cmp.Compare(b.Cost, a.Cost))
}

func (s Sort) figure(c Counters) int64 {
	switch s {
	case byRequests:
		return c.Requests
	case byTokens:
		return int64(c.Input + c.Output)
	case byInput:
		return int64(c.Input)
	case byOutput:
		return int64(c.Output)
	}
	return int64(c.Cost)
}
