package access

import (
	"time"

	"roster/internal/email"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/model"
	"roster/internal/money"
	"roster/internal/permission"
	"roster/internal/policy"
	"roster/internal/spending"
)

// What access reads of the items whose whole belongs to user, member and
// organization.
type (
	accountView struct {
		Email    email.Address `dynamodbav:"email"`
		Name     field.Name    `dynamodbav:"name"`
		Verified bool          `dynamodbav:"verified"`
		Platform bool          `dynamodbav:"platform"`
		// PasswordLength is how many characters the password has.
		PasswordLength int `dynamodbav:"password_length"`
		// SessionEpoch: sessions of an earlier one are dead.
		SessionEpoch int `dynamodbav:"session_epoch"`
		// TwoFactor is nil where it is off.
		TwoFactor *struct{} `dynamodbav:"two_factor"`
	}

	memberView struct {
		Kind          string `dynamodbav:"kind"`
		Email         string `dynamodbav:"email"`
		Name          string `dynamodbav:"name"`
		Role          string `dynamodbav:"role"`
		Status        Status `dynamodbav:"status"`
		Epoch         int    `dynamodbav:"epoch"`
		Terms         `dynamodbav:"terms"`
		Keys          map[id.Key]KeyRecord `dynamodbav:"keys"`
		AllowedModels model.List           `dynamodbav:"allowed_models"`
		Teams         map[id.Team]TeamRole `dynamodbav:"teams"`
		// TwoFactor is a copy of what the account says.
		TwoFactor bool `dynamodbav:"two_factor"`
		// Offer is what the invitation promised; Limits go before it.
		Offer   *spending.Chosen `dynamodbav:"offer"`
		Version int              `dynamodbav:"version"`
	}

	// Terms are on what a membership stands; package member has the words.
	Terms struct {
		Suspension *Suspension `dynamodbav:"suspension"`
		Planned    *Suspension `dynamodbav:"planned_suspension"`
		EndsAt     time.Time   `dynamodbav:"ends_at,unixtime"`
		// Accepted is the version of the policy that was accepted last.
		Accepted struct {
			Version int `dynamodbav:"version"`
		} `dynamodbav:"accepted"`
		Limits    *spending.Chosen    `dynamodbav:"limits"`
		Temporary *spending.Temporary `dynamodbav:"temporary_limits"`
	}

	organizationView struct {
		Name     string         `dynamodbav:"name"`
		Status   string         `dynamodbav:"status"`
		TimeZone field.TimeZone `dynamodbav:"time_zone"`
		Policy   policy.Policy  `dynamodbav:"policy"`
		// Roles are the organization's own ones.
		Roles permission.Roles `dynamodbav:"roles"`
		// TeamModels are those that the members of a team may call, of the teams that
		// name any.
		TeamModels map[id.Team]model.List `dynamodbav:"team_models"`
		// RequireAcceptance refuses persons who have not accepted the terms at PolicyURL,
		// of this version.
		RequireAcceptance bool      `dynamodbav:"require_policy_acceptance"`
		PolicyURL         field.URL `dynamodbav:"policy_url"`
		PolicyVersion     int       `dynamodbav:"policy_version"`
		// RequireConnection refuses models whose provider has no connection.
		RequireConnection bool         `dynamodbav:"require_connection"`
		Connections       *Connections `dynamodbav:"connections"`
		// DefaultMonthlyLimit and DefaultDailyLimit are those of members who have none of
		// their own.
		DefaultMonthlyLimit *money.Amount `dynamodbav:"default_monthly_limit"`
		DefaultDailyLimit   *money.Amount `dynamodbav:"default_daily_limit"`
		LimitMode           spending.Mode `dynamodbav:"limit_mode"`
		// EventRetentionDays is how long events are kept; 0 is the default.
		EventRetentionDays int `dynamodbav:"event_retention_days"`
		// Those of members who have no rates of their own.
		DefaultRequestsPerMinute *spending.Count `dynamodbav:"default_requests_per_minute"`
		DefaultTokensPerMinute   *spending.Count `dynamodbav:"default_tokens_per_minute"`
		DefaultMaxInFlight       *spending.Count `dynamodbav:"default_max_in_flight"`
	}
)

// teamModels are the models that one of the teams names; of teams that name none, nil.
func (o organizationView) teamModels(teams map[id.Team]TeamRole) model.List {
	var all model.List
	for team := range teams {
		all = all.Or(o.TeamModels[team])
	}
	return all
}

// at is how the membership stands at a time.
func (m memberView) at(now time.Time) memberView {
	t := Tenure{m.Status, m.Epoch, m.Suspension, m.Planned, m.EndsAt}.At(now)
	m.Status, m.Epoch, m.Suspension, m.Planned = t.Status, t.Epoch, t.Suspension, t.Planned
	return m
}

// permissions are those of the member's role, and what managers of teams have.
func (m memberView) permissions(roles permission.Roles) permission.Set {
	set := roles.Of(m.Role)
	for _, role := range m.Teams {
		if role == TeamManager {
			return set | permission.Of(permission.TeamsOwn)
		}
	}
	return set
}
