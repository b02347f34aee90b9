package usage

import (
	"context"
	"time"

	"roster/internal/access"
	"roster/internal/calendar"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/money"
	"roster/internal/organization"
	"roster/internal/pool"
	"roster/internal/table"
)

// ForecastRequest asks how the current month ends: for a member, for a team, or for the
// whole organization. Whoever may read their own usage alone gets their own.
type ForecastRequest struct {
	User id.User `query:"user_id" json:"-"`
	Team id.Team `query:"team_id" json:"-"`
}

func (in ForecastRequest) Validate() []fault.Field {
	if in.User != "" && in.Team != "" {
		return []fault.Field{{Parameter: "team_id", Reason: "cannot stand beside user_id"}}
	}
	return nil
}

// ForecastAnswer is a forecast.
type ForecastAnswer struct {
	Forecast Forecast `json:"forecast"`
}

// Forecast is how a month ends if the rest of it is as the last seven days and the
// current one were: what was spent so far, and for the time that is left the average of
// those days, from the first on which something was spent; none, where refunds are of more.
type Forecast struct {
	User  id.User `json:"user_id,omitzero"`
	Team  id.Team `json:"team_id,omitzero"`
	Month string  `json:"month"`
	// Spent is of the month, and DailyAverage of 24 hours.
	Spent        money.Amount `json:"spent_usd"`
	DailyAverage money.Amount `json:"daily_average_usd"`
	Projected    money.Amount `json:"projected_usd"`
	// MonthlyLimit is in USD; null is unlimited.
	MonthlyLimit *money.Amount `json:"monthly_limit"`
	// LimitReachedOn is the day on which the limit is met, today where it is; null where it
	// is not within the month.
	LimitReachedOn *calendar.Date `json:"limit_reached_on"`
	AsOf           time.Time      `json:"as_of"`
}

var errNoTeamDays = fault.InvalidParameter("team_id", "is a team without a limit: what it spends is counted by months alone")

// GetForecast tells how the current month ends.
func (s Reports) GetForecast(ctx context.Context, by access.Actor, in ForecastRequest) (ForecastAnswer, error) {
	all := ReportRequest{User: in.User, Team: in.Team}
	if err := all.narrow(by); err != nil {
		return ForecastAnswer{}, err
	}
	now := s.Now().In(by.Location())
	var (
		f   Forecast
		err error
	)
	if all.User != "" {
		f, err = s.forecastMember(ctx, by.Organization(), all.User, now)
	} else {
		f, err = s.forecastPool(ctx, by, in.Team, now)
	}
	return ForecastAnswer{f}, err
}

// lastMonth names the month before.
func lastMonth(now time.Time) string {
	return time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, time.UTC).Format(calendar.MonthForm)
}

func (s Reports) forecastMember(ctx context.Context, org id.Organization, user id.User, now time.Time) (Forecast, error) {
	current := month{user, now.Format(calendar.MonthForm), false}
	before := month{user, lastMonth(now), false}
	var (
		m *member.Member
		o *organization.Organization
	)
	tallies := wanted[month, tally]{}
	reads := []table.Read{member.Read(org, user, &m), organization.Read(org, &o)}
	for _, of := range []month{current, before} {
		reads = tallies.add(reads, of, of.key(org))
	}
	if err := s.Table.Get(ctx, reads...); err != nil {
		return Forecast{}, err
	}
	if m == nil || o == nil {
		return Forecast{}, errNoMember
	}
	found, days := tallies.found(), daily{}
	for of, t := range found {
		for day, c := range t.days {
			days.add(of.name, day, c.Cost)
		}
	}
	f := days.forecast(found[current].total.Cost, m.Limits(*o, now).MonthlyLimit, now)
	f.User = user
	return f, nil
}

func (s Reports) forecastPool(ctx context.Context, by access.Actor, team id.Team, now time.Time) (Forecast, error) {
	settings, err := pool.GetSettings(ctx, s.Table, by.Organization())
	if err != nil {
		return Forecast{}, err
	}
	setting := settings.Of(team)
	if team != "" && !setting.Limited() {
		return Forecast{}, errNoTeamDays
	}
	days := daily{}
	var spent money.Amount
	for _, name := range []string{lastMonth(now), now.Format(calendar.MonthForm)} {
		state, err := pool.Pool{Organization: by.Organization(), Team: team, Month: name}.Read(ctx, s.Table, now)
		if err != nil {
			return Forecast{}, err
		}
		for day, sums := range state.Days {
			days.add(name, day, sums.Cost)
		}
		spent = state.Month.Cost
	}
	f := days.forecast(spent, setting.Limits().Monthly, now)
	f.Team = team
	return f, nil
}
